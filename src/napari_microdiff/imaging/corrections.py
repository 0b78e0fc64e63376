"""What a stroke changes in a label image: the objects that it touches, and nothing else.

A model that was shown the stroke proposes objects for the window around it. Only what concerns the stroke is taken from
the proposal, and where the model does not follow, the stroke itself decides: who draws a line must not have to draw it
twice.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import expand_labels

_Labels = NDArray[np.integer]
_Mask = NDArray[np.bool_]
_LEAST_PART = 0.05  # of an object's area; what a proposal splits off below is a crumb
_NEIGHBOURS = np.ones((3, 3), dtype=bool)


def joined(
    before: _Labels, proposed: _Labels, drawn: _Mask, *, fresh: int, radius: float, locked: Collection[int] = ()
) -> NDArray[np.int64]:
    """Make one object of all that a stroke inside an object touches; a new one where there was none.

    Parameters
    ----------
    before : ndarray, shape (y, x)
        Labels in the window.
    proposed : ndarray, shape (y, x)
        Labels that a model found when it was shown the stroke.
    drawn : ndarray of bool, shape (y, x)
        Pixels of the stroke.
    fresh : int
        Label for an object that is new.
    radius : float
        How far from the stroke an object reaches that the model does not see, in pixels.
    locked : collection of int
        Labels of which no pixel may change.

    Returns
    -------
    ndarray of int64, shape (y, x)
        Labels of the window afterwards. The joined object keeps the label of its largest part.
    """
    touched = _touched(before, drawn, locked)
    parts = np.isin(before, touched)
    free = parts | (before == 0)
    seen = np.isin(proposed, np.unique(proposed[drawn & (proposed > 0)])) & free
    if not seen.any() and not touched.size:
        seen = (ndimage.distance_transform_edt(~drawn) <= radius) & free
    whole = _in_one_piece(parts | seen | (drawn & free), drawn)
    after = before.astype(np.int64)
    after[whole] = touched[np.argmax([np.count_nonzero(before == t) for t in touched])] if touched.size else fresh
    return after


def cut(
    before: _Labels, proposed: _Labels, drawn: _Mask, *, fresh: int, locked: Collection[int] = ()
) -> NDArray[np.int64]:
    """Part every object that a stroke along a border crosses, or enters if the model sees a border there.

    Parameters
    ----------
    before, proposed, drawn, locked
        As for `joined`.
    fresh : int
        Label of the first new object; further ones count up from it.

    Returns
    -------
    ndarray of int64, shape (y, x)
        Labels of the window afterwards. The largest part keeps the label; no pixel is lost.
    """
    after = before.astype(np.int64)
    for label in _touched(before, drawn, locked):
        whole = before == label
        sides, _ = ndimage.label(whole & ~drawn)  # by four neighbours, so that a diagonal line parts, too
        parts = _without_crumbs(sides, whole)
        if parts.max() < 2:  # the line ends within the object: the model knows where it would go on
            parts = _parts_of(whole, np.where(whole, proposed, 0))
        if parts.max() < 2:
            continue
        # All of the object goes to its parts, the pixels of the line to the nearest one.
        parts = np.where(whole, expand_labels(parts, distance=max(whole.shape)), 0)
        order = np.argsort(-np.bincount(parts.ravel())[1:], kind="stable") + 1
        for part in order[1:]:
            after[parts == part] = fresh
            fresh += 1
    return after


def _touched(before: _Labels, drawn: _Mask, locked: Collection[int]) -> NDArray[np.int64]:
    under = np.unique(before[drawn & (before > 0)]).astype(np.int64)
    return under[~np.isin(under, np.asarray(list(locked), dtype=np.int64))]


def _in_one_piece(mask: _Mask, drawn: _Mask) -> _Mask:
    """Return what of a mask hangs together with the stroke."""
    pieces, _ = ndimage.label(mask, structure=_NEIGHBOURS)
    return np.isin(pieces, np.unique(pieces[drawn & mask])) & mask


def _parts_of(whole: _Mask, proposed: _Labels) -> NDArray[np.int64]:
    """Return the proposed parts of an object, numbered from 1, without crumbs."""
    labels = np.unique(proposed[proposed > 0])
    numbered = np.searchsorted(labels, proposed) + 1
    return _without_crumbs(np.where(proposed > 0, numbered, 0), whole)


def _without_crumbs(parts: NDArray[np.int64], whole: _Mask) -> NDArray[np.int64]:
    sizes = np.bincount(parts.ravel())
    keep = sizes >= _LEAST_PART * np.count_nonzero(whole)
    keep[0] = False
    return np.where(keep, np.cumsum(keep), 0)[parts]
