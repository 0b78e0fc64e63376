"""An image without the hot and dead pixels of its camera; see `imaging.hot_pixels`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging.axes import Sliceable
from ..imaging.hot_pixels import without_hot_pixels
from .base import Source
from .statistics import channel_axis

_NOTICE = (
    "The image has hot or dead pixels, each of which is far from all pixels around it. They were taken for the median of "
    "those."
)


def mended(source: Source, limits: Mapping[int | None, float], notices: list[str]) -> Source:
    """Return the source without its hot and dead pixels, and say so if there are any; nothing is read yet.

    Parameters
    ----------
    limits : mapping of int or None to float
        By channel, or of None where there are no channels: by how much a pixel has to stand out of its neighbours.
    """
    if not any(np.isfinite(limit) for limit in limits.values()):
        return source
    notices.append(_NOTICE)
    return replace(source, array=_Mended(source.array, source.plane_axes, channel_axis(source.axes), limits))


class _Mended:
    """An array whose planes are mended where they are read."""

    def __init__(
        self,
        array: Sliceable,
        plane_axes: tuple[int, int],
        channels: int | None,
        limits: Mapping[int | None, float],
    ) -> None:
        self._array, self._plane_axes, self._channels, self._limits = array, plane_axes, channels, limits
        self.shape = tuple(int(n) for n in array.shape)
        self.dtype = array.dtype

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Read a part of one plane: two slices, and a number for every other axis."""
        limit = self._limits.get(None if self._channels is None else index[self._channels], np.inf)
        wider, inner = list(index), []
        for axis in self._plane_axes:
            start, stop, _ = index[axis].indices(self.shape[axis])
            first, last = max(0, start - 1), min(self.shape[axis], stop + 1)
            wider[axis] = slice(first, last)
            inner.append(slice(start - first, stop - first))
        return without_hot_pixels(np.asarray(self._array[tuple(wider)]), limit)[tuple(inner)]
