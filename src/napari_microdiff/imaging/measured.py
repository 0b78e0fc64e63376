"""Area and centre of the objects of a label image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGEST = 2**24  # up to this label one counter for each is cheaper than sorting the pixels


@dataclass(frozen=True)
class Measured:
    """Every object of a label image.

    Attributes
    ----------
    labels : ndarray of int64, shape (objects,)
        Ascending, without the background.
    areas : ndarray of int64, shape (objects,)
        Pixels or voxels of each.
    centres : ndarray of float64, shape (axes, objects)
        Mean place of their pixels along each axis, in pixels.
    """

    labels: NDArray[np.int64]
    areas: NDArray[np.int64]
    centres: NDArray[np.float64]


def measure(labels: NDArray[np.integer[Any]]) -> Measured:
    """Measure the objects of a label image.

    Parameters
    ----------
    labels : ndarray of int, any shape
        Numbered from 1, with or without gaps; 0 is the background.
    """
    flat = labels.ravel()
    if int(flat.max(initial=0)) > _LARGEST or int(flat.min(initial=0)) < 0:
        names, flat = np.unique(flat, return_inverse=True)
    else:
        names = np.arange(int(flat.max(initial=0)) + 1)
    areas = np.bincount(flat, minlength=len(names))
    there = (areas > 0) & (names > 0)
    centres = np.zeros((labels.ndim, np.count_nonzero(there)))
    for axis, length in enumerate(labels.shape):
        along = np.arange(length, dtype=np.float64).reshape([-1 if a == axis else 1 for a in range(labels.ndim)])
        total = np.bincount(flat, weights=np.broadcast_to(along, labels.shape).ravel(), minlength=len(names))
        centres[axis] = total[there] / areas[there]
    return Measured(names[there].astype(np.int64), areas[there].astype(np.int64), centres)
