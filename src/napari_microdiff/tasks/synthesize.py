"""Synthesis: from a mask to images that could lie under it.

A model is shown the mask as maps (see `imaging.mask_maps`) and the style of a reference image as a few numbers, and
draws from all images that go with both. The noise is that of positions and the network is local, so that what is far
from an edit of the mask comes out bit by bit as it was; where an image is given that lies behind, all of it outside of
the region is kept, and what is drawn fits to it. A camera may be laid over the image, whose noise is then known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..diffusion.denoiser import Condition, Denoiser
from ..diffusion.guidance import classifier_free, known_pixels
from ..engine.canvas import Denoised, Plane
from ..engine.events import Preview
from ..engine.request import Request, SynthesizeOptions
from ..engine.tiles import Box, Reach, Tile, grown, read_window
from ..errors import ImageError, ModelError, RequestError
from ..imaging.axes import PlaneIndex, Sliceable, region_of, region_shape
from ..imaging.intensity import Normalization
from ..imaging.mask_maps import CAP, EXTRA_MAPS, mask_maps, measure_thickness
from ..imaging.style import style_length
from .base import Context, Image, PlaneJob, PlaneView, Source, check_architecture, steps_of, without_equal_samples
from .exposure import blur_margin, exposed
from .remember import Remembered

_SIGMA_MIN = 0.02  # of the standard deviation of the images
_GUIDED = (0.1, 4.0)  # noise levels of classifier-free guidance, in standard deviations of the images
_COLOURS = 3


class Synthesize:
    """The task; see `tasks.base.Task`."""

    def __init__(self, context: Context) -> None:
        options = context.request.options
        assert isinstance(options, SynthesizeOptions)
        self.source, self.card, self._denoiser = context.source, context.card, context.denoiser
        self.notices = context.notices
        self.request = without_equal_samples(context.request, self.notices)
        self._options = options
        self._check_model()
        _check_mask(self.source)
        self._kinds = self._known_kinds()
        self._style = self._known_style()
        dark, bright = options.levels
        self._levels = Normalization((dark + bright) / 2, (bright - dark) / 2)
        self._behind = None if context.behind is None else self._checked(context.behind)
        self.report: dict[str, Any] = {"synthetic": True}

    def guide(self, denoiser: Denoiser) -> Denoiser:
        """Add classifier-free guidance if the request asks for it, and keep what is known of an image behind."""
        if self.request.guidance:
            low, high = (limit * self.card.sigma_data for limit in _GUIDED)
            denoiser = classifier_free(denoiser, self.request.guidance, (low, high))
        return denoiser if self._behind is None else known_pixels(denoiser)

    def jobs(self, index: PlaneIndex) -> Sequence[PlaneJob]:
        """Prepare one plane, the same for all samples."""
        labels = self.source.plane(index)
        thickness = measure_thickness(labels)
        style = torch.from_numpy(self._style)[None]

        def condition_at(tile: Tile) -> Condition:
            window = tuple((start - CAP, stop + CAP) for start, stop in tile.window)
            maps = mask_maps(
                read_window(labels, window), thickness, margin=CAP, kinds=self._kinds, classes=self._classes
            )
            known, known_mask = self._known(index, tile)
            return Condition(torch.from_numpy(maps)[None], style, known=known, known_mask=known_mask)

        steps = steps_of(self.request, self.card.sigma_max, _SIGMA_MIN * self.card.sigma_data, blind=True)
        again = len(steps) * self.request.samples > 1
        margin = blur_margin(self._options)
        plane = Plane(
            shape=labels.shape,
            region=grown(_box(index), labels.shape, (margin, margin)),
            reach=Reach.of(self._denoiser.network.stride, self.card.halo),
            number=self.source.plane_number(index),
            condition_at=Remembered(condition_at) if again else condition_at,
            channels=self.card.architecture.channels,
        )
        return (PlaneJob(plane, steps, labels),)

    def gatherer(self, request: Request) -> Drawn:
        """Return what gathers the images."""
        return Drawn(request, self.source, self._levels, self.card.architecture.channels)

    @property
    def _classes(self) -> int:
        return self.card.architecture.condition_channels - EXTRA_MAPS

    def _check_model(self) -> None:
        channels, maps = self.card.architecture.channels, self.card.architecture.condition_channels
        check_architecture(self.card, {"dims": 2, "vector_length": style_length(channels)})
        if channels not in (1, _COLOURS) or self._classes < 1:
            raise ModelError(
                f"The model '{self.card.id}' is not one that this version can use for '{self.card.task}': it makes "
                f"images of {channels} channels from {maps} maps. Choose another model."
            )

    def _known_kinds(self) -> dict[int, int]:
        kinds = dict(self._options.kinds)
        unknown = sorted({kind for kind in kinds.values() if kind > self._classes})
        if unknown:
            raise RequestError(
                f"The model '{self.card.id}' knows {self._classes} "
                f"{'class' if self._classes == 1 else 'classes'} of objects, but there are objects of class "
                f"{', '.join(map(str, unknown))}. Give them a class that it knows, or choose another model."
            )
        return kinds

    def _known_style(self) -> NDArray[np.float32]:
        length = style_length(self.card.architecture.channels)
        if self._options.style is None:
            return np.zeros(length, np.float32)
        if len(self._options.style) != length:
            raise RequestError(
                f"The style has {len(self._options.style)} numbers, but the model '{self.card.id}' reads {length}. "
                "Measure it on an image with as many channels as the model makes."
            )
        return np.array(self._options.style, np.float32)

    def _checked(self, behind: Sliceable) -> Sliceable:
        channels = self.card.architecture.channels
        wanted = self.source.shape + ((channels,) if channels > 1 else ())
        if tuple(behind.shape) != wanted:
            raise ImageError(
                f"The image behind is of the shape {tuple(behind.shape)}, but for this mask and model it has to be of "
                f"{wanted}. Choose an image that lies under the mask pixel by pixel."
            )
        return behind

    def _known(self, index: PlaneIndex, tile: Tile) -> tuple[Tensor | None, Tensor | None]:
        """Return the normalised image behind in the window of a tile, and 1 outside of what is to be drawn."""
        if self._behind is None:
            return None, None
        colours = self._behind.shape[len(index) :]
        view = PlaneView(self._behind, (*index, *(slice(None) for _ in colours)), (*self.source.plane_shape, *colours))
        pixels = self._levels.apply(read_window(view, (*tile.window, *((0, n) for n in colours))))
        image = pixels[None] if not colours else np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
        outside = read_window(_Outside(self.source.plane_shape, _box(index)), tile.window)
        return torch.from_numpy(image)[None], torch.from_numpy(outside)[None, None]


@dataclass(frozen=True)
class _Outside:
    """A plane that is 1 outside of a box and 0 in it, and takes no memory."""

    shape: tuple[int, ...]
    box: Box

    def __getitem__(self, part: tuple[slice, ...]) -> Image:
        inside = [
            (np.arange(here.start, here.stop) >= start) & (np.arange(here.start, here.stop) < stop)
            for here, (start, stop) in zip(part, self.box, strict=True)
        ]
        return np.asarray(~np.logical_and.outer(*inside), dtype=np.float32)


def _check_mask(source: Source) -> None:
    if "S" in source.axes:
        raise ImageError("A mask has no colours. Choose a label image, in which each object has a number of its own.")
    dtype = np.dtype(source.array.dtype)
    if dtype.kind == "f":
        raise ImageError(f"A mask holds whole numbers, not {dtype}. Choose a label image.")


class Drawn:
    """Gathers the images; see `tasks.base.Gatherer`. Where the model makes colours, they are the last axis."""

    def __init__(self, request: Request, source: Source, levels: Normalization, channels: int) -> None:
        options = request.options
        assert isinstance(options, SynthesizeOptions)
        self._request, self._options, self._source = request, options, source
        self._levels, self._channels = levels, channels
        colours = (channels,) if channels > 1 else ()
        shape = (*region_shape(source.region), *colours)
        self._images: dict[str, Image] = {name: np.zeros(shape, np.float32) for name in request.outputs}
        self._first = np.zeros((channels, 0, 0), np.float32)  # evaluation of the first sample of a plane
        self._sum: NDArray[np.float64] | None = None

    def take(self, index: PlaneIndex, job: PlaneJob, event: Denoised, sample: int) -> Preview:
        """Take in a denoised tile and return it as a preview."""
        mean = self._levels.undo(event.mean)
        if event.first and sample == 0:
            region = job.plane.region
            shape = (self._channels, *(stop - start for start, stop in region))
            if self._first.shape != shape:
                self._first = np.zeros(shape, np.float32)
            place = (slice(a - o, b - o) for (a, b), (o, _) in zip(event.core, region, strict=True))
            self._first[(slice(None), *place)] = mean
        core, inner = _within(event.core, _box(index))
        return Preview(self._with_all_axes(index, mean[(slice(None), *inner)]), region_of(index, core))

    def take_sample(self, index: PlaneIndex, job: PlaneJob, drawn: Image | None, sample: int) -> tuple[()]:
        """Take in a whole sample of a plane; ``None`` if its only evaluation was already taken."""
        box, region = _box(index), job.plane.region
        image = self._first if drawn is None else self._levels.undo(drawn)
        inner = (slice(None), *(slice(a - o, b - o) for (a, b), (o, _) in zip(box, region, strict=True)))
        if sample == 0:
            self._put("sample", index, self._recorded(image, job, box))
        if self._request.samples == 1:
            self._put("mean", index, self._first[inner])
            return ()
        self._sum = image[inner].astype(np.float64) if self._sum is None else self._sum + image[inner]
        if sample == self._request.samples - 1:
            self._put("mean", index, (self._sum / self._request.samples).astype(np.float32))
            self._sum = None
        return ()

    def copy(self, index: PlaneIndex) -> None:
        """Leave a plane empty; there is none under which nothing is drawn."""

    def report(self) -> dict[str, Any]:
        """Return facts for the report."""
        return {}

    def outputs(self) -> dict[str, Any]:
        """Return the images."""
        return dict(self._images)

    def _recorded(self, image: Image, job: PlaneJob, box: Box) -> Image:
        margin = tuple((a - c, d - b) for (a, b), (c, d) in zip(box, job.plane.region, strict=True))
        start = [first for first, _ in box]
        number = job.plane.number * self._channels
        return exposed(image, self._options, seed=self._request.seed, plane=number, start=start, margin=margin)

    def _put(self, name: str, index: PlaneIndex, pixels: Image) -> None:
        if name in self._images:
            first = (start for start, _ in self._source.region)
            region = region_of(index, _box(index))
            place = tuple(slice(a - o, b - o) for (a, b), o in zip(region, first, strict=True))
            self._images[name][place] = self._with_all_axes(index, pixels)

    def _with_all_axes(self, index: PlaneIndex, pixels: Image) -> Image:
        """Bring pixels of shape (channels, y, x) to the axes of the mask, and those of colours."""
        plane = tuple(slice(None) if isinstance(part, slice) else None for part in index)
        if self._channels == 1:
            return np.asarray(pixels[0][plane])
        coloured: Image = np.moveaxis(pixels, 0, -1)[(*plane, slice(None))]
        return coloured


def _box(index: PlaneIndex) -> Box:
    """Return the part of a plane that was asked for."""
    return tuple((part.start, part.stop) for part in index if isinstance(part, slice))


def _within(core: Box, box: Box) -> tuple[Box, tuple[slice, ...]]:
    """Return the part of a core that lies in a box, and where it is in the core; empty where they do not meet."""
    part = tuple((max(a, c), max(a, c, min(b, d))) for (a, b), (c, d) in zip(core, box, strict=True))
    return part, tuple(slice(a - o, b - o) for (a, b), (o, _) in zip(part, core, strict=True))
