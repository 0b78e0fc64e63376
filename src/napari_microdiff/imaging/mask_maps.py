"""Masks as a network that draws images under them sees them: classes, borders, and how deep in its object a pixel lies.

All of it can be told from a window of the mask, so that an image is drawn tile by tile without a seam: depth is counted
up to `CAP` pixels only, and how thick an object is, which the depth is divided by, is measured beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .axes import Sliceable
from .instances import check_labels

EXTRA_MAPS = 3  # beside those of the classes: background, borders and depth
CAP = 24  # pixels from its border from which on a pixel is as deep as can be
_SPARSE = 8  # labels for each pixel from which on sorting is cheaper than a table of all
_BLOCK = 1024  # pixels; side of the squares that are measured at a time


@dataclass(frozen=True)
class Thickness:
    """How far from its border the deepest pixel of each object lies.

    Attributes
    ----------
    labels : ndarray of int64, shape (objects,)
        Ascending, without the background.
    depths : ndarray of float32, shape (objects,)
        In pixels, at most `CAP`.
    """

    labels: NDArray[np.int64]
    depths: NDArray[np.float32]

    def of(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the thickness of the object at each pixel; 1 on the background and for objects that were not seen."""
        if not self.labels.size:
            return np.ones(labels.shape, np.float32)
        place = np.minimum(np.searchsorted(self.labels, labels), len(self.labels) - 1)
        return np.where(self.labels[place] == labels, self.depths[place], np.float32(1))


def measure_thickness(labels: Sliceable, block: int = _BLOCK) -> Thickness:
    """Measure how thick the objects of a plane are, block by block.

    Parameters
    ----------
    labels : array-like, shape (y, x)
        0 is the background.
    block : int
        Side of a block in pixels; memory is needed for one of them. It makes no difference to the result.

    Raises
    ------
    ImageError
        As of `instances.check_labels`.
    """
    found: dict[int, float] = {}
    height, width = labels.shape
    for top in range(0, height, block):
        for left in range(0, width, block):
            core = slice(top, min(height, top + block)), slice(left, min(width, left + block))
            seen = tuple(
                slice(max(0, c.start - CAP), min(n, c.stop + CAP)) for c, n in zip(core, labels.shape, strict=True)
            )
            inner = tuple(slice(c.start - s.start, c.stop - s.start) for c, s in zip(core, seen, strict=True))
            part = check_labels(labels[seen])
            depth = _depth(part)[inner]
            numbers, which = _numbered(part[inner])
            deepest = np.zeros(len(numbers), np.float32)
            np.maximum.at(deepest, which.ravel(), depth.ravel())
            for number, most in zip(numbers.tolist(), deepest.tolist(), strict=True):
                found[number] = max(found.get(number, 0.0), most)
    found.pop(0, None)
    numbers = np.array(sorted(found), np.int64)
    return Thickness(numbers, np.array([found[n] for n in numbers.tolist()], np.float32))


def mask_maps(
    labels: NDArray[np.generic],
    thickness: Thickness,
    *,
    margin: int = 0,
    kinds: Mapping[int, int] | None = None,
    classes: int = 1,
) -> NDArray[np.float32]:
    """Draw the maps of a window of a mask.

    Parameters
    ----------
    labels : ndarray, shape (y + 2 margin, x + 2 margin)
        The window and what lies around it. A margin of `CAP` makes the maps those of the whole plane.
    thickness : Thickness
        Of the whole plane.
    margin : int
        Pixels around the window.
    kinds : mapping of int to int, optional
        The class of each label, from 1; what it does not name is of class 1.
    classes : int
        How many the network knows.

    Returns
    -------
    ndarray of float32, shape (classes + EXTRA_MAPS, y, x)
        1 on the background, and for each class where an object of it lies, so that maps that are zero everywhere say
        nothing at all; 1 at the pixels of objects that have a neighbour, along rows or columns, of another object or
        the background; and inside objects the distance to the border over the largest in that object, see `Thickness`.

    Raises
    ------
    ImageError
        As of `instances.check_labels`.
    """
    plane = check_labels(labels)
    inner = tuple(slice(margin, n - margin) for n in plane.shape)
    window = plane[inner]
    depth = np.minimum(_depth(plane)[inner] / thickness.of(window), 1)
    return _stacked(window, borders_of(plane)[inner], depth, kinds, classes)


def whole_mask_maps(
    labels: NDArray[np.generic], *, kinds: Mapping[int, int] | None = None, classes: int = 1
) -> NDArray[np.float32]:
    """Draw the maps of a whole mask that is small: those of `mask_maps`, at half the price.

    Parameters
    ----------
    labels : ndarray, shape (y, x)
    kinds, classes
        See `mask_maps`.

    Returns
    -------
    ndarray of float32, shape (classes + EXTRA_MAPS, y, x)

    Raises
    ------
    ImageError
        As of `instances.check_labels`.
    """
    plane = check_labels(labels)
    depth = _depth(plane)
    numbers, which = _numbered(plane)
    deepest = np.zeros(len(numbers), np.float32)
    np.maximum.at(deepest, which.ravel(), depth.ravel())
    deepest[numbers == 0] = 1
    return _stacked(plane, borders_of(plane), depth / deepest[which], kinds, classes)


def _stacked(
    window: NDArray[np.int64],
    borders: NDArray[np.bool_],
    depth: NDArray[np.float32],
    kinds: Mapping[int, int] | None,
    classes: int,
) -> NDArray[np.float32]:
    members = [_of_class(window, kinds or {}, kind) for kind in range(1, classes + 1)]
    return np.stack([window == 0, *members, borders, depth]).astype(np.float32)


def _of_class(labels: NDArray[np.int64], kinds: Mapping[int, int], kind: int) -> NDArray[np.bool_]:
    others = np.array([label for label, of in kinds.items() if of != 1], np.int64)
    if kind == 1:
        return (labels > 0) & ~np.isin(labels, others)
    return np.isin(labels, np.array([label for label, of in kinds.items() if of == kind], np.int64))


def borders_of(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return the pixels of objects that have a neighbour along an axis of another object or the background."""
    borders = np.zeros(labels.shape, dtype=bool)
    for axis in range(labels.ndim):
        differ = np.diff(labels, axis=axis) != 0
        first, last = ([(0, 0)] * labels.ndim for _ in range(2))
        first[axis], last[axis] = (0, 1), (1, 0)
        borders |= np.pad(differ, first) | np.pad(differ, last)
    return borders & (labels > 0)


def _depth(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the distance of each pixel of an object to the nearest that is not of it, at most `CAP`; 0 outside."""
    depth = np.zeros(labels.shape, np.float32)
    if not labels.any():
        return depth
    numbers, which = _numbered(labels)
    sequence = which + (numbers[0] != 0)
    for number, box in enumerate(ndimage.find_objects(sequence), start=1):
        if box is None:
            continue
        here = tuple(slice(max(0, b.start - 1), b.stop + 1) for b in box)
        inside = sequence[here] == number
        if inside.all():
            depth[here] = CAP
            continue
        own = np.minimum(ndimage.distance_transform_edt(inside), CAP)
        depth[here][inside] = own[inside]
    return depth


def _numbered(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the labels that there are, ascending, and for each pixel the place of its own among them.

    It is `numpy.unique`, without sorting the pixels where labels are not much larger than there are pixels.
    """
    most = int(labels.max(initial=0))
    if most > _SPARSE * labels.size:
        numbers, which = np.unique(labels, return_inverse=True)
        return numbers, which.reshape(labels.shape)
    there = np.zeros(most + 1, dtype=bool)
    there[labels] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[labels]
