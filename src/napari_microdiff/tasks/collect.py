"""Gathers what tiles and samples bring into the arrays of the result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..engine.canvas import Denoised
from ..engine.events import Preview
from ..engine.memory import blank_array, result_array
from ..engine.request import Request
from ..engine.tiles import Box, bands, slices_in
from ..imaging.axes import PlaneIndex, region_of, region_shape
from .base import Image, PlaneJob, Source

_SPREAD_NEEDS = 8  # samples; fewer give a spread too noisy to be worth more than the denoiser's own variance


class Reader(Protocol):
    """Brings what was computed back to the units of the image."""

    def read(self, index: PlaneIndex, normalised: Image) -> Image:
        """Bring a mean or a sample back."""

    def read_spread(self, index: PlaneIndex, mean: Image, spread: Image) -> Image:
        """Bring a standard deviation back; ``mean`` is in the units of the image already."""


class Moments:
    """Mean and spread of samples, which come one after the other, part by part (Welford's method)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._sum, self._squares = (blank_array(shape, np.float64) for _ in range(2))

    def add(self, sample: Image, place: tuple[slice, ...], number: int) -> None:
        """Take in a part of a sample, whose number counts from 0."""
        total, squares = self._sum[place], self._squares[place]
        away = sample - total / max(number, 1)
        total += sample
        squares += away * (sample - total / (number + 1))

    def mean(self, place: tuple[slice, ...], count: int) -> Image:
        """Return the mean of so many samples."""
        return (self._sum[place] / count).astype(np.float32)

    def spread(self, place: tuple[slice, ...], count: int) -> Image:
        """Return their standard deviation.

        Antithetic samples have the posterior mean as their own, so that none of their freedom is lost to it.
        """
        return np.sqrt(self._squares[place] / count).astype(np.float32)


class Collector:
    """The arrays of a result, filled tile by tile.

    The *mean* is the first evaluation (the posterior mean) for one sample and the average of all for several; the
    *sample* is the first; the *uncertainty* is the denoiser's own for fewer than eight samples and their spread from
    eight on.

    Parameters
    ----------
    request : Request
    source : Source
    task : Reader
    exact : bool
        Whether pixels of the image are kept in it, so that a mean and a sample have to hold them to the last bit.
    """

    def __init__(self, request: Request, source: Source, task: Reader, *, exact: bool = False) -> None:
        self._request, self._source, self._task = request, source, task
        self._region = request.finer.region(source.region, source.axes)
        shape = region_shape(self._region)
        # Whole numbers of 32 bits need float64.
        self._type = np.result_type(source.array.dtype, np.float32) if exact else np.dtype(np.float32)
        self.images: dict[str, NDArray[np.floating]] = {
            name: result_array(shape, self._type if name in ("mean", "sample") else np.float32)
            for name in request.outputs
        }
        self._moments: Moments | None = None  # of the plane whose samples come in

    def take(self, index: PlaneIndex, job: PlaneJob, event: Denoised, sample: int) -> Preview:
        """Take in a denoised tile and return it as a preview, in the units of the image."""
        mean = self._task.read(index, event.mean[0])
        if event.first and sample == 0:
            self._put("mean", index, event.core, mean)
            if len(job.steps) == 1:
                self._put("sample", index, event.core, mean)
            if event.variance is not None and "uncertainty" in self.images:
                spread = self._task.read_spread(index, mean, np.sqrt(event.variance[0]))
                self._put("uncertainty", index, event.core, spread)
            self.compare(job, event.core, mean)
        mean = self.finalise("mean", index, event.core, mean)
        return Preview(self._with_all_axes(index, mean), region_of(index, event.core))

    def take_sample(self, index: PlaneIndex, job: PlaneJob, drawn: Image | None, sample: int) -> Iterable[None]:
        """Take in a whole sample of a plane; ``None`` if its only evaluation was already taken."""
        if drawn is None:
            return ()
        region, count = job.plane.region, self._request.samples
        if count > 1 and self._moments is None:
            self._moments = Moments(region_shape(region))
        for part in bands(region):
            place = slices_in(part, region)
            image = self._task.read(index, drawn[0][place])
            if sample == 0:
                self._put("sample", index, part, image)
            if self._moments is None:
                continue
            self._moments.add(image, place, sample)
            if sample == count - 1:
                self._put("mean", index, part, self._moments.mean(place, count))
                if count >= _SPREAD_NEEDS:
                    self._put("uncertainty", index, part, self._moments.spread(place, count))
        if sample == count - 1:
            self._moments = None
        return ()

    def copy(self, index: PlaneIndex) -> None:
        """Keep a plane as it is, with no uncertainty."""
        factor = self._request.finer.factor
        box: Box = tuple((factor * part.start, factor * part.stop) for part in index if isinstance(part, slice))
        pixels = np.asarray(self._source.array[index], dtype=np.float32).repeat(factor, axis=0).repeat(factor, axis=1)
        for name in ("mean", "sample"):
            self._put(name, index, box, pixels)

    def finalise(self, name: str, index: PlaneIndex, core: Box, pixels: Image) -> Image:
        """Return a part of the image of that name as it is to stand in the result."""
        return pixels

    def compare(self, job: PlaneJob, core: Box, mean: Image) -> None:
        """Hold a part of the first mean against the image; nothing, where pixels of the image say nothing about it."""

    def report(self) -> dict[str, Any]:
        """Return facts for the report."""
        return {}

    def outputs(self) -> dict[str, Any]:
        """Return the images."""
        return dict(self.images)

    def _put(self, name: str, index: PlaneIndex, core: Box, pixels: Image) -> None:
        if name in self.images:
            place = slices_in(region_of(index, core), self._region)
            self.images[name][place] = self._with_all_axes(index, self.finalise(name, index, core, pixels))

    @staticmethod
    def _with_all_axes(index: PlaneIndex, pixels: Image) -> Image:
        return pixels[tuple(slice(None) if isinstance(part, slice) else None for part in index)]
