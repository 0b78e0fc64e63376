"""How well found objects match true ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .instances import check_labels

_Labels = NDArray[np.generic]


@dataclass(frozen=True)
class Overlaps:
    """Objects of two label images and how much they overlap; of pairs that do not there is no mention.

    Attributes
    ----------
    true_ids, found_ids : ndarray of int
        Labels of the objects, ascending.
    rows, columns : ndarray of int
        Places in ``true_ids`` and ``found_ids`` of each pair that overlaps.
    iou : ndarray of float64
        Intersection over union of each of these pairs, above 0.
    """

    true_ids: NDArray[np.int64]
    found_ids: NDArray[np.int64]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    iou: NDArray[np.float64]

    def best(self) -> NDArray[np.float64]:
        """Return for each true object its largest overlap with a found one; 0 for none."""
        largest = np.zeros(len(self.true_ids))
        np.maximum.at(largest, self.rows, self.iou)
        return largest

    def pairs(self, least: float) -> NDArray[np.intp]:
        """Pair objects one to one: most pairs of at least this overlap first, then those that overlap most.

        Returns
        -------
        ndarray of int
            Places in ``rows`` and ``columns`` of the pairs.
        """
        good = np.flatnonzero(self.iou >= least)
        if least > 0.5:  # then no object has two partners to choose from
            return good
        chosen: list[NDArray[np.intp]] = []
        for part in self._neighbourhoods(good):
            rows, row = np.unique(self.rows[part], return_inverse=True)
            columns, column = np.unique(self.columns[part], return_inverse=True)
            worth, place = np.zeros((len(rows), len(columns))), np.full((len(rows), len(columns)), -1)
            worth[row, column] = 1 + self.iou[part] / (2 * max(worth.shape))
            place[row, column] = part
            found = place[linear_sum_assignment(worth, maximize=True)]
            chosen.append(found[found >= 0])
        return np.sort(np.concatenate([np.zeros(0, np.intp), *chosen]))

    def _neighbourhoods(self, pairs: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
        """Yield groups of pairs that share objects, directly or by others, so that each can be solved by itself."""
        count = len(self.true_ids) + len(self.found_ids)
        edges = (np.ones(len(pairs)), (self.rows[pairs], len(self.true_ids) + self.columns[pairs]))
        _, group = connected_components(coo_array(edges, shape=(count, count)), directed=False)
        of_pair = group[self.rows[pairs]]
        order = np.argsort(of_pair, kind="stable")
        ends = np.flatnonzero(np.diff(of_pair[order])) + 1
        yield from (part for part in np.split(pairs[order], ends) if part.size)


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
    pairs, shared = np.unique(of_true.ravel() * len(found_ids) + of_found.ravel(), return_counts=True)
    rows, columns = np.divmod(pairs, max(len(found_ids), 1))
    either = np.bincount(of_true.ravel())[rows] + np.bincount(of_found.ravel())[columns] - shared if shared.size else 1
    objects = (true_ids[rows] > 0) & (found_ids[columns] > 0)
    backgrounds = (int((true_ids == 0).any()), int((found_ids == 0).any()))
    return Overlaps(
        true_ids[true_ids > 0],
        found_ids[found_ids > 0],
        rows[objects] - backgrounds[0],
        columns[objects] - backgrounds[1],
        (shared / either)[objects],
    )


def match(found: Overlaps, threshold: float) -> Match:
    """Pair objects one to one, so that as many pairs as possible overlap by at least ``threshold``.

    Parameters
    ----------
    threshold : float
        Least intersection over union of a pair. Above 0.5 no object has two partners to choose from; up to it, the
        assignment is the best one.
    """
    pairs = len(found.pairs(threshold))
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


def panoptic_quality(truth: _Labels, found: _Labels) -> float:
    """Return the panoptic quality of one class of objects (Kirillov et al. 2019, arXiv:1801.00868).

    The sum of the overlaps of all pairs of more than a half, over ``TP + FP / 2 + FN / 2``: how many objects came back
    and how well, in one number. 1 where there is nothing and nothing was found.
    """
    compared = overlaps(truth, found)
    total = (len(compared.true_ids) + len(compared.found_ids)) / 2
    return float(compared.iou[compared.iou > 0.5].sum() / total) if total else 1.0
