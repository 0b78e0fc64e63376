"""A simulated user: what is wrong in a segmentation, what a person would draw to put it right, and whether it did.

A *merge* is a found object that covers more than half of several true ones. One stroke parts one of these from the
others, so that a merge of three takes two strokes and counts twice. A *split* is a true object with several found ones
that lie mostly in it. A *miss* is a true object with hardly anything found in it. True objects of less than half the
usual diameter, often fragments, are left as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from common import Image
from scipy import ndimage
from skimage.graph import route_through_array

from napari_microdiff.engine.options import Stroke
from napari_microdiff.imaging.matching import overlaps

KINDS = ("merge", "split", "miss")
MATCHED = 0.5  # overlap (IoU) from which on an object is right
TREMOR = 0.03  # standard deviation of where a hand draws, in diameters: 0.7 pixels for objects of 24
_MOSTLY = 0.5  # of an area
_PART = 0.1  # of the area of a true object; what is found of it below is a crumb
_NOTHING = 0.2  # of the area of a true object; one of which less was found is missed
_LEAST = 0.5  # of the median diameter; what is smaller is not worth a stroke
_OVERSHOOT = 2.0  # pixels that a cut goes on beyond the objects
_STEP = 4  # pixels between the corners of a line
_AROUND = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class Mistake:
    """Something that one stroke should put right.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    true : tuple of int
        True objects that are to be right afterwards.
    found : tuple of int
        Found objects that are wrong; none for a miss.
    others : tuple of int
        True objects that the first one is to be parted from; of a merge only.
    """

    kind: str
    true: tuple[int, ...]
    found: tuple[int, ...] = ()
    others: tuple[int, ...] = ()


def mistakes(truth: Image, found: Image) -> list[Mistake]:
    """Find all merges, splits and misses."""
    shared = _shared(truth, found)
    sizes = shared.sum(axis=1)
    there = sizes[1:][sizes[1:] > 0]
    worth = sizes >= _LEAST**2 * np.median(there) if there.size else np.zeros(len(sizes), dtype=bool)
    worth &= (np.arange(len(sizes)) > 0) & (sizes > 0)
    return [*_merges(truth, found, shared, worth), *_splits(shared, worth), *_misses(shared, worth)]


def _shared(truth: Image, found: Image) -> Image:
    """Return how many pixels each true (row) and each found object have in common; 0 is the background."""
    shape = (int(truth.max(initial=0)) + 1, int(found.max(initial=0)) + 1)
    places = np.ravel_multi_index((truth.ravel(), found.ravel()), shape)
    return np.bincount(places, minlength=shape[0] * shape[1]).reshape(shape)


def _merges(truth: Image, found: Image, shared: Image, worth: Image) -> Iterator[Mistake]:
    covers = (shared > _MOSTLY * shared.sum(axis=1, keepdims=True)) & worth[:, None]
    for label in range(1, shared.shape[1]):
        left = np.flatnonzero(covers[:, label]).tolist()
        while len(left) > 1:
            part = min(left, key=lambda one: _ease(truth, found == label, one, left))
            left.remove(part)
            concerned = (part, *left) if len(left) == 1 else (part,)
            yield Mistake("merge", concerned, (label,), tuple(left))


def _ease(truth: Image, within: Image, one: int, group: Sequence[int]) -> tuple[int, int]:
    """Return a small number for an object at the rim of a group, which one line parts from all others."""
    line = contact(truth, one, [other for other in group if other != one], within)
    return ndimage.label(line, _AROUND)[1], np.count_nonzero(truth == one)


def _splits(shared: Image, worth: Image) -> Iterator[Mistake]:
    for label in np.flatnonzero(worth).tolist():
        parts = _parts(shared, label)
        if len(parts) > 1:
            yield Mistake("split", (label,), parts)


def _parts(shared: Image, label: int) -> tuple[int, ...]:
    """Return the found objects that lie mostly in a true one."""
    inside = shared[label]
    lie = (inside > _MOSTLY * shared.sum(axis=0)) & (inside >= max(1, _PART * inside.sum()))
    return tuple(int(part) for part in np.flatnonzero(lie) if part > 0)


def _misses(shared: Image, worth: Image) -> Iterator[Mistake]:
    missed = worth & (shared[:, 1:].sum(axis=1) < _NOTHING * shared.sum(axis=1))
    yield from (Mistake("miss", (label,)) for label in np.flatnonzero(missed).tolist())


def matched(truth: Image, labels: Image) -> set[int]:
    """Return the true objects that have a found one to themselves."""
    compared = overlaps(truth, labels)
    return set(compared.true_ids[compared.rows[compared.pairs(MATCHED)]].tolist())


def is_right(mistake: Mistake, truth: Image, labels: Image) -> bool:
    """Tell whether each true object concerned is matched, and a split one has only one part left."""
    right = matched(truth, labels).issuperset(mistake.true)
    return right and (mistake.kind != "split" or len(_parts(_shared(truth, labels), mistake.true[0])) == 1)


def accepted(found: Image, wrong: Collection[Mistake], share: float, rng: np.random.Generator) -> tuple[int, ...]:
    """Draw the objects that the user has looked at and wants to keep: a share of those without a mistake."""
    concerned = {label for mistake in wrong for label in mistake.found}
    rest = [int(label) for label in np.unique(found) if label > 0 and label not in concerned]
    return tuple(sorted(rng.choice(rest, round(share * len(rest)), replace=False).tolist())) if rest else ()


def stroke_for(mistake: Mistake, truth: Image, found: Image, diameter: float, rng: np.random.Generator) -> Stroke:
    """Draw what a person would: a cut along a contact, a line through the parts, or one inside what was missed."""
    if mistake.kind == "merge":
        corners = _cut(truth, mistake.true[0], mistake.others, found == mistake.found[0])
    elif mistake.kind == "split":
        corners = _through([(truth == mistake.true[0]) & (found == part) for part in mistake.found])
    else:
        corners = _inside((truth == mistake.true[0]) & (found == 0))
    tremor = TREMOR * diameter
    corners = corners + tremor * rng.standard_normal(2) + tremor / 2 * rng.standard_normal(corners.shape)
    corners = np.clip(corners, 0, np.array(truth.shape) - 1)
    kind = "cut" if mistake.kind == "merge" else "object"
    return Stroke(kind=kind, points=tuple((float(y), float(x)) for y, x in corners))


def contact(truth: Image, one: int, others: Sequence[int], within: Image) -> Image:
    """Return the pixels of a region where it is as far to one true object as to the others: a mask, a pixel wide."""
    near = ndimage.distance_transform_edt(truth != one) <= ndimage.distance_transform_edt(~np.isin(truth, others))
    return within & near & ndimage.binary_dilation(within & ~near)


def _largest(mask: Image) -> Image:
    pieces, _ = ndimage.label(mask, _AROUND)
    return pieces == np.argmax(np.bincount(pieces.ravel())[1:]) + 1


def _path(line: Image) -> Image:
    """Return the corners of a line from one end of a mask to the other, without the steps of the pixels."""
    places = np.argwhere(line)
    start = _farthest(places, places[0])
    stop = _farthest(places, start)
    path, _ = route_through_array(np.where(line, 1.0, 1000.0), start, stop)
    smooth = ndimage.gaussian_filter1d(np.array(path, dtype=float), 2.0, axis=0, mode="nearest")
    return smooth[np.unique(np.linspace(0, len(smooth) - 1, max(2, len(smooth) // _STEP)).round().astype(int))]


def _farthest(places: Image, origin: Image) -> Image:
    return places[np.argmax(((places - origin) ** 2).sum(axis=1))]


def _cut(truth: Image, one: int, others: Sequence[int], within: Image) -> Image:
    """Return a line along a contact that goes on a little at both ends; nobody stops exactly at the border."""
    corners = _path(_largest(contact(truth, one, others, within)))
    if len(corners) < 2:  # they touch at a point: the line runs across from one to the others
        y, x = _middle(truth == one) - _middle(np.isin(truth, others))
        corners = corners + np.outer([-0.5, 0.5], [-x, y]) / max(np.hypot(y, x), 1e-9)
    first, last = corners[0] - corners[1], corners[-1] - corners[-2]
    ends = [_OVERSHOOT * end / max(np.linalg.norm(end), 1e-9) for end in (first, last)]
    return np.concatenate([[corners[0] + ends[0]], corners, [corners[-1] + ends[1]]])


def _middle(mask: Image) -> Image:
    return np.argwhere(mask).mean(axis=0)


def _through(parts: Sequence[Image]) -> Image:
    """Return a line through the deepest places of parts, in their order along the whole."""
    middles = np.array([_deepest(part) for part in parts], dtype=float)
    along = (middles - middles.mean(axis=0)) @ _direction(np.logical_or.reduce(parts))
    return middles[np.argsort(along)]


def _inside(mask: Image) -> Image:
    """Return a short line along an object, through its deepest place."""
    middle, half = _deepest(mask), 0.3 * 2 * np.sqrt(np.count_nonzero(mask) / np.pi) * _direction(mask)
    for _ in range(8):
        corners = np.clip(np.stack([middle - half, middle + half]), 0, np.array(mask.shape) - 1)
        if mask[tuple(corners.round().astype(int).T)].all():
            return corners
        half = 0.7 * half
    return np.array([middle], dtype=float)


def _deepest(mask: Image) -> Image:
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return np.array(np.unravel_index(np.argmax(depth), mask.shape))


def _direction(mask: Image) -> Image:
    """Return the direction in which an object is longest, of length 1."""
    places = np.argwhere(mask) - _middle(mask)
    return np.linalg.eigh(places.T @ places)[1][:, -1]
