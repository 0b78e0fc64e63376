"""Parts of an image, spread over all of it, for statistics that must not read an image too large for memory."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axes import Sliceable, check_axes, guess_axes

_GOLDEN = (sqrt(5) - 1) / 2


def sample_blocks(
    array: Sliceable, axes: str | None = None, *, count: int = 64, size: int = 128
) -> NDArray[np.float64]:
    """Read evenly spread blocks of the planes of an array, as numbers to compute with.

    Parameters
    ----------
    array, axes, count, size
        As of `raw_blocks`, which says which blocks these are and what is raised.

    Returns
    -------
    ndarray of float64, shape (at most count, y, x)
        The blocks, in the units of the image.
    """
    return raw_blocks(array, axes, count=count, size=size).astype(np.float64)


def raw_blocks(array: Sliceable, axes: str | None = None, *, count: int = 64, size: int = 128) -> NDArray[Any]:
    """Read evenly spread blocks of the planes of an array.

    Neither time nor memory grow with the array. The same array always gives the same blocks. A plane that holds no
    more than ``count`` blocks is covered from border to border; of many planes, evenly spaced ones are read, with
    blocks in different places.

    Parameters
    ----------
    array : array-like
        Anything with a shape that can be sliced: numpy, dask, zarr.
    axes : str, optional
        One letter per axis; ``None`` guesses from the shape.
    count : int
        Largest number of blocks.
    size : int
        Side of a block in pixels; less where the plane is smaller.

    Returns
    -------
    ndarray, shape (at most count, y, x)
        The blocks, as they are in the array.

    Raises
    ------
    RequestError
        If the axes do not fit the array.
    ImageError
        If the array is empty.
    """
    if axes is None:
        axes = guess_axes(array.shape)
    check_axes(axes, array.shape)
    plane_axes = [axis for axis, letter in enumerate(axes) if letter in "YX"]
    other_axes = [axis for axis, letter in enumerate(axes) if letter not in "YX"]
    spots = block_slices([array.shape[axis] for axis in plane_axes], count=count, size=size)
    others = [array.shape[axis] for axis in other_axes]
    number = min(prod(others), count)
    each = min(len(spots), max(1, count // number))
    blocks = []
    for visit, plane in enumerate(np.linspace(0, prod(others) - 1, number).round().astype(int)):
        index: list[int | slice] = [slice(None)] * len(axes)
        for axis, position in zip(other_axes, np.unravel_index(plane, others) if others else (), strict=True):
            index[axis] = int(position)
        for turn in range(each):
            spot = spots[(visit * each + turn) % len(spots)]
            for axis, part in zip(plane_axes, spot, strict=True):
                index[axis] = part
            blocks.append(np.asarray(array[tuple(index)]))
    # In one order in memory, or what is measured on them would depend on that of the array.
    return np.ascontiguousarray(np.stack(blocks))


def block_slices(shape: Sequence[int], *, count: int = 64, size: int = 128) -> list[tuple[slice, slice]]:
    """Return the places of evenly spread blocks of one plane, in an order in which any first few are spread too.

    Parameters
    ----------
    shape : (int, int)
        Shape of the plane.
    count : int
        Largest number of blocks.
    size : int
        Side of a block; less where the plane is smaller.
    """
    height, width = shape
    fit_rows, fit_columns = ceil(height / size), ceil(width / size)
    if fit_rows * fit_columns <= count:
        rows, columns = fit_rows, fit_columns
    else:
        rows = min(max(1, round(sqrt(count * height / width))), fit_rows, count)
        columns = min(max(1, count // rows), fit_columns)
    places = [(y, x) for y in _spans(height, rows, size) for x in _spans(width, columns, size)]
    # Multiples of the golden ratio visit the places without any order that a regular structure could share.
    order = np.argsort((np.arange(len(places)) * _GOLDEN) % 1)
    return [places[i] for i in order]


def _spans(length: int, number: int, size: int) -> list[slice]:
    size = min(size, length)
    starts = np.linspace(0, length - size, number) if number > 1 else [(length - size) / 2]
    return [slice(int(start), int(start) + size) for start in np.round(starts)]
