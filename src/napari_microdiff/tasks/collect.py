"""Gathers what tiles and samples bring into the arrays of the result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..engine.canvas import Denoised
from ..engine.events import Preview
from ..engine.request import Request
from ..engine.tiles import Box, slices_in
from ..imaging.axes import PlaneIndex, region_of, region_shape, region_slices
from .base import Image, PlaneJob, Source

_SPREAD_NEEDS = 8  # samples; fewer give a spread too noisy to be worth more than the denoiser's own variance


class Reader(Protocol):
    """Brings what was computed back to the units of the image."""

    def read(self, index: PlaneIndex, normalised: Image) -> Image:
        """Bring a mean or a sample back."""

    def read_spread(self, index: PlaneIndex, mean: Image, spread: Image) -> Image:
        """Bring a standard deviation back; ``mean`` is in the units of the image already."""


class Collector:
    """The arrays of a result, filled tile by tile.

    The *mean* is the first evaluation (the posterior mean) for one sample and the average of all for several; the
    *sample* is the first; the *uncertainty* is the denoiser's own for fewer than eight samples and their spread from
    eight on.
    """

    def __init__(self, request: Request, source: Source, task: Reader) -> None:
        self._request, self._source, self._task = request, source, task
        self._region = request.finer.region(source.region, source.axes)
        shape = region_shape(self._region)
        self.images: dict[str, NDArray[np.float32]] = {
            name: np.zeros(shape, dtype=np.float32) for name in request.outputs
        }
        self._residual = Residual()
        self._sum: NDArray[np.float64] | None = None
        self._squares: NDArray[np.float64] | None = None

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
        mean = self.settled("mean", index, event.core, mean)
        return Preview(self._with_all_axes(index, mean), region_of(index, event.core))

    def take_sample(self, index: PlaneIndex, job: PlaneJob, drawn: Image | None, sample: int) -> Iterable[None]:
        """Take in a whole sample of a plane; ``None`` if its only evaluation was already taken."""
        if drawn is None:
            return ()
        image = self._task.read(index, drawn[0])
        if sample == 0:
            self._put("sample", index, job.plane.region, image)
        if self._request.samples == 1:
            return ()
        if sample == 0:
            self._sum = np.zeros(image.shape)
            self._squares = np.zeros(image.shape)
        assert self._sum is not None
        assert self._squares is not None
        away = image - self._sum / max(sample, 1)
        self._sum += image
        self._squares += away * (image - self._sum / (sample + 1))
        if sample == self._request.samples - 1:
            self._put("mean", index, job.plane.region, (self._sum / self._request.samples).astype(np.float32))
            if self._request.samples >= _SPREAD_NEEDS:
                # Antithetic samples have the posterior mean as their own, so that none of their freedom is lost to it.
                spread = np.sqrt(self._squares / self._request.samples).astype(np.float32)
                self._put("uncertainty", index, job.plane.region, spread)
            self._sum = self._squares = None
        return ()

    def copy(self, index: PlaneIndex) -> None:
        """Keep a plane as it is, with no uncertainty."""
        factor = self._request.finer.factor
        box: Box = tuple((factor * part.start, factor * part.stop) for part in index if isinstance(part, slice))
        pixels = np.asarray(self._source.array[index], dtype=np.float32).repeat(factor, axis=0).repeat(factor, axis=1)
        for name in ("mean", "sample"):
            self._put(name, index, box, pixels)

    def settled(self, name: str, index: PlaneIndex, core: Box, pixels: Image) -> Image:
        """Return a part of the image of that name as it is to stand in the result."""
        return pixels

    def compare(self, job: PlaneJob, core: Box, mean: Image) -> None:
        """Hold a part of the mean against the pixels that it was made from."""
        pixels = np.asarray(job.noisy[region_slices(core)], dtype=np.float64)
        self._residual.add(pixels - mean)

    def report(self) -> dict[str, Any]:
        """Return facts about how the result agrees with the image."""
        return {"residual": self._residual.summary()}

    def outputs(self) -> dict[str, Any]:
        """Return the images."""
        return dict(self.images)

    def _put(self, name: str, index: PlaneIndex, core: Box, pixels: Image) -> None:
        if name in self.images:
            place = slices_in(region_of(index, core), self._region)
            self.images[name][place] = self._with_all_axes(index, self.settled(name, index, core, pixels))

    @staticmethod
    def _with_all_axes(index: PlaneIndex, pixels: Image) -> Image:
        return pixels[tuple(slice(None) if isinstance(part, slice) else None for part in index)]


class Residual:
    """Sums over what is left of an image when a result, or what would be measured of it, is taken away.

    It should look like noise, without structure.

    Attributes
    ----------
    largest : float
        Largest absolute value.
    """

    def __init__(self) -> None:
        self._count = 0
        self._squares = self._products = self.largest = 0.0

    def add(self, left: NDArray[np.float64]) -> None:
        """Add a part, shape (y, x)."""
        if not left.size:
            return
        self._count += left.size
        self._squares += float((left**2).sum())
        self._products += float((left[:, 1:] * left[:, :-1]).sum() + (left[1:] * left[:-1]).sum()) / 2
        self.largest = max(self.largest, float(np.abs(left).max()))

    def summary(self) -> dict[str, float]:
        """Return the standard deviation, in the units of the image, and the correlation of neighbours."""
        mean_square = self._squares / max(1, self._count)
        return {
            "deviation": float(np.sqrt(mean_square)),
            "correlation": self._products / self._squares if self._squares > 0 else 0.0,
        }
