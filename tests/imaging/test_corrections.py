from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.draw import line

from napari_microdiff.imaging.corrections import cut, joined, parted

SIDE = 40


def disc(y: float, x: float, radius: float = 8) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.hypot(rows - y, columns - x) <= radius


def stroke(*corners: tuple[int, int]) -> NDArray[np.bool_]:
    drawn = np.zeros((SIDE, SIDE), dtype=bool)
    for start, stop in pairwise(corners):
        drawn[line(*start, *stop)] = True
    return drawn


NOTHING = np.zeros((SIDE, SIDE), dtype=np.int32)
LEFT, RIGHT, BELOW = disc(12, 10), disc(12, 27), disc(31, 20, 5)
TWO = (4 * LEFT + 7 * RIGHT + 9 * BELOW).astype(np.int32)
CLUMP = (3 * (disc(20, 14) | disc(20, 26))).astype(np.int32)


def test_a_stroke_over_two_parts_joins_them_and_what_lies_between() -> None:
    drawn = stroke((12, 12), (12, 25))
    after = joined(TWO, NOTHING, drawn, fresh=20, radius=4)
    assert set(np.unique(after)) == {0, 4, 9}
    np.testing.assert_array_equal(after == 4, LEFT | RIGHT | drawn)
    np.testing.assert_array_equal(after == 9, BELOW)


def test_the_joined_object_keeps_the_label_of_its_largest_part() -> None:
    after = joined(TWO, NOTHING, stroke((12, 27), (31, 20)), fresh=20, radius=4)
    assert after[31, 20] == after[12, 27] == 7


def test_what_the_model_sees_under_the_stroke_belongs_to_it() -> None:
    proposed = (2 * (LEFT | RIGHT | disc(12, 18, 6)) + 5 * BELOW).astype(np.int32)
    after = joined(TWO, proposed, stroke((12, 12), (12, 25)), fresh=20, radius=4)
    np.testing.assert_array_equal(after == 4, proposed == 2)
    np.testing.assert_array_equal(after == 9, BELOW)


def test_a_missed_object_is_added_as_the_model_sees_it() -> None:
    before = np.where(RIGHT, 0, TWO)
    after = joined(before, np.where(RIGHT, 1, 0), stroke((12, 26), (12, 28)), fresh=20, radius=4)
    np.testing.assert_array_equal(after == 20, RIGHT)
    np.testing.assert_array_equal(np.where(RIGHT, 0, after), before)


def test_an_object_that_the_model_does_not_see_is_as_wide_as_told() -> None:
    after = joined(NOTHING, NOTHING, stroke((20, 20), (20, 20)), fresh=1, radius=4)
    np.testing.assert_array_equal(after == 1, disc(20, 20, 4))


def test_a_stroke_through_a_clump_parts_it_and_loses_no_pixel() -> None:
    after = cut(CLUMP, NOTHING, stroke((5, 20), (35, 20)), fresh=11)
    assert set(np.unique(after)) == {0, 3, 11}
    np.testing.assert_array_equal(after > 0, CLUMP > 0)
    assert (after[20, 14], after[20, 26]) in {(3, 11), (11, 3)}


@pytest.mark.parametrize("corners", [((8, 8), (32, 32)), ((10, 31), (31, 10))])
def test_a_diagonal_stroke_parts_too(corners: tuple[tuple[int, int], tuple[int, int]]) -> None:
    after = cut(np.where(disc(20, 20, 10), 2, 0), NOTHING, stroke(*corners), fresh=5)
    halves = [np.count_nonzero(after == label) for label in (2, 5)]
    assert min(halves) > 0.4 * sum(halves)


def test_a_stroke_that_ends_inside_asks_the_model() -> None:
    drawn = stroke((14, 20), (18, 20))
    columns = np.arange(SIDE)[None]
    proposed = np.where(CLUMP > 0, 1 + (columns >= 20), 0)
    after = cut(CLUMP, proposed, drawn, fresh=11)
    np.testing.assert_array_equal(after == after[20, 26], (CLUMP > 0) & (columns >= 20))
    np.testing.assert_array_equal(cut(CLUMP, NOTHING, drawn, fresh=11), CLUMP)


def test_a_stroke_across_several_objects_parts_each() -> None:
    after = cut(TWO, NOTHING, stroke((12, 0), (12, 39)), fresh=20)
    assert len(np.unique(after)) == 1 + 5
    np.testing.assert_array_equal(after == 9, BELOW)


_POINT = st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1))


@given(st.lists(_POINT, min_size=2, max_size=4), st.sets(st.sampled_from([4, 7, 9])), st.integers(0, 2**32 - 1))
def test_locked_objects_and_untouched_ones_keep_every_pixel(
    corners: list[tuple[int, int]], locked: set[int], seed: int
) -> None:
    drawn = stroke(*corners)
    rng = np.random.default_rng(seed)
    proposed = np.kron(rng.integers(0, 4, (5, 5)), np.ones((8, 8), int))
    touched = set(np.unique(TWO[drawn])) - {0} - locked
    for after in (
        joined(TWO, proposed, drawn, fresh=20, radius=4, locked=locked),
        cut(TWO, proposed, drawn, fresh=20, locked=locked),
    ):
        for label in {4, 7, 9} - touched:
            np.testing.assert_array_equal(after == label, label == TWO)


def test_a_line_through_an_object_parts_off_even_a_small_piece() -> None:
    y, x = np.mgrid[:60, :80]
    before = ((np.hypot(y - 30, x - 30) <= 20) | (np.hypot(y - 30, x - 53) <= 4)).astype(np.int64)
    drawn = np.zeros(before.shape, dtype=bool)
    drawn[20:41, 50] = True
    after = cut(before, np.zeros_like(before), drawn, fresh=2)
    assert after[30, 55] == 2
    assert after[30, 30] == 1


def test_a_border_that_the_model_sees_far_from_the_stroke_parts_nothing() -> None:
    before = np.zeros((70, 100), dtype=np.int64)
    before[20:40, 10:30], before[41:59, 10:80] = 1, 2
    proposed = before.copy()
    proposed[20:40, 20:30], proposed[41:59, 60:80] = 4, 3
    drawn = np.zeros(before.shape, dtype=bool)
    drawn[18:43, 20] = True
    after = cut(before, proposed, drawn, fresh=5)
    np.testing.assert_array_equal(after == 2, before == 2)
    assert len(np.unique(after[20:40, 10:30])) == 2


def test_a_proposal_that_a_stroke_only_grazes_is_not_what_was_meant() -> None:
    before = np.zeros((60, 60), dtype=np.int64)
    proposed = before.copy()
    proposed[20:24, 10:16] = 1
    drawn = np.zeros(before.shape, dtype=bool)
    drawn[22, 14:40] = True
    after = joined(before, proposed, drawn, fresh=1, radius=6)
    assert (after == 1).sum() > 300
    assert after[22, 39] == 1


def test_parting_keeps_all_pixels_and_the_largest_part_its_label() -> None:
    before = np.zeros((20, 40), dtype=np.int64)
    before[5:15, 5:35] = 3
    proposed = np.zeros_like(before)
    proposed[6:14, 6:24], proposed[6:14, 26:34] = 8, 9
    after = parted(before, proposed, 3, fresh=4)
    assert after is not None
    np.testing.assert_array_equal(after > 0, before > 0)
    assert (after == 3).sum() > (after == 4).sum() > 0
    assert parted(before, before, 3, fresh=4) is None


def test_a_cut_leaves_alone_the_pieces_of_an_object_that_it_does_not_cross() -> None:
    before = np.zeros((40, 60), np.int64)
    before[5:15, 5:15] = before[25:35, 5:15] = 1  # two pieces
    before[5:35, 40:50] = 2
    drawn = np.zeros(before.shape, bool)
    drawn[14, 10:52] = True  # grazes a piece of the first, and parts the second
    after = cut(before, before, drawn, fresh=3)
    np.testing.assert_array_equal(after == 1, before == 1)
    assert set(np.unique(after[before == 2])) == {2, 3}
