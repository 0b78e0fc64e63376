"""Which parts of a plane can be taught from: those in which every object was looked at."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..imaging.instances import diameters

Window = tuple[slice, slice]
_Mask = NDArray[np.bool_]

MARGIN = 3  # pixels kept free around an object that nobody accepted; its blurred rim would be taught as background
LARGEST = 512  # pixels; longer windows are cut, so that crops are of one size, about
_CELL = 8  # pixels; windows begin and end on this grid where others are to be left out
_ALIKE = 0.7  # of the usual diameter; training magnifies a crop by the median diameter of what it shows
_WIDE = 4  # diameters of an object; training cuts squares that are about as wide
_TRIES = 64  # rectangles that are looked at in one plane


def windows(plane: NDArray[np.integer], accepted: _Mask) -> list[Window]:
    """Return windows of a plane that do not overlap and show accepted objects only.

    If all objects are accepted, these are the whole plane. Else they are the largest rectangles without a pixel of
    another object or next to one, cut to what lies within one diameter of an accepted object, since nobody may have
    looked at what is farther away; rectangles less than four diameters wide are left out.

    Parameters
    ----------
    plane : ndarray, shape (y, x)
        Labels.
    accepted : ndarray of bool, shape (y, x)
        Pixels of accepted objects.

    Returns
    -------
    list of (slice, slice)
        None of them without objects, longer than `LARGEST`, or with little more than fragments of objects.
    """
    if not accepted.any():
        return []
    others, usual = (plane > 0) & ~accepted, _diameter(plane[accepted])
    whole = slice(0, plane.shape[0]), slice(0, plane.shape[1])
    found = _free(others, accepted, int(np.ceil(usual))) if others.any() else [whole]
    parts = [part for window in found for part in cut_window(window, LARGEST)]
    return [part for part in parts if _has_objects(plane[part], usual)]


def halves(plane: NDArray[np.integer], window: Window) -> list[Window]:
    """Return the two halves of a window, or the window itself if either has no objects worth speaking of."""
    rows, columns = (slice(side.start, (side.start + side.stop) // 2) for side in window)
    if rows.stop - rows.start >= columns.stop - columns.start:
        parts = [(rows, window[1]), (slice(rows.stop, window[0].stop), window[1])]
    else:
        parts = [(window[0], columns), (window[0], slice(columns.stop, window[1].stop))]
    usual = _diameter(plane[window][plane[window] > 0])
    return parts if all(_has_objects(plane[part], usual) for part in parts) else [window]


def cut_window(window: Window, longest: int) -> list[Window]:
    """Cut a window into equal parts that are no longer than ``longest``."""
    sides = []
    for side in window:
        parts = -(-(side.stop - side.start) // longest)
        edges = np.linspace(side.start, side.stop, parts + 1).round().astype(int).tolist()
        sides.append([slice(a, b) for a, b in pairwise(edges)])
    return [(rows, columns) for rows in sides[0] for columns in sides[1]]


def _diameter(pixels: NDArray[np.integer]) -> float:
    """Return the median diameter of objects, of which these are all the pixels; 0 for none."""
    _, places = np.unique(pixels, return_inverse=True)
    return float(np.median(diameters(places + 1))) if pixels.size else 0.0


def _has_objects(part: NDArray[np.integer], usual: float) -> bool:
    return 0 < _ALIKE * usual <= _diameter(part[part > 0])


def _free(others: _Mask, accepted: _Mask, diameter: int) -> list[Window]:
    blocked = _cells(ndimage.binary_dilation(others, np.ones((3, 3)), iterations=MARGIN))
    near = ndimage.maximum_filter(accepted, 2 * diameter + 1)
    found: list[Window] = []
    for _ in range(_TRIES):
        window = _pixels(largest_rectangle(~blocked), others.shape)
        if min(side.stop - side.start for side in window) < _WIDE * diameter:
            break
        taken = window
        if accepted[window].any():
            taken = _trimmed(window, near, _WIDE * diameter)
            found.append(taken)
        rows, columns = (slice(side.start // _CELL, -(-side.stop // _CELL)) for side in taken)
        blocked[rows, columns] = True
    return found


def _cells(mask: _Mask) -> _Mask:
    """Return which cells of the grid a mask touches."""
    padded = np.pad(mask, [(0, -n % _CELL) for n in mask.shape])
    rows, columns = (n // _CELL for n in padded.shape)
    return np.asarray(padded.reshape(rows, _CELL, columns, _CELL).any(axis=(1, 3)))


def _pixels(cells: Window, shape: tuple[int, ...]) -> Window:
    rows, columns = (slice(side.start * _CELL, min(side.stop * _CELL, n)) for side, n in zip(cells, shape, strict=True))
    return rows, columns


def _trimmed(window: Window, near: _Mask, least: int) -> Window:
    """Return what of a window lies near accepted objects, on the grid and at least so wide."""
    sides = []
    for axis, side in enumerate(window):
        places = np.flatnonzero(near[window].any(axis=1 - axis))
        start, stop = side.start + int(places[0]), side.start + int(places[-1]) + 1
        missing = max(0, least - (stop - start))
        start = max(side.start, min(start - missing // 2, side.stop - least))
        stop = min(side.stop, max(stop, start + least))
        sides.append(slice(start // _CELL * _CELL, min(-(-stop // _CELL) * _CELL, side.stop)))
    return sides[0], sides[1]


def largest_rectangle(free: _Mask) -> Window:
    """Return the largest rectangle of a mask in which all is true; an empty one if nothing is.

    Row by row, each column is a bar of the true cells above it, and the largest rectangle under the bars is found with
    a stack of rising ones.
    """
    best, window = 0, (slice(0, 0), slice(0, 0))
    heights = np.zeros(free.shape[1], dtype=int)
    for row, line in enumerate(free):
        heights = np.where(line, heights + 1, 0)
        rising: list[tuple[int, int]] = []  # where a bar could begin, and its height
        for column, height in enumerate([*heights.tolist(), 0]):
            begin = column
            while rising and rising[-1][1] >= height:
                begin, tall = rising.pop()
                if tall * (column - begin) > best:
                    best = tall * (column - begin)
                    window = (slice(row + 1 - tall, row + 1), slice(begin, column))
            rising.append((begin, height))
    return window
