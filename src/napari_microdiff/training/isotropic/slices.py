"""The slices of one stack that a model is adapted to: what is learned from, and what is kept back to judge by.

A stack whose voxels are cubes is cut along all its axes; then the slices between two slices are there to learn from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import ImageError
from ...imaging.axes import planes, region_shape
from ...tasks.base import PlaneView, Source, box_of
from ...tasks.statistics import channel_axis
from ..recipe import GRID
from ..restore.sources import CleanPlane, Sources
from .data import FIELD

LEAST = 160  # pixels of a side of a slice
_KEPT = LEAST  # rows at the end of slices that are kept back
_MOST, _SIDE = 64, 1024  # slices; pixels of a side
_BLOCK = (256, 256 + _KEPT, 256)  # voxels of a volume along z, y and x


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
            If slices are too small to learn from, or have the same value everywhere.
        """
        shape = source.plane_shape
        if min(shape) < LEAST:
            raise ImageError(
                f"Slices of {shape[0]} x {shape[1]} pixels are too small to learn from: their sides must be at least "
                f"{LEAST} pixels."
            )
        read = _some_slices(source)
        return cls._parted(shape[0], lambda rows: _sources([plane[rows] for plane in read]))

    @classmethod
    def of_volume(cls, source: Source) -> Slices:
        """Read the middle of a stack whose voxels are cubes, and cut it along all axes; of several channels the first.

        Raises
        ------
        ImageError
            If it is too small to learn from, or has the same value everywhere.
        """
        index = next(iter(planes(source.axes, source.shape, source.region, "ZYX")))
        box = box_of(index)
        shape = region_shape(box)
        if min(shape) < LEAST:
            raise ImageError(
                f"A stack of {' x '.join(map(str, shape))} voxels is too small to learn from along all its axes: its "
                f"sides must be at least {LEAST} voxels. Take a larger one, or learn from its slices only."
            )
        middle = tuple(_middle(*span, most) for span, most in zip(box, _BLOCK, strict=True))
        read = np.asarray(PlaneView(source.array, index, shape)[middle], dtype=np.float32)
        return cls._parted(read.shape[1], lambda rows: _from_all_sides(read[:, rows]))

    @classmethod
    def _parted(cls, count: int, cut: Callable[[slice], Sources]) -> Slices:
        """Keep the last rows back if there are enough and they show something; ``cut`` returns what some rows show."""
        if count >= LEAST + _KEPT:
            learned, kept_back = (cut(rows) for rows in (slice(-_KEPT), slice(-_KEPT, None)))
            if learned.clean and kept_back.clean:
                return cls(learned, kept_back)
        all_of_it = cut(slice(None))
        if not all_of_it.clean:
            raise ImageError("The slices have the same value everywhere, so there is nothing to learn from.")
        return cls(all_of_it, None)

    @property
    def side(self) -> int:
        """Side of the largest squares that fit into all parts, and that any network can look at."""
        parts = (self.learned, self.kept_back) if self.kept_back else (self.learned,)
        shortest: int = min(n for part in parts for plane in part.clean for n in plane.image.shape)
        return min(FIELD, shortest // GRID * GRID)

    def describe(self) -> str:
        """Say what is learned from."""
        first, *others = self.learned.clean
        if first.volume is not None:
            return f"{' x '.join(map(str, first.volume.shape))} voxels, cut along all axes"
        height, width = first.image.shape
        return f"{1 + len(others)} slice{'s' * bool(others)} of {height} x {width} pixels"


def _some_slices(source: Source) -> list[NDArray[np.float32]]:
    region, axis = list(source.region), channel_axis(source.axes)
    if axis is not None:
        region[axis] = (region[axis][0], region[axis][0] + 1)
    indices = list(planes(source.axes, source.shape, tuple(region)))
    chosen = np.unique(np.linspace(0, len(indices) - 1, min(_MOST, len(indices))).round().astype(int))
    middle = tuple(_middle(0, n, _SIDE) for n in source.plane_shape)
    return [np.asarray(source.plane(indices[number])[middle], dtype=np.float32) for number in chosen]


def _middle(start: int, stop: int, most: int) -> slice:
    """Return the middle of a span, of so many pixels at most."""
    first = start + max(0, stop - start - most) // 2
    return slice(first, min(first + most, stop))


def _sources(planes: list[NDArray[np.float32]]) -> Sources:
    return Sources([], [CleanPlane(plane, (1.0, 1.0), 1.0) for plane in planes if _shows(plane)], [])


def _from_all_sides(volume: NDArray[np.float32]) -> Sources:
    turned = [np.moveaxis(volume, axis, 0) for axis in range(volume.ndim)]
    cut = [CleanPlane(plane, (1.0, 1.0), 1.0, of, number) for of in turned for number, plane in enumerate(of)]
    return Sources([], [plane for plane in cut if _shows(plane.image)], [])


def _shows(plane: NDArray[np.float32]) -> bool:
    return bool(np.ptp(plane) > 0)
