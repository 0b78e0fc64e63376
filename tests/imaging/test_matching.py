from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.optimize import linear_sum_assignment

from napari_microdiff.imaging.matching import Match, dice, match, match_all, overlaps, panoptic_quality

TRUTH = np.zeros((8, 12), dtype=int)
TRUTH[1:5, 1:5], TRUTH[1:5, 6:10] = 4, 9


def test_a_perfect_result() -> None:
    found = np.where(TRUTH == 4, 7, np.where(TRUTH == 9, 2, 0))
    assert match_all(TRUTH, found, [0.5, 0.95]) == [Match(2, 0, 0)] * 2
    assert dice(TRUTH, found) == 1


def test_overlap_is_intersection_over_union() -> None:
    found = np.zeros_like(TRUTH)
    found[1:5, 2:6] = 1  # 12 of 20 pixels in common with the first
    compared = overlaps(TRUTH, found)
    assert compared.true_ids.tolist() == [4, 9]
    np.testing.assert_allclose(compared.iou, [12 / 20])
    assert (compared.rows.tolist(), compared.columns.tolist()) == ([0], [0])
    np.testing.assert_allclose(compared.best(), [12 / 20, 0])
    assert match(compared, 0.6) == Match(1, 0, 1)
    assert match(compared, 0.61) == Match(0, 1, 2)
    assert dice(TRUTH, found) == pytest.approx(2 * 12 / (16 + 32))


def test_a_merge_counts_as_one_invented_and_two_missed() -> None:
    merged = (TRUTH > 0).astype(int)
    merged[1:5, 5] = 1
    merge = match_all(TRUTH, merged, [0.5])[0]
    assert merge == Match(0, 1, 2)
    assert merge.average_precision == 0


def test_low_thresholds_pair_as_many_as_can_be() -> None:
    truth, found = np.zeros((1, 12), int), np.zeros((1, 12), int)
    truth[0, :6], truth[0, 6:] = 1, 2
    found[0, 2:9], found[0, :2] = 1, 2  # the first found one overlaps both true ones, the second only the first
    assert match_all(truth, found, [0.2])[0] == Match(2, 0, 0)


def test_counts_add_up_over_images() -> None:
    assert Match(1, 2, 3) + Match(1, 0, 0) == Match(2, 2, 3)
    assert Match(0, 0, 0).average_precision == 1
    assert Match(2, 1, 1).average_precision == 0.5


def test_nothing_and_nothing() -> None:
    empty = np.zeros((4, 4), int)
    assert match_all(empty, empty, [0.5]) == [Match(0, 0, 0)]
    assert match_all(empty, np.ones((4, 4), int), [0.5]) == [Match(0, 1, 0)]
    assert dice(empty, empty) == 1


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        overlaps(TRUTH, TRUTH[1:])


@given(arrays.arrays(np.uint8, (6, 7), elements=st.integers(0, 4)), st.sampled_from([0.1, 0.5, 0.7]))
def test_counts_are_those_of_the_objects(labels: np.ndarray, threshold: float) -> None:
    other = np.roll(labels, 1, axis=1)
    found = match_all(labels, other, [threshold])[0]
    assert found.true_positives + found.false_negatives == len(np.unique(labels[labels > 0]))
    assert found.true_positives + found.false_positives == len(np.unique(other[other > 0]))


FEW = arrays.arrays(np.uint8, (5, 6), elements=st.integers(0, 4))


@given(FEW, FEW)
def test_pairs_are_as_many_and_as_good_as_any(truth: np.ndarray, found: np.ndarray) -> None:
    compared = overlaps(truth, found)
    dense = np.zeros((len(compared.true_ids), len(compared.found_ids)))
    dense[compared.rows, compared.columns] = compared.iou
    pairs = compared.pairs(0.15)
    rows, columns = compared.rows[pairs], compared.columns[pairs]
    assert len(set(rows.tolist())) == len(set(columns.tolist())) == len(pairs)
    worth = np.where(dense >= 0.15, 1 + dense / 100, 0)
    best = worth[linear_sum_assignment(worth, maximize=True)]
    assert len(pairs) == int((best > 0).sum())
    assert float(dense[rows, columns].sum()) == pytest.approx(float((100 * (best[best > 0] - 1)).sum()))


def test_very_many_objects_need_no_table_of_all_pairs() -> None:
    labels = np.arange(1, 300 * 300 + 1).reshape(300, 300).repeat(2, axis=0)
    assert match_all(labels, labels, [0.3, 0.9]) == [Match(90_000, 0, 0)] * 2


def test_panoptic_quality_counts_objects_and_how_well_they_came_back() -> None:
    assert panoptic_quality(TRUTH, TRUTH) == 1
    nothing = np.zeros_like(TRUTH)
    assert panoptic_quality(nothing, nothing) == 1
    assert panoptic_quality(TRUTH, nothing) == panoptic_quality(nothing, TRUTH) == 0
    found = np.zeros_like(TRUTH)
    found[1:5, 2:6] = 1  # 12 of 20 pixels in common with the first of two
    assert panoptic_quality(TRUTH, found) == pytest.approx(12 / 20 / 1.5)


def test_half_an_overlap_is_no_pair_for_panoptic_quality() -> None:
    half = np.where(TRUTH == 4, 4, 0)
    half[1:5, 1:3] = 0  # 8 of 16 pixels
    assert panoptic_quality(TRUTH, half) == 0
