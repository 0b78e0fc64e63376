"""Isotropic stacks: what may lie between slices, so that voxels become cubes.

Slices are taken for what they are in electron microscopy, thin: they stay as they are, and what is drawn between them
is shown them as known rows of all planes that cut across them (after DiffuseIR, Pan et al. 2023, arXiv:2306.12109).
Such a plane looks like a slice of which most rows are lost, which is what the network was trained on. Planes across y
and planes across x are restored in turn and averaged at every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..diffusion.denoiser import Denoiser
from ..diffusion.guidance import known_pixels, within_bounds
from ..engine.canvas import Plane
from ..engine.options import IsotropicOptions
from ..engine.request import Request
from ..engine.tiles import Box, Reach, bands, grown
from ..errors import ImageError, RequestError
from ..imaging.axes import PlaneIndex, full_region, region_shape
from ..imaging.between import ACROSS, BESIDE, PLANE_MAPS, BetweenFilter, between_filter
from ..imaging.spectrum import VECTOR_LENGTH
from .base import (
    Context,
    Image,
    PlaneJob,
    PlaneView,
    Source,
    box_of,
    check_architecture,
    steps_of,
    without_equal_samples,
)
from .between import RowsBetween
from .collect import Collector
from .conditioning import range_between
from .likeness import likeness
from .statistics import Statistics, measure_channel, position_of, positions, tell_of_channels

_ARCHITECTURE = {"dims": 2, "channels": 1, "vector_length": VECTOR_LENGTH}
_SIGMA_MIN = 0.02  # of the expected error of the guess; what is below cannot be seen


class Isotropic:
    """The task; see `tasks.base.Task`."""

    def __init__(self, context: Context) -> None:
        self.request, self.source, self.notices = context.request, context.source, context.notices
        self.card, self._denoiser = context.card, context.denoiser
        options = self.request.options
        assert isinstance(options, IsotropicOptions)
        self._factor = options.factor
        self._beside = self.check_model()
        check_stack(self.source)
        self.request = without_equal_samples(self.request, self.notices)
        self._statistics = {p: measure_channel(self.source, p) for p in positions(self.source)}
        if all(s.constant for s in self._statistics.values()):
            raise ImageError("The image has the same value everywhere, so there is nothing between its slices.")
        tell_of_channels(self.source, list(self._statistics.values()), self.notices)
        self.report = self._describe()

    def check_model(self) -> tuple[int, ...]:
        """Return which planes beside one the model is shown; raise ModelError or RequestError if it does not fit."""
        maps = self.card.architecture.condition_channels
        beside = BESIDE if maps == PLANE_MAPS + len(BESIDE) else ()
        check_architecture(self.card, {**_ARCHITECTURE, "condition_channels": PLANE_MAPS + len(beside)})
        if self._factor not in self.card.factors:
            raise RequestError(
                f"The model '{self.card.id}' makes {min(self.card.factors)} to {max(self.card.factors)} slices of one, "
                f"not {self._factor}."
            )
        return beside

    def guide(self, denoiser: Denoiser) -> Denoiser:
        """Hold the slices, and keep what lies between them near what is around it."""
        return known_pixels(within_bounds(denoiser, partial(range_between, factor=self._factor)))

    def jobs(self, index: PlaneIndex) -> Sequence[PlaneJob]:
        """Prepare one volume, the same for all samples; nothing for a channel without any content."""
        statistics = self._statistics[position_of(self.source, index)]
        if statistics.constant:
            return ()
        error = self._filter(statistics).error
        steps = steps_of(self.request, self._denoiser.blind_from(error), _SIGMA_MIN * error, blind=True)
        volume, between = self._volume(index, statistics)
        return (PlaneJob(volume, steps, between.view),)

    def _volume(self, index: PlaneIndex, statistics: Statistics) -> tuple[Plane, RowsBetween]:
        """Return a volume, and what is known of it."""
        (stride, _), (halo, _) = astuple(Reach.of(self._denoiser.network.stride, self.card.halo))
        whole = full_region([length for length, part in zip(self.source.shape, index, strict=True) if _spans(part)])
        view = PlaneView(self.source.array, index, region_shape(whole))
        finer = self.request.finer
        # Several steps see what lies around what is stepped with the region.
        margin = (round((Plane.margin + 1) * halo) + stride + max(ACROSS, *BESIDE),) * 2
        within = grown(box_of(index)[1:], view.shape[1:], margin)
        between = RowsBetween(view, self._factor, statistics, self._filter(statistics), self._beside, within)
        volume = Plane(
            shape=region_shape(finer.region(whole, "ZYX")),
            region=finer.region(box_of(index), "ZYX"),
            reach=Reach((stride,) * 3, (halo,) * 3),
            number=self.source.plane_number(index),
            condition_at=between.condition,
        )
        return volume, between

    def gatherer(self, request: Request) -> IsotropicCollector:
        """Return what gathers mean, sample and uncertainty around the slices."""
        return IsotropicCollector(request, self.source, self, exact=True)

    def read(self, index: PlaneIndex, normalised: Image) -> Image:
        """Bring a mean or a sample back to the units of the image."""
        return self._statistics[position_of(self.source, index)].normalization.undo(normalised)

    def read_spread(self, index: PlaneIndex, mean: Image, spread: Image) -> Image:
        """Bring a standard deviation back to the units of the image."""
        scale = self._statistics[position_of(self.source, index)].normalization.scale * self.card.spread_scale
        return np.asarray(spread * np.float32(scale))

    def _filter(self, statistics: Statistics) -> BetweenFilter:
        return between_filter(statistics.spectrum.powers, self._factor)

    def _describe(self) -> dict[str, Any]:
        kept = [s for s in self._statistics.values() if not s.constant]
        filters = [self._filter(s) for s in kept]
        report: dict[str, Any] = {
            "noise_level": [s.noise_level for s in self._statistics.values()],
            "normalization": [[s.normalization.offset, s.normalization.scale] for s in self._statistics.values()],
            # Of the variance between slices, noise included.
            "slices_tell": float(min(1 - (told.error / told.contrast) ** 2 for told in filters)),
        }
        found = likeness(self.card, [(s, s.vector()) for s in kept])
        if found is not None:
            report["familiarity"] = found.report(task=self.request.task)
        return report


def check_stack(source: Source) -> None:
    """Raise ImageError if a source is no stack of slices that lie in front of each other."""
    if set(source.axes) <= set("YXS"):
        raise ImageError(
            "The image is one slice, and one slice is no stack: nothing lies between it and another. Open a stack of "
            "two slices or more."
        )
    if "Z" not in source.axes:
        raise ImageError(
            "The image is no stack: it has no axis of depth (Z). Open a stack of slices, or name its axes, for "
            "example ZYX."
        )
    if [letter for letter in source.axes if letter in "ZYX"] != ["Z", "Y", "X"]:
        raise ImageError(f"The axes are in the order {source.axes}. Bring them into the order Z, Y, X.")
    start, stop = source.region[source.axes.index("Z")]
    if stop - start < 2:
        raise ImageError("There is one slice only, and nothing lies between it and another. Take two slices or more.")


def _spans(part: int | slice) -> bool:
    return isinstance(part, slice)


class IsotropicCollector(Collector):
    """Gathers what was drawn between slices that are as they were."""

    def copy(self, index: PlaneIndex) -> None:
        """Fill a volume of one value with it."""
        first = tuple(part.start if isinstance(part, slice) else part for part in index)
        value = np.asarray(self._source.array[first])
        for core in bands(self._request.finer.region(box_of(index), "ZYX")):
            for name in ("mean", "sample"):
                self._put(name, index, core, np.full(region_shape(core), value, dtype=self._type))

    def _put(self, name: str, index: PlaneIndex, core: Box, pixels: Image) -> None:
        if name in ("mean", "sample"):
            pixels = self._with_slices(index, core, pixels)
        super()._put(name, index, core, pixels)

    def _with_slices(self, index: PlaneIndex, core: Box, pixels: Image) -> NDArray[np.floating]:
        """Return pixels in which the slices are what was recorded, to the last bit."""
        factor, ((top, bottom), *plane) = self._request.finer.factor, core
        made = np.array(pixels, dtype=self._type)
        for row in range(-(-top // factor) * factor, bottom, factor):
            inside = iter((slice(row // factor, row // factor + 1), *(slice(*span) for span in plane)))
            here = tuple(next(inside) if isinstance(part, slice) else part for part in index)
            made[row - top] = np.asarray(self._source.array[here])[0]
        return made
