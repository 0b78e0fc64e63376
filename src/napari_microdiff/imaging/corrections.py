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
_CRUMB = 9  # pixels; what a line that a hand drew splits off below is one
_FOLLOWED = 0.5  # of a stroke; a proposal that covers less does not show what was meant
_NEAR = 2  # pixels from a stroke within which a border that the model proposes belongs to it
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
    if not touched.size and np.count_nonzero(seen & drawn) < _FOLLOWED * np.count_nonzero(drawn):
        seen |= (ndimage.distance_transform_edt(~drawn) <= radius) & free
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
        for piece in _pieces(before == label, drawn):
            sides, _ = ndimage.label(piece & ~drawn)  # by four neighbours, so that a diagonal line parts, too
            parts = _without_crumbs(sides, _CRUMB)
            if parts.max() < 2:  # the line ends within the object: the model knows where it would go on
                parts = _parts_of(piece, np.where(piece, proposed, 0), drawn)
            if parts.max() < 2:
                continue
            after = _renumbered(after, piece, parts, fresh)
            fresh = max(fresh, int(after.max()) + 1)
    return after


def _pieces(whole: _Mask, drawn: _Mask) -> list[_Mask]:
    """Return the pieces of an object that a stroke crosses; the others were apart before and are not concerned."""
    pieces, _ = ndimage.label(whole, structure=_NEIGHBOURS)
    return [pieces == number for number in np.unique(pieces[drawn & whole])]


def parted(before: _Labels, proposed: _Labels, label: int, *, fresh: int) -> NDArray[np.int64] | None:
    """Part one object as a proposal does.

    Parameters
    ----------
    before, proposed, fresh
        As for `cut`.
    label : int
        The object.

    Returns
    -------
    ndarray of int64, shape (y, x), or None
        Labels of the window afterwards; None if the proposal has no two parts there.
    """
    whole = before == label
    inside = np.where(whole, proposed, 0)
    numbers = np.unique(inside[inside > 0])
    numbered = np.where(inside > 0, np.searchsorted(numbers, inside) + 1, 0)
    parts = _without_crumbs(numbered, _LEAST_PART * np.count_nonzero(whole))
    return None if parts.max() < 2 else _renumbered(before.astype(np.int64), whole, parts, fresh)


def _renumbered(labels: NDArray[np.int64], whole: _Mask, parts: NDArray[np.int64], fresh: int) -> NDArray[np.int64]:
    """Give every pixel of an object to the nearest of its parts; all but the largest get labels of their own."""
    parts = np.where(whole, expand_labels(parts, distance=max(whole.shape)), 0)
    order = np.argsort(-np.bincount(parts.ravel())[1:], kind="stable") + 1
    after = labels.copy()
    for number, part in enumerate(order[1:]):
        after[parts == part] = fresh + number
    return after


def _touched(before: _Labels, drawn: _Mask, locked: Collection[int]) -> NDArray[np.int64]:
    under = np.unique(before[drawn & (before > 0)]).astype(np.int64)
    return under[~np.isin(under, np.asarray(list(locked), dtype=np.int64))]


def _in_one_piece(mask: _Mask, drawn: _Mask) -> _Mask:
    """Return what of a mask hangs together with the stroke."""
    pieces, _ = ndimage.label(mask, structure=_NEIGHBOURS)
    return np.isin(pieces, np.unique(pieces[drawn & mask])) & mask


def _parts_of(whole: _Mask, proposed: _Labels, drawn: _Mask) -> NDArray[np.int64]:
    """Return the proposed parts of an object on either side of a stroke, numbered from 1, without crumbs."""
    beside = np.unique(proposed[ndimage.binary_dilation(drawn, _NEIGHBOURS, iterations=_NEAR)])
    kept = np.where(np.isin(proposed, beside), proposed, 0)
    numbered = np.searchsorted(beside, kept) + 1
    return _without_crumbs(np.where(kept > 0, numbered, 0), _LEAST_PART * np.count_nonzero(whole))


def _without_crumbs(parts: NDArray[np.int64], least: float) -> NDArray[np.int64]:
    sizes = np.bincount(parts.ravel())
    keep = sizes >= least
    keep[0] = False
    return np.where(keep, np.cumsum(keep), 0)[parts]
