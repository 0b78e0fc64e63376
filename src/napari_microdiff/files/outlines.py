"""Outlines of objects along the edges of their pixels, so that what they enclose are exactly these pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # right, down, left, up: clockwise in an image
_Side = tuple[int, int, int]  # row and column of the corner where a side of a pixel starts, and its direction


def outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.int32]]:
    """Return the closed outlines of a mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (y, x)
        Pixels that touch at a corner belong together.

    Returns
    -------
    list of ndarray of int32, shape (corners, 2)
        x and y of the corners of each outline, without the first again at the end: outer ones clockwise, those of
        holes the other way round. The pixel in row r and column c reaches from (c, r) to (c + 1, r + 1).
    """
    sides = _sides(mask)
    left = dict.fromkeys(sides)  # a set that keeps its order, so that the same mask gives the same outlines
    found = []
    while left:
        outline = _follow(next(iter(left)), sides)
        for side in outline:
            del left[side]
        before = [outline[-1], *outline[:-1]]
        corners = [(x, y) for (y, x, way), (_, _, last) in zip(outline, before, strict=True) if way != last]
        found.append(np.array(corners, dtype=np.int32))
    return found


def _sides(mask: NDArray[np.bool_]) -> dict[_Side, None]:
    """Return the sides between mask and background, directed so that the mask is on the right."""
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    outside = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    starts = ((0, 0), (0, 1), (1, 1), (1, 0))
    sides: dict[_Side, None] = {}
    for direction, (beyond, (down, across)) in enumerate(zip(outside, starts, strict=True)):
        rows, columns = np.nonzero(inside & ~beyond)
        corners = zip((rows + down).tolist(), (columns + across).tolist(), strict=True)
        sides |= dict.fromkeys((row, column, direction) for row, column in corners)
    return sides


def _follow(first: _Side, sides: dict[_Side, None]) -> list[_Side]:
    """Return the sides from this one on until it comes again."""
    path = [first]
    while True:
        row, column, direction = path[-1]
        row, column = row + _STEPS[direction][0], column + _STEPS[direction][1]
        # Left first: where two pixels touch at a corner, it leads on to the other pixel.
        following = next(side for turn in (-1, 0, 1) if (side := (row, column, (direction + turn) % 4)) in sides)
        if following == first:
            return path
        path.append(following)
