"""Where two masks differ, and how far around it an image that shows them differs, too."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError

# Pixels around the change that are drawn anew with it: the light of objects is blurred beyond their borders.
MARGIN = 12

_Box = tuple[tuple[int, int], ...]


def changed_box(before: NDArray[np.integer], after: NDArray[np.integer], also: Collection[int] = ()) -> _Box | None:
    """Return the smallest box in which two masks differ, one pair per axis, or None where they are equal.

    Parameters
    ----------
    before, after : ndarray of integers
    also : collection of int
        Labels whose objects are other ones although their pixels are the same, such as of another class.

    Raises
    ------
    ImageError
        If their shapes differ.
    """
    if before.shape != after.shape:
        raise ImageError(f"The masks are of the shapes {before.shape} and {after.shape}. Compare masks of one size.")
    differ = before != after
    if also:
        differ |= np.isin(after, list(also))
    box = []
    for axis in range(differ.ndim):
        along = np.flatnonzero(differ.any(axis=tuple(other for other in range(differ.ndim) if other != axis)))
        if not along.size:
            return None
        box.append((int(along[0]), int(along[-1]) + 1))
    return tuple(box)


def reclassified(before: Mapping[int, int], after: Mapping[int, int]) -> set[int]:
    """Return the labels whose class is another one; those that are not named are of class 1."""
    return {label for label in before.keys() | after.keys() if before.get(label, 1) != after.get(label, 1)}


def around(changed: _Box, axes: str, shape: tuple[int, ...]) -> _Box:
    """Return what is drawn anew for a change: more than that along Y and X, but nothing outside of the mask."""
    return tuple(
        (max(0, start - MARGIN), min(n, stop + MARGIN)) if letter in "YX" else (start, stop)
        for (start, stop), letter, n in zip(changed, axes, shape, strict=True)
    )
