"""The slices of one stack that a model is adapted to: what is learned from, and what is kept back to judge by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import ImageError
from ...imaging.axes import planes
from ...tasks.base import Source
from ...tasks.statistics import channel_axis
from ..recipe import GRID
from ..restore.sources import CleanPlane, Sources
from .data import FIELD

LEAST = 160  # pixels of a side of a slice
_KEPT = LEAST  # rows at the end of slices that are kept back
_LEARNED, _LAST = slice(-_KEPT), slice(-_KEPT, None)
_MOST, _SIDE = 64, 1024  # slices; pixels of a side


class Slices(NamedTuple):
    """Parts of the slices of a stack.

    Attributes
    ----------
    learned : Sources
        All but their last rows.
    kept_back : Sources or None
        Their last rows; ``None`` where slices are too small for that, or show nothing in one of the two parts.
    """

    learned: Sources
    kept_back: Sources | None

    @classmethod
    def of(cls, source: Source) -> Slices:
        """Read the middle of some slices, spread over the stack; of several channels the first.

        Raises
        ------
        ImageError
            If slices are too small to learn from.
        """
        shape = source.plane_shape
        if min(shape) < LEAST:
            raise ImageError(
                f"Slices of {shape[0]} x {shape[1]} pixels are too small to learn from: their sides must be at least "
                f"{LEAST} pixels."
            )
        read = _some_slices(source)
        if shape[0] < LEAST + _KEPT:
            return cls(_sources(read), None)
        learned, kept_back = (_not_blank([plane[part] for plane in read]) for part in (_LEARNED, _LAST))
        return cls(_sources(learned), _sources(kept_back)) if learned and kept_back else cls(_sources(read), None)

    @property
    def side(self) -> int:
        """Side of the largest squares that fit into all parts, and that any network can look at."""
        parts = (self.learned, self.kept_back) if self.kept_back else (self.learned,)
        shortest: int = min(n for part in parts for n in part.clean[0].image.shape)
        return min(FIELD, shortest // GRID * GRID)

    def describe(self) -> str:
        """Say what is learned from."""
        height, width = self.learned.clean[0].image.shape
        count = len(self.learned.clean)
        return f"{count} slice{'s' * (count > 1)} of {height} x {width} pixels"


def _some_slices(source: Source) -> list[NDArray[np.float32]]:
    region, axis = list(source.region), channel_axis(source.axes)
    if axis is not None:
        region[axis] = (region[axis][0], region[axis][0] + 1)
    indices = list(planes(source.axes, source.shape, tuple(region)))
    chosen = np.unique(np.linspace(0, len(indices) - 1, min(_MOST, len(indices))).round().astype(int))
    middle = tuple(slice((n - min(n, _SIDE)) // 2, (n + min(n, _SIDE)) // 2) for n in source.plane_shape)
    read = _not_blank([np.asarray(source.plane(indices[number])[middle], dtype=np.float32) for number in chosen])
    if not read:
        raise ImageError("The slices have the same value everywhere, so there is nothing to learn from.")
    return read


def _not_blank(read: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    return [plane for plane in read if np.ptp(plane) > 0]


def _sources(read: list[NDArray[np.float32]]) -> Sources:
    return Sources([], [CleanPlane(plane, (1.0, 1.0), 1.0) for plane in read], [])
