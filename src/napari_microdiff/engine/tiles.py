"""Which part of an image is evaluated at once, and what the network sees around it.

Tiles are exact: their origins lie on the network's own grid, each is evaluated with a halo beyond which the network
sees next to nothing (the benchmark ``tiling`` says how little), and the halo is thrown away. At the true border of the
image the network sees nothing beyond, as at the borders of the crops that it was trained on; only what is missing to
its grid is reflected. This is so whatever the tiles, so that tiled and whole results are equal, without blending.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[tuple[int, int], ...]
_BAND = 2**21  # pixels


@dataclass(frozen=True)
class Reach:
    """What a network needs to see, per spatial axis.

    Attributes
    ----------
    stride : tuple of int
        The network's grid. Along z, nothing is cut into tiles where it is 1.
    halo : tuple of int
        Pixels around a tile; multiples of the stride.
    """

    stride: tuple[int, ...]
    halo: tuple[int, ...]

    @property
    def cuts(self) -> tuple[bool, ...]:
        """Whether tiles end along each axis."""
        depth = len(self.stride) - 2
        return tuple(axis >= depth or stride > 1 for axis, stride in enumerate(self.stride))

    @classmethod
    def of(cls, stride: int, halo: int, dims: int = 2, depth_halo: int = 0) -> Reach:
        """Return the reach of a network with the same stride and halo along y and x, and none of stride along z."""
        halo = -(-halo // stride) * stride
        return cls((1,) * (dims - 2) + (stride, stride), (depth_halo,) * (dims - 2) + (halo, halo))


@dataclass(frozen=True)
class Tile:
    """A part of the image.

    Attributes
    ----------
    core : tuple of (start, stop)
        Pixels that this tile answers for.
    window : tuple of (start, stop)
        Pixels that the network sees for it; the last ones may lie outside the image, where it is reflected.
    """

    core: Box
    window: Box

    @property
    def inner(self) -> tuple[slice, ...]:
        """Where the core lies in the window."""
        return slices_in(self.core, self.window)

    @property
    def window_shape(self) -> tuple[int, ...]:
        """Shape of what the network sees."""
        return tuple(stop - start for start, stop in self.window)


def slices_in(box: Box, outer: Box) -> tuple[slice, ...]:
    """Return the slices that cut a box out of an array which begins where an outer box does."""
    return tuple(slice(start - first, stop - first) for (start, stop), (first, _) in zip(box, outer, strict=True))


def overlap(box: Box, other: Box) -> Box:
    """Return the part of a box that lies in another one; where they do not meet it is empty."""
    return tuple((max(a, c), max(a, c, min(b, d))) for (a, b), (c, d) in zip(box, other, strict=True))


def bands(box: Box) -> list[Box]:
    """Cut a box across its first axis, so that little of it is worked on at once however large it is."""
    (start, stop), *others = box
    thick = max(1, _BAND // math.prod(b - a for a, b in others))
    return [((first, min(first + thick, stop)), *others) for first in range(start, stop, thick)]


def _window(core: Sequence[tuple[int, int]], shape: Sequence[int], reach: Reach) -> Box:
    window = []
    for (start, stop), length, stride, halo in zip(core, shape, reach.stride, reach.halo, strict=True):
        first = max(start // stride * stride - halo, 0)
        last = min(-(-stop // stride) * stride + halo, -(-length // stride) * stride)
        window.append((first, last))
    return tuple(window)


def side_of_tiles(length: int, most: int, stride: int = 1) -> int:
    """Return the side of as few tiles as there can be of at most so many pixels along an axis, all about equally long.

    What is left over of tiles of the largest side is often narrow: it would be evaluated with a halo wider than itself.

    Parameters
    ----------
    length, most : int
        Of the whole image and of a tile.
    stride : int
        The network's grid, on which tiles begin.
    """
    most = max(stride, most // stride * stride)
    count = -(-length // most)
    return -(-length // (count * stride)) * stride


def make_tiles(shape: Sequence[int], region: Box, size: int | None, reach: Reach) -> list[Tile]:
    """Cover a region of an image by tiles.

    Parameters
    ----------
    shape : sequence of int
        Spatial shape of the whole image.
    region : tuple of (start, stop)
        Part to cover.
    size : int, optional
        Largest side of a tile along the axes that are cut; ``None`` for a single tile. The grid is that of the whole
        image, not of the region.
    reach : Reach
        What the network needs to see.
    """
    spans = []
    for (start, stop), length, stride, is_cut in zip(region, shape, reach.stride, reach.cuts, strict=True):
        if size is None or not is_cut:
            spans.append([(start, stop)])
            continue
        side = side_of_tiles(length, size, stride)
        cuts = [start, *range((start // side + 1) * side, stop, side), stop]
        spans.append(list(pairwise(cuts)))
    return [Tile(core, _window(core, shape, reach)) for core in product(*spans)]


def split_tile(tile: Tile, shape: Sequence[int], reach: Reach) -> list[Tile]:
    """Cut a tile into a few of at most half its side that give the same pixels; empty if it is as small as can be."""
    stride = max(reach.stride)
    size = side_of(tile, reach) // 2 // stride * stride
    return [] if size < stride * 2 else make_tiles(shape, tile.core, size, reach)


def side_of(tile: Tile, reach: Reach) -> int:
    """Return the longest side of a tile's core along the axes that are cut."""
    return max(stop - start for (start, stop), is_cut in zip(tile.core, reach.cuts, strict=True) if is_cut)


def _reflected(start: int, stop: int, length: int, at_edges: bool) -> NDArray[np.intp]:
    """Return indices from start to stop, reflected about the first and the last pixel, or about their outer edges."""
    if at_edges:
        place = np.arange(start, stop) % (2 * length)
        return np.asarray(np.minimum(place, 2 * length - 1 - place), dtype=np.intp)
    if length == 1:
        return np.zeros(stop - start, dtype=np.intp)
    period = 2 * (length - 1)
    place = np.abs(np.arange(start, stop)) % period
    return np.asarray(np.minimum(place, period - place), dtype=np.intp)


def read_window(
    array: Any, window: Box, origin: Sequence[int] | None = None, *, at_edges: bool = False
) -> NDArray[Any]:
    """Read a window of an array, reflecting what lies outside it.

    Parameters
    ----------
    array : array
        Anything that can be sliced: numpy, dask, zarr, a memory map. Only the part that is needed is read.
    window : tuple of (start, stop)
        In coordinates of the image; one pair per axis.
    origin : sequence of int, optional
        Where the array's first pixel lies in the image.
    at_edges : bool
        Whether the image is mirrored at the outer edges of its border pixels, which then count twice, rather than at
        their centres. Only so is a blurred and binned mirror image the mirror of the blurred and binned image.
    """
    origin = origin or (0,) * len(window)
    indices = [
        _reflected(start - first, stop - first, length, at_edges)
        for (start, stop), first, length in zip(window, origin, array.shape, strict=True)
    ]
    low = [int(i.min()) for i in indices]
    part = np.asarray(array[tuple(slice(a, int(i.max()) + 1) for a, i in zip(low, indices, strict=True))])
    for axis, (index, first) in enumerate(zip(indices, low, strict=True)):
        if len(index) != part.shape[axis] or (len(index) > 1 and index[0] != first):
            part = np.take(part, index - first, axis=axis)
    return part


def grown(region: Box, shape: Sequence[int], margin: Sequence[int]) -> Box:
    """Widen a region by a margin on all sides, within the image."""
    return tuple(
        (max(0, start - m), min(length, stop + m))
        for (start, stop), length, m in zip(region, shape, margin, strict=True)
    )


def batches(tiles: Sequence[Tile], size: int) -> Iterator[list[Tile]]:
    """Group consecutive tiles whose windows have one shape into batches of at most ``size``."""
    group: list[Tile] = []
    for tile in tiles:
        if group and (len(group) == size or group[0].window_shape != tile.window_shape):
            yield group
            group = []
        group.append(tile)
    if group:
        yield group
