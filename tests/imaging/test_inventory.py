from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_microdiff.imaging import inventory
from napari_microdiff.imaging.inventory import take_inventory

SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=7)


@given(arrays.arrays(np.int32, SHAPES, elements=st.integers(0, 4)))
def test_areas_and_boxes_are_those_of_the_pixels(labels: np.ndarray) -> None:
    found = take_inventory(labels)
    present = np.unique(labels[labels > 0])
    assert found.labels.tolist() == present.tolist()
    for label, area in zip(found.labels.tolist(), found.areas.tolist(), strict=True):
        assert area == np.count_nonzero(labels == label)
        box = found.box(label)
        assert np.count_nonzero(labels[box] == label) == area
        assert all(np.any(np.take(labels[box] == label, [0, -1], axis=axis)) for axis in range(labels.ndim))


@given(arrays.arrays(np.int32, st.just((6, 5, 4)), elements=st.integers(0, 3)), st.integers(1, 40))
def test_slabs_change_nothing(labels: np.ndarray, slab: int) -> None:
    whole = take_inventory(labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inventory, "_SLAB", slab)
        parts = take_inventory(labels)
    for name in ("labels", "areas", "prints", "first", "last"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_a_print_tells_any_other_place_and_stays_with_the_object() -> None:
    labels = np.zeros((40, 50), dtype=np.uint16)
    labels[5:9, 7:12] = 3
    here = take_inventory(labels).prints[0]
    prints = {int(take_inventory(np.roll(labels, (y, x), (0, 1))).prints[0]) for y in range(20) for x in range(20)}
    assert len(prints) == 400
    labels[30, 30] = 1  # another object, which comes first
    again = take_inventory(labels)
    place = again.place(3)
    assert place is not None
    assert again.prints[place] == here


def test_what_is_not_there_has_no_box() -> None:
    found = take_inventory(np.zeros((3, 3), dtype=int))
    assert found.place(1) is None
    with pytest.raises(KeyError):
        found.box(1)
