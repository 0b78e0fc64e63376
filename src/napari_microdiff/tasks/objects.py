"""Gathers the maps that tiles and samples bring, and reads objects from them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..engine.canvas import Denoised
from ..engine.events import Preview
from ..engine.request import Request, Span
from ..engine.tiles import Box
from ..imaging.axes import PlaneIndex, region_shape
from ..imaging.basins import highest_in
from ..imaging.instances import Depth, as_read, reading_labels
from ..imaging.linking import link_slices
from ..imaging.matching import overlaps
from ..imaging.measured import measure
from ..imaging.resize import Part, Resized
from .base import Image, PlaneJob, Source

_Labels = NDArray[np.int32]
_AS_LARGE, _OF_SIZE = 1.3, 1 / 3  # diameters from which on, and the power with which, size counts in the confidence


class ObjectGatherer:
    """The labels of a result, plane by plane; see `tasks.base.Gatherer`.

    Objects are read from the mean over the samples of their first evaluations, each the posterior mean at its
    magnification. In a stack, objects that lie on each other are joined. The confidence of an object is the geometric
    mean of its depth in that mean and of its agreement with the samples: the mean intersection over union with the
    object of each sample that it overlaps most. It is less for an object that is much larger than the others.
    """

    def __init__(
        self,
        request: Request,
        source: Source,
        *,
        ground_at: Callable[[PlaneIndex], float],
        depth: Depth,
        saddle: float,
        smallest: float,
        diameter_at: Callable[[PlaneIndex], float],
    ) -> None:
        self._request, self._source, self._ground_at, self._diameter_at = request, source, ground_at, diameter_at
        self._depth, self._saddle, self._smallest = depth, saddle, smallest
        shape = region_shape(source.region)
        self._labels = np.zeros(shape, dtype=np.int32)
        self._maps = np.zeros((2, *shape), dtype=np.float32) if "maps" in request.outputs else None
        self._draws = np.zeros((request.samples, *shape), np.int32) if "draws" in request.outputs else None
        self._count = 0
        self._confidence: list[NDArray[np.float64]] = []  # of the objects of each plane, in the order of their labels
        self._mass: list[NDArray[np.float64]] = []  # likewise
        self._draw_mass: list[list[NDArray[np.float64]]] = [[] for _ in range(request.samples)]
        self._places: list[tuple[int | slice, ...]] = []
        self._first: NDArray[np.float32] | None = None  # the first evaluation of the present sample, magnified
        self._total: NDArray[np.float32] | None = None  # of the first evaluations of the present plane
        self._read: list[_Labels] = []  # the objects of its samples

    def take(self, index: PlaneIndex, job: PlaneJob, event: Denoised, sample: int) -> Preview:
        """Take in the maps of a tile and return how deep in an object each pixel lies."""
        if event.first:
            if self._first is None:
                self._first = np.full((2, *region_shape(job.plane.region)), -1.0, dtype=np.float32)
            here = tuple(slice(a - o, b - o) for (a, b), (o, _) in zip(event.core, job.plane.region, strict=True))
            self._first[(slice(None), *here)] = event.mean
        return self._preview(index, job, event)

    def take_sample(self, index: PlaneIndex, job: PlaneJob, drawn: Image | None, sample: int) -> Iterator[None]:
        """Take in a whole sample; after the last one, read the objects."""
        assert self._first is not None
        seen, self._first = self._native(self._first, job, index), None
        self._total = seen if self._total is None else self._total + seen
        if drawn is not None:
            self._read.append((yield from self._objects(index, as_read(self._native(drawn, job, index), self._depth))))
        if sample == self._request.samples - 1:
            yield from self._finish(index, job, as_read(self._total / np.float32(sample + 1), self._depth))
            self._total, self._read = None, []

    def copy(self, index: PlaneIndex) -> None:
        """Leave a plane without objects."""

    def report(self) -> dict[str, Any]:
        """Return the number of objects that `outputs` holds."""
        return {"objects": self._count}

    def outputs(self) -> dict[str, Any]:
        """Return labels that are unique over all planes and linked along depth, and what is known of each object."""
        confidence = np.concatenate([np.zeros(1), *self._confidence])
        flat = self._numbered(self._labels)
        labels = self._linked(flat, self._mass)
        objects = object_table(labels, confidence[flat], self._source.axes, self._source.region)
        draws = None
        if self._draws is not None:
            drawn = zip(self._draws, self._draw_mass, strict=True)
            draws = np.stack([self._linked(self._numbered(draw), mass) for draw, mass in drawn])
        self._count = len(objects["label"])
        return {"labels": labels, "maps": self._maps, "draws": draws, "objects": objects}

    def _finish(self, index: PlaneIndex, job: PlaneJob, maps: NDArray[np.float32]) -> Iterator[None]:
        place = self._place(index)
        found = yield from self._objects(index, maps)
        self._labels[place] = found
        drawn = self._read or [found]
        if "Z" in self._source.axes:  # where objects are joined
            pixels = np.asarray(job.noisy[tuple(part for part in index if isinstance(part, slice))], dtype=np.float32)
            light = np.maximum(pixels - np.float32(self._ground_at(index)), 0)
            self._mass.append(_mass(light, found))
            if self._draws is not None:
                for mass, objects in zip(self._draw_mass, drawn, strict=True):
                    mass.append(_mass(light, objects))
        if self._maps is not None:
            self._maps[(slice(None), *place)] = maps
        if self._draws is not None:
            for draw, objects in zip(self._draws, drawn, strict=True):
                draw[place] = objects
        self._places.append(place)
        alike = np.sqrt(_agreement(found, self._read) * _depth(maps, found))
        self._confidence.append(alike * _plausible(found, self._diameter_at(index)))

    def _objects(self, index: PlaneIndex, maps: NDArray[np.float32]) -> Generator[None, None, _Labels]:
        smallest = round(self._smallest * np.pi / 4 * self._diameter_at(index) ** 2)
        return reading_labels(maps, saddle=self._saddle, smallest=smallest)

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
        depth = as_read(event.mean, self._depth)[0]
        if 0 in depth.shape or 0 in (height, width):
            image = np.zeros((height, width), dtype=np.float32)
        else:
            image = Resized(depth, (height, width))[:, :]
        inside = iter(box)
        region = tuple(next(inside) if isinstance(part, slice) else (part, part + 1) for part in index)
        return Preview(image[tuple(slice(None) if isinstance(part, slice) else None for part in index)], region)

    def _numbered(self, labels: _Labels) -> _Labels:
        """Return labels that are unique over all planes."""
        flat = labels.copy()
        before = 0
        for place in self._places:
            plane = flat[place]
            count = int(plane.max(initial=0))
            plane[plane > 0] += before
            flat[place] = plane
            before += count
        return flat

    def _linked(self, flat: _Labels, masses: list[NDArray[np.float64]]) -> _Labels:
        """Join objects that lie on each other along depth."""
        if "Z" not in self._source.axes:
            return flat
        axes = (self._source.axes.index("Z"), *self._source.plane_axes)
        labels = np.zeros_like(flat)
        stacks, linked = (np.moveaxis(each, axes, (-3, -2, -1)) for each in (flat, labels))
        mass = np.concatenate([np.zeros(1), *masses])
        before = 0
        for other in np.ndindex(stacks.shape[:-3]):
            joined = link_slices(stacks[other], mass)
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


def _mass(light: NDArray[np.float32], found: _Labels) -> NDArray[np.float64]:
    """Return for each object the light that comes from it."""
    return np.asarray(np.bincount(found.ravel(), light.ravel(), int(found.max(initial=0)) + 1)[1:], dtype=np.float64)


def _depth(maps: NDArray[np.float32], found: _Labels) -> NDArray[np.float64]:
    """Return for each object how deep its deepest pixel is: 1 if it is surely there, less in a mean over doubts."""
    return np.clip(highest_in(found, maps[0])[1:].astype(np.float64), 0, 1)


def _plausible(found: _Labels, diameter: float) -> NDArray[np.float64]:
    """Return for each object 1, or less if it is much larger than the others.

    Samples agree where all of them take two objects for one, so agreement does not tell; the size does. Small objects
    need no such weight: samples disagree on them.
    """
    area = np.bincount(found.ravel())[1:]
    return np.asarray(np.minimum(1, _AS_LARGE * diameter / (2 * np.sqrt(area / np.pi))) ** _OF_SIZE)
