from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import disk, ellipse

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.mask_edits import (
    bend,
    bounding_box,
    common_background,
    copy_beside,
    duplicate,
    grow,
    magnify,
    move,
    remove,
    turn,
)

shifts = st.tuples(st.integers(-30, 30), st.integers(-30, 30))


def three_objects(dtype: type = np.uint16) -> np.ndarray:
    """An ellipse, a disc that touches it on the right, and one that the border cuts."""
    labels = np.zeros((60, 80), dtype)
    labels[ellipse(30, 30, 8.5, 14.5, shape=labels.shape)] = 3
    labels[disk((30, 50), 6, shape=labels.shape)] = 7
    labels[disk((2, 70), 6, shape=labels.shape)] = 9
    return labels


EDITS = {
    "move": lambda labels: move(labels, 3, (5, -4)),
    "turn": lambda labels: turn(labels, 3, 0.7),
    "magnify": lambda labels: magnify(labels, 3, 1.6),
    "shrink": lambda labels: grow(labels, 3, -3),
    "grow": lambda labels: grow(labels, 3, 4),
    "bend": lambda labels: bend(labels, 3, np.random.default_rng(0), strength=0.15),
    "duplicate": lambda labels: duplicate(labels, 3, (14, 10), fresh=4),
    "remove": lambda labels: remove(labels, 3),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_one_object_and_its_box_only(name: str, dtype: type) -> None:
    labels = three_objects(dtype)
    before = labels.copy()
    edit = EDITS[name](labels)
    np.testing.assert_array_equal(labels, before)
    after = edit.applied_to(labels)
    assert after.dtype == dtype
    np.testing.assert_array_equal(after != labels, edit.changed(labels))
    outside = np.ones(labels.shape, bool)
    outside[edit.box] = False
    assert not edit.changed(labels)[outside].any()
    for other in (7, 9):
        np.testing.assert_array_equal(after == other, labels == other)
    assert edit.changed(labels).any()


@given(by=shifts)
def test_what_is_moved_keeps_its_shape_where_there_is_room(by: tuple[int, int]) -> None:
    labels = three_objects()
    moved = {(y + by[0], x + by[1]) for y, x in np.argwhere(labels == 3)}
    room = {(y, x) for y, x in np.argwhere((labels == 0) | (labels == 3))}
    if not moved & room:
        with pytest.raises(ImageError, match="Nothing would be left of object 3"):
            move(labels, 3, by)
        return
    after = move(labels, 3, by).applied_to(labels)
    assert {(y, x) for y, x in np.argwhere(after == 3)} == moved & room


@given(by=shifts)
def test_to_move_back_undoes_a_move_that_met_nothing(by: tuple[int, int]) -> None:
    labels = np.zeros((100, 100), np.int32)
    labels[ellipse(50, 50, 8, 14)] = 2
    there = move(labels, 2, by).applied_to(labels)
    np.testing.assert_array_equal(move(there, 2, (-by[0], -by[1])).applied_to(there), labels)


@pytest.mark.parametrize("by", [-3.0, -1.0, 0.0, 1.0, 4.0])
def test_a_disc_grows_by_as_many_pixels(by: float) -> None:
    labels = np.zeros((61, 61), np.int32)
    labels[disk((30, 30), 12.2)] = 1
    after = grow(labels, 1, by).applied_to(labels)
    reach = np.sqrt(np.count_nonzero(after) / np.pi) - np.sqrt(np.count_nonzero(labels) / np.pi)
    assert reach == pytest.approx(by, abs=0.5)
    if by == 0:
        np.testing.assert_array_equal(after, labels)


def test_an_object_that_the_border_of_the_image_cuts_stays_at_it() -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[0:8, 5:13] = 1
    expected = np.zeros_like(labels)
    expected[0:6, 7:11] = 1
    for turned in range(4):
        after = grow(np.rot90(labels, turned), 1, -2).applied_to(np.rot90(labels, turned))
        np.testing.assert_array_equal(after, np.rot90(expected, turned))
    np.testing.assert_array_equal(grow(np.ones_like(labels), 1, -3).applied_to(np.ones_like(labels)), 1)


def test_an_object_turns_with_the_clock() -> None:
    labels = np.zeros((61, 61), np.int32)
    labels[29:32, 20:41] = 1
    labels[26:35, 36:41] = 1  # its head, on the right
    after = turn(labels, 1, np.pi / 2).applied_to(labels) > 0
    assert after[np.flatnonzero(after.any(axis=1))[-1]].sum() >= 7  # at the bottom


def test_what_is_turned_or_magnified_stays_where_it_is() -> None:
    labels = np.zeros((81, 81), np.int32)
    labels[ellipse(40, 40, 6.5, 15.5)] = 1
    np.testing.assert_array_equal(turn(labels, 1, np.pi / 2).applied_to(labels), labels.T)
    twice = magnify(labels, 1, 2).applied_to(labels)
    assert np.count_nonzero(twice) == pytest.approx(4 * np.count_nonzero(labels), rel=0.08)
    np.testing.assert_allclose(np.argwhere(twice).mean(axis=0), 40, atol=0.6)


@pytest.mark.parametrize("shape", [(4, 16), (3, 3), (1, 20)])
def test_an_object_that_is_turned_again_and_again_does_not_shrink(shape: tuple[int, int]) -> None:
    labels = np.zeros((60, 60), np.int32)
    labels[30 : 30 + shape[0], 20 : 20 + shape[1]] = 1
    area = np.count_nonzero(labels)
    for _ in range(24):
        labels = turn(labels, 1, np.pi / 12).applied_to(labels)
        assert np.count_nonzero(labels) == area


def test_bends_are_as_the_seed_says() -> None:
    labels = three_objects()
    first, again, other = (bend(labels, 3, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.applied_to(labels), again.applied_to(labels))
    assert (first.applied_to(labels) != other.applied_to(labels)).any()


def test_a_copy_is_an_object_of_its_own() -> None:
    labels = three_objects()
    after = duplicate(labels, 3, (18, 0), fresh=10).applied_to(labels)
    assert np.count_nonzero(after == 10) == np.count_nonzero(labels == 3)
    np.testing.assert_array_equal(np.where(after == 10, 0, after), labels)


def test_a_copy_is_laid_where_all_of_it_is_free() -> None:
    labels = three_objects()
    after = copy_beside(labels, 3, fresh=10).applied_to(labels)
    assert np.count_nonzero(after == 10) == np.count_nonzero(labels == 3)
    np.testing.assert_array_equal(np.where(after == 10, 0, after), labels)


def test_where_there_is_little_room_as_much_of_a_copy_is_laid_as_fits() -> None:
    labels = np.full((30, 40), 1, np.int32)
    labels[10:20, 10:20] = 3
    with pytest.raises(ImageError, match="no room beside object 3"):
        copy_beside(labels, 3, fresh=4)
    labels[12:15, 22:26] = 0
    after = copy_beside(labels, 3, fresh=4).applied_to(labels)
    assert np.count_nonzero(after == 4) == 12


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda labels: move(labels, 5, (0, 0)), "no object 5"),
        (lambda labels: remove(labels, 0), "no object 0"),
        (lambda labels: move(labels, 3, (500, 0)), "Nothing would be left"),
        (lambda labels: grow(labels, 3, -20), "Nothing would be left"),
        (lambda labels: magnify(labels, 3, 0), "above 0"),
        (lambda labels: duplicate(labels, 3, (5, 5), fresh=7), "already is an object 7"),
        (lambda labels: duplicate(labels, 3, (5, 5), fresh=256), "do(es)? not fit"),
        (lambda labels: duplicate(labels, 3, (0, 0), fresh=4), "Nothing would be left of object 4"),
    ],
)
def test_what_cannot_be_done_is_said(edit: object, message: str) -> None:
    labels = three_objects(np.uint8)
    before = labels.copy()
    with pytest.raises(ImageError, match=message):
        edit(labels)  # type: ignore[operator]
    np.testing.assert_array_equal(labels, before)


def test_the_box_of_an_object_is_the_smallest() -> None:
    assert bounding_box(three_objects(), 9) == (slice(0, 8), slice(65, 76))


def test_the_common_background_keeps_away_from_the_objects_of_both_masks() -> None:
    before, after = np.zeros((2, 40, 60), int)
    before[20, 10] = after[20, 40] = 5
    kept = common_background(before, after, margin=3)
    y, x = np.mgrid[:40, :60]
    far = np.minimum(np.hypot(y - 20, x - 10), np.hypot(y - 20, x - 40))
    np.testing.assert_array_equal(kept, far > 3)


def test_without_objects_all_is_background() -> None:
    assert common_background(np.zeros((4, 5), int), np.zeros((4, 5), int)).all()


def test_masks_of_different_sizes_have_no_common_background() -> None:
    with pytest.raises(ImageError, match="same size"):
        common_background(np.zeros((4, 5), int), np.zeros((5, 4), int))
