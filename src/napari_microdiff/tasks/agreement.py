"""How well a sharp image agrees with what the microscope measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..engine.memory import result_array
from ..engine.request import Request
from ..engine.tiles import Box, grown, slices_in
from ..imaging.axes import PlaneIndex, region_of, region_shape, region_slices
from ..imaging.quality import fourier_ring_correlation, resolution
from ..imaging.resolved import Beyond, power_beyond, share_of
from .base import Image, PlaneJob, Source, box_of
from .collect import Collector, Reader
from .left_over import LeftOver
from .measuring import Measuring
from .mended import Kept
from .statistics import position_of

_BLOCK = 512  # measured pixels that are compared at once
_LEAST, _MIDDLE = 32, 512  # pixels of a side, for a spectrum
_HELD = ("mean", "sample")  # what is held against the image, if it is made
_INDEPENDENT = 2  # number of the first sample that is drawn with other noise than the first one


class AgreeingCollector(Collector):
    """Gathers images on finer pixels, and compares them with the image that they were made from.

    It does so when all of a plane is there, for blur reaches over tiles. The mean and the sample are compared, each if
    it was asked for, and the mean if neither was. What is left over as a map is of the first of them.

    Parameters
    ----------
    measuring : Measuring
        What the microscope would have measured.
    ranges : mapping of int or None to float
        Of each channel, in its units.
    noise_of : callable
        Takes a channel, a part of what would be measured of the result, and what was measured there; returns the
        standard deviation of the noise of each pixel, in the units of the image.
    kept : Kept
        What of the image as it came stays in the result; nothing of it is compared.
    """

    def __init__(
        self,
        request: Request,
        source: Source,
        task: Reader,
        measuring: Measuring,
        ranges: Mapping[int | None, float],
        noise_of: Callable[[int | None, NDArray[np.floating], NDArray[np.floating]], NDArray[np.floating]],
        kept: Kept,
    ) -> None:
        super().__init__(request, source, task)
        self._measuring, self._noise_of, self._kept = measuring, noise_of, kept
        self._residual_map = None
        if "residual" in self.images:
            self._residual_map = result_array(region_shape(source.region))
            self._residual_map[...] = np.nan
            del self.images["residual"]
        if not self.images.keys() & set(_HELD):
            self.images["mean"] = result_array(region_shape(self._region))
        self._left_over = {name: LeftOver(ranges) for name in _HELD if name in self.images}
        self._drawn: Image | None = None
        self._agree_to: dict[int | None, list[float]] = {}  # of each plane, by channel
        self._beyond: dict[int | None, list[Beyond]] = {}  # of each part, by channel

    def take_sample(self, index: PlaneIndex, job: PlaneJob, drawn: Image | None, sample: int) -> Iterable[None]:
        """Take in a whole sample of a plane; after the last one, compare it."""
        super().take_sample(index, job, drawn, sample)
        self._compare_samples(index, drawn, sample)
        if sample < self._request.samples - 1:
            return ()
        return self._compared(index, job)

    def copy(self, index: PlaneIndex) -> None:
        """Keep a plane as it is; nothing of it is left over."""
        super().copy(index)
        box = box_of(index)
        self._keep(index, box, np.zeros(region_shape(box)))

    def report(self) -> dict[str, Any]:
        """Return facts about how the result agrees with the image; of both mean and sample, if both were made."""
        (of, first), *others = self._left_over.items()
        return {
            "residual": {**first.report(), "of": of},
            **{f"residual_of_{name}": left.report() for name, left in others},
            "power_beyond": max((share_of(each) for each in self._beyond.values()), default=None),
            "samples_agree_to": max((float(np.median(each)) for each in self._agree_to.values()), default=None),
        }

    def outputs(self) -> dict[str, Any]:
        """Return the images, and what is left over."""
        made: dict[str, Any] = {name: image for name, image in self.images.items() if name in self._request.outputs}
        return made if self._residual_map is None else {**made, "residual": self._residual_map}

    def _compare_samples(self, index: PlaneIndex, drawn: Image | None, sample: int) -> None:
        """Find out down to which period two samples of a plane that are independent of each other agree.

        The truth is as likely as any sample, so that a sample agrees with the truth as it does with another one.
        """
        if drawn is None:
            return
        middle = tuple(slice(max(0, n // 2 - _MIDDLE), n // 2 + _MIDDLE) for n in drawn.shape[1:])
        if sample == 0:
            self._drawn = drawn[0][middle].copy() if min(drawn.shape[1:]) >= _LEAST else None
        elif sample == _INDEPENDENT and self._drawn is not None:
            correlation = fourier_ring_correlation(self._drawn, drawn[0][middle])
            agree_to = resolution(*correlation, threshold=0.5) / self._measuring.factor
            self._agree_to.setdefault(position_of(self._source, index), []).append(agree_to)
            self._drawn = None

    def _compared(self, index: PlaneIndex, job: PlaneJob) -> Iterator[None]:
        factor = self._measuring.factor
        box = tuple((start // factor, stop // factor) for start, stop in job.plane.region)
        # Where the image goes on beyond the region, what would be measured at its border is not known.
        margin = -(-self._measuring.blurs // factor)
        (top, bottom), (left, right) = (
            (a + margin * (a > 0), b - margin * (b < length))
            for (a, b), length in zip(box, job.noisy.shape, strict=True)
        )
        for row in range(top, bottom, _BLOCK):
            for column in range(left, right, _BLOCK):
                core = ((row, min(row + _BLOCK, bottom)), (column, min(column + _BLOCK, right)))
                window = grown(core, job.noisy.shape, (margin, margin))
                measured = np.asarray(job.noisy[region_slices(core)], dtype=np.float64)
                inside = tuple(slice(a * factor - o[0], b * factor - o[0]) for (a, b), o in _with(window, job))
                for name in self._left_over:
                    made = self._plane(index, name)[inside]
                    self._compare(name, index, core, made, slices_in(core, window), measured)
                    yield
        if self._kept.any_in(index):
            yield from self._keep_what_came(index, box)

    def _compare(
        self, name: str, index: PlaneIndex, core: Box, made: Image, here: tuple[slice, ...], measured: NDArray[Any]
    ) -> None:
        """Hold what lies ``here`` in a part of an image against what was measured there."""
        seen = self._measuring.forward(torch.from_numpy(np.ascontiguousarray(made))).numpy()[here]
        residual, channel = measured - seen, position_of(self._source, index)
        self._left_over[name].add(channel, residual, seen, self._noise_of(channel, seen, measured))
        if name == next(iter(self._left_over)):
            self._keep(index, core, residual)
            if min(made.shape) >= _LEAST:
                self._beyond.setdefault(channel, []).append(power_beyond(made, self._measuring.limit))

    def _keep_what_came(self, index: PlaneIndex, box: Box) -> Iterator[None]:
        (top, bottom), (left, right) = box
        factor = self._measuring.factor
        for row in range(top, bottom, _BLOCK):
            for column in range(left, right, _BLOCK):
                part = ((row, min(row + _BLOCK, bottom)), (column, min(column + _BLOCK, right)))
                here = tuple(
                    slice((a - o) * factor, (b - o) * factor) for (a, b), (o, _) in zip(part, box, strict=True)
                )
                for name in self.images:
                    plane = self._plane(index, name)
                    plane[here] = self._kept.restored(name, index, part, plane[here], factor)
                yield

    def _keep(self, index: PlaneIndex, core: Box, residual: NDArray[np.floating]) -> None:
        if self._residual_map is None:
            return
        place = slices_in(region_of(index, core), self._source.region)
        self._residual_map[place] = self._with_all_axes(index, residual.astype(np.float32))

    def _plane(self, index: PlaneIndex, name: str) -> Image:
        """Return a view of a plane of the image of that name."""
        first = (start for start, _ in self._region)
        place = tuple(
            slice(None) if isinstance(part, slice) else part - o for part, o in zip(index, first, strict=True)
        )
        return self.images[name][place]


def _with(window: Box, job: PlaneJob) -> Iterable[tuple[tuple[int, int], tuple[int, int]]]:
    return zip(window, job.plane.region, strict=True)
