"""Which objects a label image holds, where they are, and a fingerprint by which each is known again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SLAB = 2**22  # pixels that are looked at in one go
_ODD = np.uint64(0x9E3779B97F4A7C15)  # of Knuth's multiplicative hash, for 64 bits


@dataclass(frozen=True)
class Inventory:
    """Every object of a label image.

    Attributes
    ----------
    labels : ndarray of int64, shape (objects,)
        Ascending, without the background.
    areas : ndarray of int64, shape (objects,)
        Pixels of each.
    prints : ndarray of uint64, shape (objects,)
        Made of the places of its pixels; an object that has the same has not changed.
    first, last : ndarray of int64, shape (objects, axes)
        The box around each; ``last`` lies inside.
    """

    labels: NDArray[np.int64]
    areas: NDArray[np.int64]
    prints: NDArray[np.uint64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def place(self, label: int) -> int | None:
        """Return where in the columns an object is, or None if there is none of this label."""
        found = int(np.searchsorted(self.labels, label))
        return found if found < len(self.labels) and self.labels[found] == label else None

    def box(self, label: int) -> tuple[slice, ...]:
        """Return the box around an object, one slice per axis.

        Raises
        ------
        KeyError
            If there is no such object.
        """
        place = self.place(label)
        if place is None:
            raise KeyError(label)
        pairs = zip(self.first[place].tolist(), self.last[place].tolist(), strict=True)
        return tuple(slice(a, b + 1) for a, b in pairs)


def take_inventory(labels: NDArray[np.integer]) -> Inventory:
    """Look through a label image.

    Parameters
    ----------
    labels : ndarray of int, any shape of one axis or more
        0 is the background; memory beyond it is a small multiple of 2**22 pixels.
    """
    step = max(1, _SLAB * len(labels) // max(1, labels.size)) if len(labels) else 1
    slabs = [_of_slab(labels[start : start + step], start) for start in range(0, len(labels), step)]
    if not slabs:
        slabs = [_of_slab(labels, 0)]
    numbers, which = np.unique(np.concatenate([s.labels for s in slabs]), return_inverse=True)
    areas, prints = np.zeros(len(numbers), np.int64), np.zeros(len(numbers), np.uint64)
    first = np.full((len(numbers), labels.ndim), np.iinfo(np.int64).max)
    last = np.full((len(numbers), labels.ndim), -1)
    np.add.at(areas, which, np.concatenate([s.areas for s in slabs]))
    np.add.at(prints, which, np.concatenate([s.prints for s in slabs]))
    np.minimum.at(first, which, np.concatenate([s.first for s in slabs]))
    np.maximum.at(last, which, np.concatenate([s.last for s in slabs]))
    return Inventory(numbers, areas, prints, first, last)


def _of_slab(labels: NDArray[np.integer], start: int) -> Inventory:
    """Look through what lies from ``start`` on along the first axis."""
    places = np.nonzero(labels)
    numbers, which, areas = np.unique(labels[places].astype(np.int64), return_inverse=True, return_counts=True)
    places = (places[0] + start, *places[1:])
    prints = np.zeros(len(numbers), np.uint64)
    first = np.full((len(numbers), labels.ndim), np.iinfo(np.int64).max)
    last = np.full((len(numbers), labels.ndim), -1)
    np.add.at(prints, which, _hashed(places))
    for axis, along in enumerate(places):
        np.minimum.at(first[:, axis], which, along)
        np.maximum.at(last[:, axis], which, along)
    return Inventory(numbers, areas.astype(np.int64), prints, first, last)


def _hashed(places: tuple[NDArray[np.intp], ...]) -> NDArray[np.uint64]:
    """Return a number for each pixel of which sums hardly ever agree by chance; it wraps around on purpose."""
    mixed = np.zeros(len(places[0]), np.uint64)
    for along in places:
        mixed = (mixed + along.astype(np.uint64) + np.uint64(1)) * _ODD
        mixed ^= mixed >> np.uint64(29)
    return mixed
