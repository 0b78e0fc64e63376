"""From objects in each slice of a stack to objects in space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .matching import overlaps

LEAST_OVERLAP = 0.25  # intersection over union of one object in two slices


def link_slices(stack: NDArray[np.integer], least: float = LEAST_OVERLAP) -> NDArray[np.int32]:
    """Give objects that lie on each other in consecutive slices the same number.

    Each object continues in at most one object of the next slice, so that what touches on one slice and not on the
    next does not grow together; of all such pairings the one with most overlap is taken.

    Parameters
    ----------
    stack : ndarray, shape (z, y, x)
        Labels, each slice numbered on its own.
    least : float
        Intersection over union from which on two outlines may be one object.

    Returns
    -------
    ndarray of int32, shape (z, y, x)
        Numbered from 1 in the order in which objects begin.
    """
    linked = np.zeros(stack.shape, dtype=np.int32)
    following = 1
    names: dict[int, int] = {}
    for number, plane in enumerate(stack):
        present = np.unique(plane)
        present = present[present > 0]
        earlier = _continued(stack[number - 1], plane, least) if number else {}
        now: dict[int, int] = {}
        for label in present.tolist():
            if label in earlier:
                now[label] = names[earlier[label]]
            else:
                now[label] = following
                following += 1
        table = np.zeros(int(plane.max(initial=0)) + 1, dtype=np.int32)
        table[list(now)] = list(now.values())
        linked[number] = table[plane]
        names = now
    return linked


def _continued(before: NDArray[np.integer], after: NDArray[np.integer], least: float) -> dict[int, int]:
    """Return, for labels of a slice, the labels of the slice before that they continue."""
    compared = overlaps(before, after)
    pairs = compared.pairs(least)
    labels = compared.found_ids[compared.columns[pairs]], compared.true_ids[compared.rows[pairs]]
    return dict(zip(*(part.tolist() for part in labels), strict=True))
