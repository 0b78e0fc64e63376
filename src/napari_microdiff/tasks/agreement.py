"""How well a sharp image agrees with what the microscope measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..engine.request import Request
from ..engine.tiles import Box, grown
from ..imaging.axes import PlaneIndex
from .base import Image, PlaneJob, Source
from .collect import Collector, Reader
from .measuring import Measuring

_BLOCK = 512  # measured pixels that are compared at once


class Agreement:
    """Sums over what is left of the image when that which would be measured of the result is taken away."""

    def __init__(self) -> None:
        self._count = 0
        self._squares = self._products = self._largest = 0.0

    def add(self, residual: NDArray[np.floating]) -> None:
        """Add a part of the residual, shape (y, x)."""
        left = np.asarray(residual, dtype=np.float64)
        self._count += left.size
        self._squares += float((left**2).sum())
        self._products += float((left[:, 1:] * left[:, :-1]).sum() + (left[1:] * left[:-1]).sum()) / 2
        self._largest = max(self._largest, float(np.abs(left).max(initial=0)))

    def summary(self) -> dict[str, float]:
        """Return standard deviation and largest value, in the units of the image, and correlation of neighbours."""
        return {
            "deviation": float(np.sqrt(self._squares / max(1, self._count))),
            "largest": self._largest,
            "correlation": self._products / self._squares if self._squares > 0 else 0.0,
        }


class AgreeingCollector(Collector):
    """Gathers images on finer pixels, and compares the mean with the image that it was made from.

    Parameters
    ----------
    measuring : Measuring
        What the microscope would have measured.
    image_range : float
        Of the image, in its units.
    """

    def __init__(
        self, request: Request, source: Source, task: Reader, measuring: Measuring, image_range: float
    ) -> None:
        super().__init__(request, source, task)
        self._measuring, self._range = measuring, image_range
        self._agreement = Agreement()

    def compare(self, job: PlaneJob, core: Box, mean: Image) -> None:
        """Leave this to when all of the plane is there, for blur reaches over tiles."""

    def take_sample(self, index: PlaneIndex, job: PlaneJob, drawn: Image | None, sample: int) -> Iterable[None]:
        """Take in a whole sample of a plane; after the last one, compare it."""
        super().take_sample(index, job, drawn, sample)
        if sample < self._request.samples - 1:
            return ()
        return self._compared(index, job)

    def report(self) -> dict[str, Any]:
        """Return facts about how the result agrees with the image."""
        return {"residual": {**self._agreement.summary(), "range": self._range}}

    def _compared(self, index: PlaneIndex, job: PlaneJob) -> Iterator[None]:
        name = "mean" if "mean" in self.images else "sample"
        made, factor = self._plane(name, index), self._measuring.factor
        box = tuple((start // factor, stop // factor) for start, stop in job.plane.region)
        # Where the image goes on beyond the region, what would be measured at its border is not known.
        margin = -(-self._measuring.blurs // factor)
        shape = job.noisy.shape
        (top, bottom), (left, right) = (
            (a + margin * (a > 0), b - margin * (b < length)) for (a, b), length in zip(box, shape, strict=True)
        )
        for row in range(top, bottom, _BLOCK):
            for column in range(left, right, _BLOCK):
                core = ((row, min(row + _BLOCK, bottom)), (column, min(column + _BLOCK, right)))
                window = grown(core, shape, (margin, margin))
                inside = tuple(slice(a * factor - o[0], b * factor - o[0]) for (a, b), o in _with(window, job))
                seen = self._measuring.forward(torch.from_numpy(np.ascontiguousarray(made[inside]))).numpy()
                here = tuple(slice(c[0] - w[0], c[1] - w[0]) for c, w in zip(core, window, strict=True))
                measured = job.noisy[tuple(slice(a, b) for a, b in core)]
                self._agreement.add(np.asarray(measured, dtype=np.float64) - seen[here])
                yield

    def _plane(self, name: str, index: PlaneIndex) -> Image:
        """Return a view of a plane of the result."""
        first = (start for start, _ in self._region)
        place = tuple(
            slice(None) if isinstance(part, slice) else part - o for part, o in zip(index, first, strict=True)
        )
        return self.images[name][place]


def _with(window: Box, job: PlaneJob) -> Iterable[tuple[tuple[int, int], tuple[int, int]]]:
    return zip(window, job.plane.region, strict=True)
