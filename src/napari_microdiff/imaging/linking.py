"""From objects in each slice of a stack to objects in space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .matching import overlaps

LEAST_OVERLAP = 0.25  # intersection over union of one object in two slices
WAIST = 0.9  # of the light on either side of it; with less, objects that lie on each other stay one
_LEAST_SLICES = 3  # on either side of a waist

_Chain = list[tuple[int, int]]  # slice and label of an object in each slice that it is in


def link_slices(
    stack: NDArray[np.integer], mass: NDArray[np.floating] | None = None, least: float = LEAST_OVERLAP
) -> NDArray[np.int32]:
    """Give objects that lie on each other in consecutive slices the same number.

    Each object continues in at most one object of the next slice, so that what touches on one slice and not on the
    next does not grow together; of all such pairings the one with most overlap is taken. Objects that lie on each other
    overlap, too, but what is seen of them has a waist where one ends and the next begins: there they are parted.

    Parameters
    ----------
    stack : ndarray, shape (z, y, x)
        Labels, each slice numbered on its own.
    mass : ndarray, shape (largest label + 1,)
        Brightness of each object above the background, summed over its pixels; labels then differ in all slices.
        ``None`` parts nothing.
    least : float
        Intersection over union from which on two outlines may be one object.

    Returns
    -------
    ndarray of int32, shape (z, y, x)
        Numbered from 1 in the order in which objects begin.
    """
    chains: list[_Chain] = []
    before: dict[int, int] = {}  # the chain of each label
    for z, plane in enumerate(stack):
        present = np.unique(plane)
        continued = _continued(stack[z - 1], plane, least) if z else {}
        now: dict[int, int] = {}
        for label in present[present > 0].tolist():
            now[label] = before[continued[label]] if label in continued else len(chains)
            if label not in continued:
                chains.append([])
            chains[now[label]].append((z, label))
        before = now
    if mass is not None:
        chains = sorted(part for chain in chains for part in _parted(chain, mass))
    return _numbered(stack, chains)


def _parted(chain: _Chain, mass: NDArray[np.floating]) -> list[_Chain]:
    """Part a chain at its narrowest waist, and its parts in turn."""
    inner = slice(_LEAST_SLICES, len(chain) - _LEAST_SLICES)
    light = np.pad(mass[[label for _, label in chain]], 1, mode="edge")
    profile = light[:-2] / 4 + light[1:-1] / 2 + light[2:] / 4  # how an outline comes out differs from slice to slice
    up, down = np.maximum.accumulate(profile), np.maximum.accumulate(profile[::-1])[::-1]
    slim = profile[inner] / np.maximum(np.minimum(up, down)[inner], np.finfo(float).tiny)
    if not slim.size or slim.min() >= WAIST:
        return [chain]
    place = _LEAST_SLICES + int(slim.argmin())
    return [*_parted(chain[:place], mass), *_parted(chain[place:], mass)]


def _numbered(stack: NDArray[np.integer], chains: list[_Chain]) -> NDArray[np.int32]:
    linked = np.zeros(stack.shape, dtype=np.int32)
    tables = [np.zeros(int(plane.max(initial=0)) + 1, dtype=np.int32) for plane in stack]
    for number, chain in enumerate(chains, start=1):
        for z, label in chain:
            tables[z][label] = number
    for plane, found, table in zip(stack, linked, tables, strict=True):
        found[:] = table[plane]
    return linked


def _continued(before: NDArray[np.integer], after: NDArray[np.integer], least: float) -> dict[int, int]:
    """Return, for labels of a slice, the labels of the slice before that they continue."""
    compared = overlaps(before, after)
    pairs = compared.pairs(least)
    labels = compared.found_ids[compared.columns[pairs]], compared.true_ids[compared.rows[pairs]]
    return dict(zip(*(part.tolist() for part in labels), strict=True))
