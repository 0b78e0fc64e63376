"""Where an image shows something, if it does so in few places only.

Blocks that are spread evenly over a large image can miss all of its cells. Then its range and its spectrum would be
those of an empty background.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axes import Sliceable
from .blocks import block_slices, raw_blocks

_CELL = 4  # pixels of a side, of 2 x 2 quarters
_PROBES = 1024, 32  # how many, and pixels of a side
_LAZY_PROBES = 64, 128  # of arrays of which each part may have to be read from disk
_KEPT = 4  # one block in so many is one of those that are spread evenly
_RARE = 0.25  # of the probes
_MORE = 4.0  # times the contrast of the median probe

_Place = tuple[int | slice, ...]


def telling_blocks(array: Sliceable, axes: str, *, count: int, size: int) -> NDArray[Any]:
    """Read blocks as `blocks.raw_blocks` does, but most of them from where an image shows something, if that is rare.

    An image that its blocks cover gives the same ones.

    Parameters
    ----------
    array, axes, count, size
        As of `blocks.raw_blocks`, which says what is raised.

    Returns
    -------
    ndarray, shape (at most count, y, x)
        The blocks, as they are in the array.
    """
    spread = raw_blocks(array, axes, count=count, size=size)
    if spread.size >= prod(array.shape):
        return spread
    places = rare_places(array, axes)
    if not places:
        return spread
    kept = spread[::_KEPT]
    chosen = np.unique(np.linspace(0, len(places) - 1, count - len(kept)).round().astype(int))
    shown = [np.asarray(array[_widened(places[i], array.shape, spread.shape[1:])]) for i in chosen]
    return np.ascontiguousarray(np.concatenate([kept, np.stack(shown)]))


def rare_places(array: Sliceable, axes: str) -> list[_Place]:
    """Return small parts of an image that show far more than most do; none if these are not rare.

    Parameters
    ----------
    array : array-like
        Anything that can be sliced. Of what is not in memory less is read.
    axes : str
        One letter per axis.
    """
    others = [n for n, letter in zip(array.shape, axes, strict=True) if letter not in "YX"]
    most, side = _PROBES if _in_memory(array) else _LAZY_PROBES
    number = min(prod(others), most)
    spots = block_slices([n for n, a in zip(array.shape, axes, strict=True) if a in "YX"], count=most, size=side)
    each = min(len(spots), max(1, most // number))
    places: list[_Place] = []
    for visit, plane in enumerate(np.linspace(0, prod(others) - 1, number).round().astype(int)):
        numbers = iter(np.unravel_index(plane, others) if others else ())
        fixed = [None if letter in "YX" else int(next(numbers)) for letter in axes]
        for turn in range(each):
            spot = iter(spots[(visit * each + turn) % len(spots)])
            places.append(tuple(next(spot) if number is None else number for number in fixed))
    contrasts = _contrasts(np.stack([np.asarray(array[place]) for place in places]))
    telling = contrasts > _MORE * np.median(contrasts)
    return [place for place, chosen in zip(places, telling, strict=True) if chosen] if telling.mean() <= _RARE else []


def telling_window(plane: Sliceable, bounds: Sequence[tuple[int, int]], side: int) -> tuple[slice, slice]:
    """Return a window of a plane in which there is most to be seen; the middle one, if that is everywhere.

    Parameters
    ----------
    plane : array-like, shape (y, x)
    bounds : sequence of (start, stop)
        Within which the window lies, along y and x.
    side : int
        Of the window, which is smaller where the bounds are nearer to each other.
    """
    middle = np.array([(start + stop) / 2 for start, stop in bounds])
    places = np.array([[(part.start + part.stop) / 2 for part in place] for place in _slices(rare_places(plane, "YX"))])
    if len(places):
        low, high = np.array(bounds).T
        places = places[((places >= low) & (places < high)).all(axis=1)]
    if len(places):
        near = (np.abs(places[:, None] - places) <= side / 2).all(axis=2).sum(axis=1)
        middle = places[int(near.argmax())]
    rows, columns = (_span(centre, *ends, side) for centre, ends in zip(middle, bounds, strict=True))
    return rows, columns


def _span(centre: float, start: int, stop: int, side: int) -> slice:
    """Return a span of a length around a centre, within bounds."""
    side = min(side, stop - start)
    first = min(max(start, int(centre - side / 2)), stop - side)
    return slice(first, first + side)


def _slices(places: list[_Place]) -> list[list[slice]]:
    return [[part for part in place if isinstance(part, slice)] for place in places]


def _in_memory(array: object) -> bool:
    """Whether an array, or the one that it is a view of, is numpy's."""
    while hasattr(array, "array"):
        array = array.array
    return isinstance(array, np.ndarray)


def _contrasts(probes: NDArray[np.generic]) -> NDArray[np.floating]:
    """Return the range of the levels of the cells of each probe; 0 of probes that are no larger than one.

    The level of a cell is the mean of the middle two of its quarters, which one hot pixel does not change.
    """
    height, width = (n // _CELL for n in probes.shape[1:])
    if not height or not width:
        return np.zeros(len(probes))
    pixels = (probes[:, : height * _CELL, : width * _CELL].astype(np.float64) - float(probes.flat[0])).astype(
        np.float32
    )
    rows = pixels[:, ::2] + pixels[:, 1::2]
    quarters = (rows[:, :, ::2] + rows[:, :, 1::2]) / 4
    parts = np.stack([quarters[:, a::2, b::2] for a in range(2) for b in range(2)])
    levels = (parts.sum(axis=0) - parts.max(axis=0) - parts.min(axis=0)) / 2
    return np.asarray(levels.max(axis=(1, 2)) - levels.min(axis=(1, 2)))


def _widened(place: _Place, shape: tuple[int, ...], size: tuple[int, ...]) -> _Place:
    """Return a block of a size around the middle of a place, within the image."""
    sides = iter(size)
    return tuple(
        _span((part.start + part.stop) / 2, 0, length, next(sides)) if isinstance(part, slice) else part
        for part, length in zip(place, shape, strict=True)
    )
