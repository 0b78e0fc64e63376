"""Where two masks differ, and how far around it an image that shows them differs, too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError

# Pixels around the change that are drawn anew with it: the light of objects is blurred beyond their borders.
MARGIN = 12

_Box = tuple[tuple[int, int], ...]


def changed_box(before: NDArray[np.integer], after: NDArray[np.integer]) -> _Box | None:
    """Return the smallest box in which two masks differ, one pair per axis, or None where they are equal.

    Raises
    ------
    ImageError
        If their shapes differ.
    """
    if before.shape != after.shape:
        raise ImageError(f"The masks are of the shapes {before.shape} and {after.shape}. Compare masks of one size.")
    differ = before != after
    box = []
    for axis in range(differ.ndim):
        along = np.flatnonzero(differ.any(axis=tuple(other for other in range(differ.ndim) if other != axis)))
        if not along.size:
            return None
        box.append((int(along[0]), int(along[-1]) + 1))
    return tuple(box)


def around(changed: _Box, axes: str, shape: tuple[int, ...]) -> _Box:
    """Return what is drawn anew for a change: more than that along Y and X, but nothing outside of the mask."""
    return tuple(
        (max(0, start - MARGIN), min(n, stop + MARGIN)) if letter in "YX" else (start, stop)
        for (start, stop), letter, n in zip(changed, axes, shape, strict=True)
    )
