"""Images that are drawn under masks, gathered from tiles and samples, and recorded by a camera."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.canvas import Denoised
from ..engine.events import Preview
from ..engine.memory import result_array
from ..engine.options import SynthesizeOptions
from ..engine.request import Request
from ..engine.tiles import Box, overlap, slices_in
from ..imaging.axes import PlaneIndex, region_of, region_shape
from ..imaging.intensity import Normalization
from .base import Image, PlaneJob, Source, box_of
from .behind import ImageBehind
from .exposure import expose


class DrawnGatherer:
    """Gathers the images; see `tasks.base.Gatherer`. Where the model makes colours, they are the last axis.

    Parameters
    ----------
    request : Request
        As it is carried out.
    source : Source
        The mask.
    levels : Normalization
        From grey levels to what the model knows.
    channels : int
        That the model makes.
    behind : ImageBehind, optional
        The image behind, whose kept pixels come out as they went in.
    """

    def __init__(
        self, request: Request, source: Source, levels: Normalization, channels: int, behind: ImageBehind | None = None
    ) -> None:
        options = request.options
        assert isinstance(options, SynthesizeOptions)
        self._request, self._options, self._source = request, options, source
        self._levels, self._channels, self._behind = levels, channels, behind
        colours = (channels,) if channels > 1 else ()
        shape = (*region_shape(source.region), *colours)
        self._images: dict[str, Image] = {name: result_array(shape) for name in request.outputs}
        self._first = np.zeros((channels, 0, 0), np.float32)  # evaluation of the first sample of a plane
        self._sum: NDArray[np.float64] | None = None

    def take(self, index: PlaneIndex, job: PlaneJob, event: Denoised, sample: int) -> Preview:
        """Take in a denoised tile and return it as a preview."""
        mean = self._levels.undo(event.mean)
        only_one = len(job.steps) == 1 or ("mean" in self._images and self._request.samples == 1)
        if event.first and sample == 0 and only_one:
            region = job.plane.region
            shape = (self._channels, *(stop - start for start, stop in region))
            if self._first.shape != shape:
                self._first = np.zeros(shape, np.float32)
            self._first[(slice(None), *slices_in(event.core, region))] = mean
        core = overlap(event.core, box_of(index))
        inner = (slice(None), *slices_in(core, event.core))
        return Preview(self._with_all_axes(index, mean[inner]), region_of(index, core))

    def take_sample(self, index: PlaneIndex, job: PlaneJob, drawn: Image | None, sample: int) -> tuple[()]:
        """Take in a whole sample of a plane; ``None`` if its only evaluation was already taken."""
        box, region = box_of(index), job.plane.region
        image = self._first if drawn is None else self._levels.undo(drawn)
        inner = (slice(None), *slices_in(box, region))
        if sample == 0:
            self._put("sample", index, self._recorded(image, job, box))
        if "mean" not in self._images:
            return ()
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
        return expose(image, self._options, seed=self._request.seed, plane=number, start=start, margin=margin)

    def _put(self, name: str, index: PlaneIndex, pixels: Image) -> None:
        if name in self._images:
            place = slices_in(region_of(index, box_of(index)), self._source.region)
            self._images[name][place] = self._with_all_axes(index, self._with_kept(index, pixels))

    def _with_kept(self, index: PlaneIndex, pixels: Image) -> Image:
        """Put back what is kept of the image behind, which neither the camera nor rounding may change."""
        if self._behind is None or self._behind.kept is None:
            return pixels
        box = box_of(index)
        return np.where(self._behind.kept_in(index, box), self._behind.pixels(index, box), pixels)

    def _with_all_axes(self, index: PlaneIndex, pixels: Image) -> Image:
        """Bring pixels of shape (channels, y, x) to the axes of the mask, and those of colours."""
        plane = tuple(slice(None) if isinstance(part, slice) else None for part in index)
        if self._channels == 1:
            return np.asarray(pixels[0][plane])
        coloured: Image = np.moveaxis(pixels, 0, -1)[(*plane, slice(None))]
        return coloured
