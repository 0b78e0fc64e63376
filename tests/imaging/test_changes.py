"""Where two masks differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.changes import MARGIN, around, changed_box, reclassified


@given(arrays(np.int32, (7, 9), elements=st.integers(0, 2)), arrays(np.int32, (7, 9), elements=st.integers(0, 2)))
def test_the_box_holds_all_that_differs_and_is_the_smallest(before: np.ndarray, after: np.ndarray) -> None:
    box = changed_box(before, after)
    places = np.argwhere(before != after)
    if not places.size:
        assert box is None
        return
    assert box == tuple((int(a), int(b) + 1) for a, b in zip(places.min(axis=0), places.max(axis=0), strict=True))


def test_objects_of_another_class_are_other_objects() -> None:
    labels = np.zeros((9, 9), int)
    labels[2:4, 5:8], labels[6:8, 1:3] = 3, 4
    assert changed_box(labels, labels, reclassified({3: 2}, {3: 1, 4: 1})) == ((2, 4), (5, 8))
    assert changed_box(labels, labels, reclassified({3: 2, 4: 1}, {3: 2})) is None


def test_masks_of_other_sizes_are_not_compared() -> None:
    with pytest.raises(ImageError, match="one size"):
        changed_box(np.zeros((3, 3), int), np.zeros((3, 4), int))


def test_planes_are_drawn_whole_only_where_they_changed() -> None:
    assert around(((1, 2), (5, 20), (30, 38)), "ZYX", (4, 64, 40)) == ((1, 2), (0, 20 + MARGIN), (30 - MARGIN, 40))
