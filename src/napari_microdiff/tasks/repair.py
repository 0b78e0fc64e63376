"""Repair: what may lie under dust, bubbles, folds and dead pixels that a user has painted over.

Holes are first filled smoothly. From this guess under some noise a prior draws what images usually look like, while all
sound pixels are held: at every step the estimate has their values, so that what is drawn fits to them (after the idea
of restoring artefacts by diffusion, He et al. 2023, arXiv:2307.14262). Sound pixels come out as they went in. The prior
draws clean images; a sample is given the noise that the camera would have added, or it would show among noisy pixels.
The mean is half that of what was drawn and half the smooth filling: it is nearer to the truth than either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..diffusion.denoiser import Condition, Denoiser
from ..diffusion.guidance import known_pixels
from ..diffusion.noise import Stream, positional_noise
from ..engine.canvas import Plane
from ..engine.options import RepairOptions
from ..engine.request import Request
from ..engine.tiles import Box, Reach, Tile, read_window
from ..errors import ImageError, RequestError
from ..imaging.axes import PlaneIndex
from ..imaging.camera import Camera
from ..imaging.noise import estimate_camera
from .base import Context, Image, PlaneJob, box_of, check_architecture, steps_of, without_equal_samples
from .collect import Collector
from .damage import Damage, DamagedPlane
from .likeness import likeness
from .remember import Remembered
from .starting import PRIOR, empty_condition, jobs_from_guess
from .statistics import Statistics, channel_view, measure_channel, position_of, positions, tell_of_channels

# Share of what is drawn in the best estimate; the rest is the smooth filling, which errs in other ways.
_DRAWN = 0.5
_SIGMA_MIN = 0.02  # of the standard deviation of images; what is below cannot be seen


class Repair:
    """The task; see `tasks.base.Task`."""

    def __init__(self, context: Context) -> None:
        self.request, self.notices = context.request, context.notices
        self.card, self._denoiser = context.card, context.denoiser
        options = self.request.options
        assert isinstance(options, RepairOptions)
        self._start = min(options.start, self.card.sigma_max)
        check_architecture(self.card, PRIOR)
        if context.damaged is None:
            raise RequestError("Nothing says which pixels are damaged. Give a mask that is not zero there.")
        self.request = without_equal_samples(self.request, self.notices)
        self._damage = Damage.checked(context.source, context.damaged)
        self.source = context.source
        sound = self._damage.sound()
        self._statistics: dict[int | None, Statistics] = {p: measure_channel(sound, p) for p in positions(sound)}
        if all(s.constant for s in self._statistics.values()):
            raise ImageError("All sound pixels of the image have the same value: there is nothing to go by.")
        tell_of_channels(self.source, list(self._statistics.values()), self.notices)
        noisy = options.noise and "sample" in self.request.outputs
        without = self._damage.without()
        shown = [p for p, s in self._statistics.items() if noisy and not s.constant]
        self._cameras = {p: estimate_camera(*channel_view(without, p)) for p in shown}
        if any(camera == Camera(gain=0.0) for camera in self._cameras.values()):
            self.notices.append("No noise was found in the sound pixels: what is drawn has none either.")
        self._now: tuple[PlaneIndex, DamagedPlane] | None = None
        lost = self._damage.lost_planes()
        # What there is nothing to draw from: all of a channel is gone, or what is left of it has one value.
        self.left_out = [index for index in lost if self._statistics[position_of(self.source, index)].constant]
        self._tell_what_is_lost(drawn=len(lost) > len(self.left_out))
        self.report: dict[str, Any] = {
            "normalization": [[s.normalization.offset, s.normalization.scale] for s in self._statistics.values()],
            "noise_added": [
                asdict(self._cameras[p]) if p in self._cameras else None for p in self._statistics if noisy
            ],
        }
        found = likeness(self.card, [(s, s.vector()) for s in self._statistics.values() if not s.constant])
        if found is not None:
            self.report["familiarity"] = found.report(task=self.request.task)

    def _tell_what_is_lost(self, *, drawn: bool) -> None:
        if self.left_out:
            self.notices.append("A channel has no sound pixels that differ: where it is damaged all over it stays so.")
        if drawn:
            self.notices.append(
                "Some planes are damaged all over: what is drawn there is made up, as bright as the other planes are."
            )

    def guide(self, denoiser: Denoiser) -> Denoiser:
        """Hold all sound pixels."""
        return known_pixels(denoiser)

    def jobs(self, index: PlaneIndex) -> Sequence[PlaneJob]:
        """Prepare one plane, for each of its samples; nothing where nothing is damaged."""
        statistics = self._statistics[position_of(self.source, index)]
        damaged = self._damaged(index)
        box = None if statistics.constant else damaged.box(box_of(index))
        if box is None:
            return ()
        steps = steps_of(self.request, self._start, _SIGMA_MIN * self.card.sigma_data, blind=False)
        plane = Plane(
            shape=damaged.shape,
            region=box,
            reach=Reach.of(self._denoiser.network.stride, self.card.halo),
            number=self.source.plane_number(index),
            condition_at=Remembered(self._condition(damaged)),
        )
        return jobs_from_guess(self.request, plane, damaged.guess, self._start, steps, self.source.plane(index))

    def gatherer(self, request: Request) -> RepairCollector:
        """Return what puts the drawn pixels into the image."""
        return RepairCollector(request, self._damage, self)

    def read(self, index: PlaneIndex, normalised: Image) -> Image:
        """Bring a mean or a sample back to the units of the image."""
        return self._statistics[position_of(self.source, index)].normalization.undo(normalised)

    def read_spread(self, index: PlaneIndex, mean: Image, spread: Image) -> Image:
        """Bring a standard deviation back to the units of the image."""
        return np.asarray(spread * np.float32(self._statistics[position_of(self.source, index)].normalization.scale))

    def estimated(self, index: PlaneIndex, core: Box, mean: Image) -> Image:
        """Return the best estimate of a part, given the mean of what was drawn, in the units of the image."""
        smooth = self.read(index, read_window(self._damaged(index), core))
        return np.asarray(_DRAWN * mean + (1 - _DRAWN) * smooth.reshape(mean.shape), dtype=np.float32)

    def recorded(self, index: PlaneIndex, core: Box, drawn: Image) -> Image:
        """Return what the camera would have recorded of a part of a drawn plane, in the units of the image."""
        camera = self._cameras.get(position_of(self.source, index))
        if camera is None:
            return drawn
        start, stop = zip(*core, strict=True)
        noise = positional_noise(self.request.seed, Stream.RECORDED, self.source.plane_number(index), start, stop)
        return np.asarray(drawn + camera.noise(drawn) * noise.reshape(drawn.shape), dtype=np.float32)

    def _damaged(self, index: PlaneIndex) -> DamagedPlane:
        """Return a plane and its holes; one after the other, for filling them takes time."""
        if self._now is None or self._now[0] != index:
            normalization = self._statistics[position_of(self.source, index)].normalization
            self._now = index, DamagedPlane(self._damage, index, normalization)
        return self._now[1]

    def _condition(self, damaged: DamagedPlane) -> Any:
        """Return what makes the condition of a tile: nothing is told to the prior but the pixels that are held."""

        def condition_at(tile: Tile) -> Condition:
            return replace(
                empty_condition(self.card, tile),
                known=torch.from_numpy(damaged.guess(tile))[None, None],
                known_mask=torch.from_numpy(damaged.known(tile))[None, None],
            )

        return condition_at


class RepairCollector(Collector):
    """Gathers what was drawn, in the damaged pixels of images that are else as they were."""

    def __init__(self, request: Request, damage: Damage, task: Repair) -> None:
        super().__init__(request, damage.source, task, exact=True)
        self._damage, self._repair = damage, task
        self._known: tuple[PlaneIndex, NDArray[np.bool_]] | None = None
        region = tuple(slice(*span) for span in damage.source.region)
        before = np.asarray(damage.source.array[region])
        for name, image in self.images.items():
            image[...] = 0 if name == "uncertainty" else before

    def copy(self, index: PlaneIndex) -> None:
        """Fill what is damaged of a plane all of whose sound pixels are alike; the others are there already."""
        core = box_of(index)
        mask = self._mask(index)
        if mask[tuple(slice(*span) for span in core)].any() and not mask.all():
            sound = np.asarray(self._damage.source.array[tuple(_all_of(part) for part in index)])[~mask]
            for name in self.images:
                level = 0 if name == "uncertainty" else sound.mean()
                self._fill(name, index, core, np.full([stop - start for start, stop in core], level, np.float32))

    def report(self) -> dict[str, Any]:
        """Return how many pixels were drawn."""
        return {"repaired_pixels": self._damage.count(without=self._repair.left_out)}

    def _put(self, name: str, index: PlaneIndex, core: Box, pixels: Image) -> None:
        if name not in self.images:
            return
        if not self._mask(index)[tuple(slice(*span) for span in core)].any():
            return
        if name == "sample":
            pixels = self._repair.recorded(index, core, pixels)
        if name == "mean":
            pixels = self._repair.estimated(index, core, pixels)
        self._fill(name, index, core, pixels)

    def _fill(self, name: str, index: PlaneIndex, core: Box, pixels: Image) -> None:
        """Put pixels where the plane is damaged."""
        mask = self._mask(index)[tuple(slice(*span) for span in core)]
        origin = [start for start, _ in self._region]
        inside = iter(core)
        place = []
        for part, first in zip(index, origin, strict=True):
            start, stop = next(inside) if isinstance(part, slice) else (part, part + 1)
            place.append(slice(start - first, stop - first))
        target = self.images[name][tuple(place)].reshape(mask.shape)
        target[mask] = pixels[mask]

    def _mask(self, index: PlaneIndex) -> NDArray[np.bool_]:
        if self._known is None or self._known[0] != index:
            self._known = index, self._damage.in_plane(index)  # one plane after the other
        return self._known[1]


def _all_of(part: int | slice) -> int | slice:
    return slice(None) if isinstance(part, slice) else part
