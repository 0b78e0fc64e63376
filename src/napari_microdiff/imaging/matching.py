"""How well found objects match true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array

from .instances import check_labels

_Labels = NDArray[np.generic]


@dataclass(frozen=True)
class Overlaps:
    """Objects of two label images and how much they overlap.

    Attributes
    ----------
    true_ids, found_ids : ndarray of int
        Labels of the objects, ascending.
    iou : ndarray, shape (true objects, found objects)
        Intersection over union.
    """

    true_ids: NDArray[np.int64]
    found_ids: NDArray[np.int64]
    iou: NDArray[np.float64]


@dataclass(frozen=True)
class Match:
    """Objects that were found, invented and missed.

    Attributes
    ----------
    true_positives, false_positives, false_negatives : int
        Matched pairs; found objects without a true one; true objects without a found one.
    """

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def average_precision(self) -> float:
        """``TP / (TP + FP + FN)``; 1 where there is nothing and nothing was found."""
        total = self.true_positives + self.false_positives + self.false_negatives
        return self.true_positives / total if total else 1.0

    def __add__(self, other: Match) -> Match:
        """Count the objects of two images together."""
        return Match(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
        )


def overlaps(truth: _Labels, found: _Labels) -> Overlaps:
    """Compare all objects of two label images.

    Parameters
    ----------
    truth, found : ndarray, shape (y, x)
        Labels; 0 is the background.

    Raises
    ------
    ValueError
        If the shapes differ.
    ImageError
        If they are not label images.
    """
    if truth.shape != found.shape:
        raise ValueError(f"label images of shapes {truth.shape} and {found.shape} cannot be compared")
    true_ids, of_true = np.unique(check_labels(truth), return_inverse=True)
    found_ids, of_found = np.unique(check_labels(found), return_inverse=True)
    ones = np.ones(truth.size)
    shape = (len(true_ids), len(found_ids))
    both = coo_array((ones, (of_true.ravel(), of_found.ravel())), shape=shape).toarray()
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    iou = both / np.maximum(either, 1)
    return Overlaps(true_ids[true_ids > 0], found_ids[found_ids > 0], iou[true_ids > 0][:, found_ids > 0])


def match(found: Overlaps, threshold: float) -> Match:
    """Pair objects one to one, so that as many pairs as possible overlap by at least ``threshold``.

    Parameters
    ----------
    threshold : float
        Least intersection over union of a pair. From 0.5 on no object has two partners to choose from, as long as
        objects do not overlap; below, the assignment is the best one.
    """
    good = found.iou >= threshold
    if threshold > 0.5:
        pairs = int(good.sum())
    else:
        # Most pairs first; among these the ones that overlap most.
        rows, columns = linear_sum_assignment(good + found.iou / (2 * max(good.shape, default=1) or 1), maximize=True)
        pairs = int(good[rows, columns].sum())
    return Match(pairs, len(found.found_ids) - pairs, len(found.true_ids) - pairs)


def match_all(truth: _Labels, found: _Labels, thresholds: Sequence[float]) -> list[Match]:
    """Return the match at each threshold; see `overlaps` and `match`."""
    compared = overlaps(truth, found)
    return [match(compared, threshold) for threshold in thresholds]


def dice(truth: _Labels, found: _Labels) -> float:
    """Return the Dice coefficient of the foregrounds; 1 if both are empty."""
    true, seen = (check_labels(part) > 0 for part in (truth, found))
    total = int(true.sum() + seen.sum())
    return float(2 * (true & seen).sum() / total) if total else 1.0
