"""An image without what is none of it; see `imaging.faults`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.tiles import Box
from ..imaging.axes import PlaneIndex, Sliceable
from ..imaging.faults import Faults
from .base import Image, Source
from .statistics import channel_axis, position_of

_HOT = "Hot or dead pixels were found, and replaced by the median of their neighbours."
_BEYOND = "Margins, bars or lost lines, whose grey levels are far from all others, were left out."
_NO_FAULTS = Faults()
_NEIGHBOURS = 2  # pixels: a line is told by its neighbours, and these by theirs


@dataclass(frozen=True)
class Kept:
    """What is beyond the range of an image, which a result keeps as it is.

    Attributes
    ----------
    raw : Source
        The image as it came.
    faults : mapping of int or None to Faults
        By channel.
    """

    raw: Source
    faults: Mapping[int | None, Faults]

    def any_in(self, index: PlaneIndex) -> bool:
        """Whether a plane may have anything to be kept."""
        return self.faults[position_of(self.raw, index)].any_beyond

    def restored(self, name: str, index: PlaneIndex, box: Box, made: Image, factor: int = 1) -> Image:
        """Return a part of a result with what is kept; there is nothing unsure about that.

        Parameters
        ----------
        name : str
            Of the output.
        box : tuple of (start, stop)
            Where the part lies in the plane, in pixels of the image.
        made : ndarray, shape (factor * height, factor * width)
            That part of the output.
        """
        if not self.any_in(index):
            return made
        inside = iter(box)
        part = tuple(slice(*next(inside)) if isinstance(i, slice) else i for i in index)
        around, inner = _with_neighbours(part, self.raw.plane_axes, self.raw.shape)
        came = np.asarray(self.raw.array[around])
        kept, came = self.faults[position_of(self.raw, index)].beyond(came)[inner], came[inner]
        kept, came = (pixels.repeat(factor, axis=0).repeat(factor, axis=1) for pixels in (kept, came))
        return np.where(kept, 0 if name == "uncertainty" else came, made).astype(np.float32)


def mended(kept: Kept, notices: list[str]) -> Source:
    """Return an image without what is none of it, and say so if there is anything; nothing is read yet."""
    source, faults = kept.raw, kept.faults.values()
    hot, beyond = any(f.any_hot for f in faults), any(f.any_beyond for f in faults)
    notices += [notice for notice, there in ((_HOT, hot), (_BEYOND, beyond)) if there]
    if not hot and not beyond:
        return source
    return replace(source, array=_Mended(source.array, source.plane_axes, channel_axis(source.axes), kept.faults))


@dataclass(frozen=True)
class _Mended:
    """An array whose planes are mended where they are read."""

    array: Sliceable
    plane_axes: tuple[int, int]
    channels: int | None
    faults: Mapping[int | None, Faults]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(int(n) for n in self.array.shape)

    @property
    def dtype(self) -> Any:
        return self.array.dtype

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Read a part of one plane: two slices, and a number for every other axis."""
        faults = self.faults.get(None if self.channels is None else index[self.channels], _NO_FAULTS)
        around, inner = _with_neighbours(index, self.plane_axes, self.shape)
        return faults.mended(np.asarray(self.array[around]))[inner]


def _with_neighbours(
    index: PlaneIndex, plane_axes: tuple[int, int], shape: tuple[int, ...]
) -> tuple[PlaneIndex, tuple[slice, ...]]:
    """Return the part with its neighbouring pixels, and where it lies in that."""
    around, inner = list(index), []
    for axis in plane_axes:
        part = index[axis]
        assert isinstance(part, slice)
        start, stop, _ = part.indices(shape[axis])
        first, last = max(0, start - _NEIGHBOURS), min(shape[axis], stop + _NEIGHBOURS)
        around[axis] = slice(first, last)
        inner.append(slice(start - first, stop - first))
    return tuple(around), tuple(inner)
