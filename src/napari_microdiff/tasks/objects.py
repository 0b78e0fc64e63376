"""Gathers the maps that tiles and samples bring, and reads objects from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..engine.canvas import Denoised
from ..engine.events import Preview
from ..engine.request import Request, Span
from ..engine.tiles import Box
from ..imaging.axes import PlaneIndex, region_shape
from ..imaging.instances import labels_of
from ..imaging.linking import link_slices
from ..imaging.matching import overlaps
from ..imaging.measured import measure
from ..imaging.resize import Part, Resized
from .base import Image, PlaneJob, Source

_Labels = NDArray[np.int32]


class ObjectGatherer:
    """The labels of a result, plane by plane; see `tasks.base.Gatherer`.

    Objects are read from the mean of the maps over all samples. The confidence of an object is its mean agreement with
    the samples: the intersection over union with the object of each sample that it overlaps most.
    """

    def __init__(self, request: Request, source: Source, *, saddle: float, smallest: int) -> None:
        self._request, self._source = request, source
        self._saddle, self._smallest = saddle, smallest
        shape = region_shape(source.region)
        self._labels = np.zeros(shape, dtype=np.int32)
        self._maps = np.zeros((2, *shape), dtype=np.float32) if "maps" in request.outputs else None
        self._confidence: list[NDArray[np.float64]] = []  # of the objects of each plane, in the order of their labels
        self._places: list[tuple[int | slice, ...]] = []
        self._plane: NDArray[np.float32] | None = None  # the maps of the plane that is being computed, magnified
        self._read: list[_Labels] = []  # the objects of its samples

    def take(self, index: PlaneIndex, job: PlaneJob, event: Denoised, sample: int) -> Preview:
        """Take in the maps of a tile and return how deep in an object each pixel lies."""
        if event.first and sample == 0:
            if self._plane is None:
                self._plane = np.full((2, *region_shape(job.plane.region)), -1.0, dtype=np.float32)
            here = tuple(slice(a - o, b - o) for (a, b), (o, _) in zip(event.core, job.plane.region, strict=True))
            self._plane[(slice(None), *here)] = event.mean
        return self._preview(index, job, event)

    def take_sample(self, index: PlaneIndex, job: PlaneJob, drawn: Image | None, sample: int) -> None:
        """Take in a whole sample; after the last one, read the objects."""
        if drawn is not None:
            total = drawn if sample == 0 else self._total + drawn
            self._total: Image = total
            if self._request.samples > 1:
                self._read.append(self._objects(self._native(drawn, job, index)))
        if sample < self._request.samples - 1:
            return
        maps = self._plane if drawn is None else self._total / np.float32(sample + 1)
        assert maps is not None
        self._finish(index, self._native(maps, job, index))

    def copy(self, index: PlaneIndex) -> None:
        """Leave a plane without objects."""

    def report(self) -> dict[str, Any]:
        """Return the number of objects."""
        return {"objects": sum(len(part) for part in self._confidence)}

    def outputs(self) -> dict[str, Any]:
        """Return labels that are unique over all planes and linked along depth, and what is known of each object."""
        confidence = np.concatenate([np.zeros(1), *self._confidence])
        flat = self._numbered()
        labels = self._linked(flat)
        objects = object_table(labels, confidence[flat], self._source.axes, self._source.region)
        return {"labels": labels, "maps": self._maps, "objects": objects}

    def _finish(self, index: PlaneIndex, maps: NDArray[np.float32]) -> None:
        place = self._place(index)
        found = self._objects(maps)
        self._labels[place] = found
        if self._maps is not None:
            self._maps[(slice(None), *place)] = maps
        self._places.append(place)
        self._confidence.append(_agreement(found, self._read))
        self._plane, self._read = None, []

    def _objects(self, maps: NDArray[np.float32]) -> _Labels:
        return labels_of(maps, saddle=self._saddle, smallest=self._smallest)

    def _native(self, maps: NDArray[np.float32], job: PlaneJob, index: PlaneIndex) -> NDArray[np.float32]:
        """Bring maps of the magnified region back to the pixels of the image."""
        window = tuple(part for part in index if isinstance(part, slice))
        origin = tuple(start for start, _ in job.plane.region)
        height, width = job.noisy.shape
        return np.stack([Resized(Part(m, origin, job.plane.shape), (height, width))[window] for m in maps])

    def _place(self, index: PlaneIndex) -> tuple[int | slice, ...]:
        return tuple(
            slice(None) if isinstance(part, slice) else part - start
            for part, (start, _) in zip(index, self._source.region, strict=True)
        )

    def _preview(self, index: PlaneIndex, job: PlaneJob, event: Denoised) -> Preview:
        parts = [part for part in index if isinstance(part, slice)]
        box: Box = tuple(
            (max(part.start, round(a * old / new)), min(part.stop, round(b * old / new)))
            for part, (a, b), old, new in zip(parts, event.core, job.noisy.shape, job.plane.shape, strict=True)
        )
        height, width = (max(0, b - a) for a, b in box)
        depth = event.mean[0]
        if 0 in depth.shape or 0 in (height, width):
            image = np.zeros((height, width), dtype=np.float32)
        else:
            image = Resized(depth, (height, width))[:, :]
        inside = iter(box)
        region = tuple(next(inside) if isinstance(part, slice) else (part, part + 1) for part in index)
        return Preview(image[tuple(slice(None) if isinstance(part, slice) else None for part in index)], region)

    def _numbered(self) -> _Labels:
        """Return labels that are unique over all planes."""
        flat = self._labels.copy()
        before = 0
        for place, confidence in zip(self._places, self._confidence, strict=True):
            plane = flat[place]
            plane[plane > 0] += before
            flat[place] = plane
            before += len(confidence)
        return flat

    def _linked(self, flat: _Labels) -> _Labels:
        """Join objects that lie on each other along depth."""
        if "Z" not in self._source.axes:
            return flat
        axis = self._source.axes.index("Z")
        labels = np.zeros_like(flat)
        stacks, linked = np.moveaxis(flat, axis, -3), np.moveaxis(labels, axis, -3)
        before = 0
        for other in np.ndindex(stacks.shape[:-3]):
            joined = link_slices(stacks[other])
            joined[joined > 0] += before
            linked[other] = joined
            before = max(before, int(joined.max(initial=0)))
        return labels


def object_table(
    labels: _Labels, confidence: NDArray[np.float64], axes: str, region: tuple[Span, ...]
) -> dict[str, NDArray[np.generic]]:
    """Describe each object of a result.

    Parameters
    ----------
    labels : ndarray of int32
        Of the region.
    confidence : ndarray of float64
        Of each pixel's object; the shape of ``labels``. Objects of several planes get the mean over their pixels.
    axes : str
        One letter per axis of ``labels``.
    region : tuple of (start, stop)
        Where the labels lie in the image.

    Returns
    -------
    dict of str to ndarray
        As of `Result.objects`.
    """
    found = measure(labels)
    sure = np.asarray(ndimage.mean(confidence, labels, found.labels) if found.labels.size else np.zeros(0))
    places = {
        letter.lower(): centre + start for letter, centre, (start, _) in zip(axes, found.centres, region, strict=True)
    }
    return {"label": found.labels, "area": found.areas, "confidence": sure, **places}


def _agreement(found: _Labels, samples: list[_Labels]) -> NDArray[np.float64]:
    """Return for each object the mean over samples of its best intersection over union; nan without samples."""
    count = int(found.max(initial=0))
    if not samples:
        return np.full(count, np.nan)
    best = np.zeros((len(samples), count))
    for row, sample in zip(best, samples, strict=True):
        row[:] = overlaps(found, sample).best()
    return np.asarray(best.mean(axis=0))
