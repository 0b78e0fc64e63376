"""A landscape is parted into what belongs to each of its peaks, where low bumps are no peaks of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet
from skimage.measure import label as connected
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

_Labels = NDArray[np.integer]
_Heights = NDArray[np.floating]

_ALL, _BUT_LAST, _BUT_FIRST = slice(None), slice(None, -1), slice(1, None)
_NEIGHBOURS = (  # where a pixel and its next one to the right, below, and on both diagonals lie
    ((_ALL, _BUT_LAST), (_ALL, _BUT_FIRST)),
    ((_BUT_LAST, _ALL), (_BUT_FIRST, _ALL)),
    ((_BUT_LAST, _BUT_LAST), (_BUT_FIRST, _BUT_FIRST)),
    ((_BUT_LAST, _BUT_FIRST), (_BUT_FIRST, _BUT_LAST)),
)


def part_into_basins(height: _Heights, inside: NDArray[np.bool_], bump: float) -> NDArray[np.int32]:
    """Part a landscape into basins of attraction of the peaks that rise high enough above the pass to a higher one.

    These are the peaks that stay when all lower bumps were filled (h-maxima: Soille 1999, section 6.3.4). They are told
    by the heights of the passes between all peaks (dynamics: Grimaud 1992, Proc. SPIE 1769), in a third of the time.

    Parameters
    ----------
    height : ndarray, shape (y, x)
    inside : ndarray of bool, shape (y, x)
        Pixels that are parted, diagonal neighbours together; all others are lower.
    bump : float
        How far a peak has to rise above the pass, at least a little more.

    Returns
    -------
    ndarray of int32, shape (y, x)
        0 outside; else the number of the part. Numbers leave gaps.
    """
    peaks = local_maxima(np.pad(height, 1, constant_values=-np.inf))[1:-1, 1:-1] & inside
    basins = watershed(-height, connected(peaks, connectivity=2), mask=inside, connectivity=2)
    tops = highest_in(np.where(peaks, basins, 0), height)
    parts = _joined(tops.tolist(), *_passes(basins, height), bump)
    return np.asarray(parts[basins])


def highest_in(labels: _Labels, values: _Heights) -> _Heights:
    """Return the highest value under each label from 0 on, and minus infinity for a label that is nowhere."""
    highest = np.full(int(labels.max(initial=0)) + 1, -np.inf, values.dtype)
    np.maximum.at(highest, labels.ravel(), values.ravel())  # ndimage.maximum would sort all pixels
    return highest


def _passes(basins: _Labels, height: _Heights) -> tuple[list[tuple[int, int]], list[float]]:
    """Return all pairs of basins that touch and how high the highest pass between them is, the highest first."""
    pairs, heights = [], []
    for here, there in _NEIGHBOURS:
        one, other = basins[here], basins[there]
        touch = np.nonzero((one != other) & (one > 0) & (other > 0))
        pairs.append(np.sort(np.stack([one[touch], other[touch]], axis=1), axis=1))
        heights.append(np.minimum(height[here][touch], height[there][touch]))
    all_pairs, all_heights = np.concatenate(pairs).astype(np.int64), np.concatenate(heights)
    falling = np.argsort(-all_heights, kind="stable")
    keys = all_pairs[falling] @ (int(basins.max(initial=0)) + 1, 1)
    highest = falling[np.sort(np.unique(keys, return_index=True)[1])]
    return [(a, b) for a, b in all_pairs[highest].tolist()], all_heights[highest].tolist()


def _joined(tops: list[float], pairs: list[tuple[int, int]], heights: list[float], bump: float) -> NDArray[np.int32]:
    """Return for each basin the part that it belongs to, as water falls from pass to pass.

    Where two lakes meet, the one with the lower peak is that of a single part, or its peak has proved itself before. A
    peak that rises no further than ``bump`` above the pass is no part of its own: its lake goes to the other side.
    """
    numbers = range(len(tops))
    lakes, parts, peaks = DisjointSet(numbers), DisjointSet(numbers), dict(enumerate(tops))
    for (one, other), height in zip(pairs, heights, strict=True):
        highest = sorted((peaks[lakes[one]], peaks[lakes[other]]))
        if lakes.merge(one, other):
            peaks[lakes[one]] = highest[1]
            if highest[0] - bump <= height:
                parts.merge(one, other)
    return np.array([parts[number] for number in numbers], dtype=np.int32)
