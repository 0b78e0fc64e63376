"""Tests of `viewer.corrections.ways`."""

from __future__ import annotations

import numpy as np

from napari_microdiff.viewer.corrections.ways import Ways

_WHOLE = np.array([[0, 1, 1, 1, 1, 0, 2]])
_FIRST = np.array([[0, 1, 1, 3, 3, 0, 2]])
_SECOND = np.array([[0, 1, 4, 3, 3, 0, 2]])


def _ways() -> tuple[Ways, np.ndarray]:
    """Return two ways and the labels that they are for, in a larger image."""
    labels = np.zeros((3, 9), dtype=np.int64)
    labels[1:2, 1:8] = _WHOLE
    return Ways(((1, 2), (1, 8)), _WHOLE, (_FIRST, _SECOND)), labels


def _take(ways: Ways, labels: np.ndarray, selected: int | None = 1) -> bool:
    change = ways.next(labels, selected)
    if change is None:
        return False
    np.testing.assert_array_equal(labels[1:2, 1:8], change.before)
    labels[1:2, 1:8] = change.after
    return True


def test_ways_come_one_after_the_other_and_then_the_whole() -> None:
    ways, labels = _ways()
    for expected, words in (
        (_FIRST, "In 2 parts, way 1 of 2"),
        (_SECOND, "In 3 parts, way 2 of 2"),
        (_WHOLE, "One object again"),
        (_FIRST, "way 1 of 2"),
    ):
        assert _take(ways, labels)
        np.testing.assert_array_equal(labels[1:2, 1:8], expected)
        assert words in ways.words()


def test_any_part_may_be_selected_but_not_a_neighbour() -> None:
    ways, labels = _ways()
    assert not _take(ways, labels, selected=2)
    assert not _take(ways, labels, selected=None)
    assert _take(ways, labels)
    assert _take(ways, labels, selected=3)


def test_labels_that_were_edited_are_left_alone() -> None:
    ways, labels = _ways()
    labels[1, 3] = 7
    assert not _take(ways, labels)


def test_a_way_that_was_refused_comes_again() -> None:
    ways, labels = _ways()
    assert ways.next(labels, 1) is not None
    ways.refused()
    assert _take(ways, labels)
    np.testing.assert_array_equal(labels[1:2, 1:8], _FIRST)


def test_without_a_way_there_is_no_change() -> None:
    ways = Ways(((0, 1), (0, 7)), _WHOLE, ())
    assert not ways.found
    assert ways.next(_WHOLE, 1) is None
