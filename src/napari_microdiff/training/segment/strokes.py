"""Strokes that a user might draw: on an object, on the background, and along the line where two objects touch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import line

Generator = np.random.Generator
OBJECT, BACKGROUND, CUT = range(3)
_MOST = 4  # strokes on one crop


def draw_strokes(labels: NDArray[np.integer], rng: Generator) -> NDArray[np.float32]:
    """Draw a few strokes that agree with the labels.

    Parameters
    ----------
    labels : ndarray, shape (y, x)
        True labels.

    Returns
    -------
    ndarray of float32, shape (3, y, x)
        1 where the user drew on an object, on the background, along a cut; 0 elsewhere.
    """
    strokes = np.zeros((3, *labels.shape), dtype=np.float32)
    contact = _contact(labels)
    for _ in range(int(rng.integers(1, _MOST + 1))):
        kind = int(rng.choice([OBJECT, OBJECT, BACKGROUND, CUT, CUT]))
        if kind == CUT:
            drawn = _along_a_contact(contact, rng)
        else:
            drawn = _within_a_part(labels, _chosen(labels, rng) if kind == OBJECT else 0, rng)
        if drawn is not None:
            strokes[kind][drawn] = 1
    return strokes


def _chosen(labels: NDArray[np.integer], rng: Generator) -> int:
    present = np.unique(labels)
    present = present[present > 0]
    return int(rng.choice(present)) if present.size else -1


def _within_a_part(labels: NDArray[np.integer], which: int, rng: Generator) -> NDArray[np.bool_] | None:
    """Draw a line between two pixels of an object, as far as it stays within it."""
    mask = labels == which
    places = np.argwhere(mask)
    if len(places) < 8:
        return None
    start, stop = places[rng.integers(len(places), size=2)]
    drawn = np.zeros(labels.shape, dtype=bool)
    rows, columns = line(*start, *stop)
    inside = mask[rows, columns]
    end = int(np.argmin(inside)) if not inside.all() else len(inside)
    drawn[rows[:end], columns[:end]] = True
    return np.asarray(_thickened(drawn, rng) & mask)


def _contact(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return the pixels of objects that touch another one."""
    highest = ndimage.maximum_filter(labels, 3)
    lowest = ndimage.minimum_filter(np.where(labels > 0, labels, labels.max() + 1), 3)
    return np.asarray((labels > 0) & (highest != lowest))


def _along_a_contact(contact: NDArray[np.bool_], rng: Generator) -> NDArray[np.bool_] | None:
    pieces, count = ndimage.label(contact, np.ones((3, 3)))
    if not count:
        return None
    return _thickened(pieces == int(rng.integers(1, count + 1)), rng)


def _thickened(drawn: NDArray[np.bool_], rng: Generator) -> NDArray[np.bool_]:
    width = int(rng.integers(0, 2))
    return np.asarray(ndimage.binary_dilation(drawn, iterations=width)) if width else drawn
