from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_microdiff.imaging.linking import link_slices


def disc(y: float, x: float, radius: float) -> np.ndarray:
    yy, xx = np.mgrid[:40, :40]
    return np.hypot(yy - y, xx - x) <= radius


def test_an_object_keeps_its_number_through_the_slices() -> None:
    stack = np.zeros((4, 40, 40), dtype=int)
    for z, label in enumerate((5, 2, 9)):
        stack[z][disc(15 + z, 15, 8)] = label
    stack[2][disc(32, 32, 5)] = 1
    stack[3][disc(32, 33, 5)] = 4
    linked = link_slices(stack)
    assert set(np.unique(linked[stack > 0])) == {1, 2}
    assert (linked[:3][stack[:3] * (np.arange(40) < 25) > 0] == 1).all()
    assert (linked[3][stack[3] > 0] == 2).all()


def test_two_objects_do_not_grow_together_through_one_that_spans_both() -> None:
    stack = np.zeros((3, 40, 40), dtype=int)
    for z in (0, 2):
        stack[z][disc(20, 10, 8)], stack[z][disc(20, 28, 7)] = 1, 2
    stack[1][10:31, 3:36] = 1
    linked = link_slices(stack, least=0.1)
    assert linked[0, 20, 10] != linked[0, 20, 28]
    assert linked[1, 20, 20] == linked[0, 20, 10] == linked[2, 20, 10]
    assert linked[2, 20, 28] == 3


def test_a_gap_ends_an_object() -> None:
    stack = np.zeros((3, 40, 40), dtype=int)
    stack[0][disc(20, 20, 8)] = stack[2][disc(20, 20, 8)] = 1
    assert [int(plane.max()) for plane in link_slices(stack)] == [1, 0, 2]


def _on_each_other(slices: int, waist: float) -> tuple[np.ndarray, np.ndarray]:
    """Two spheres on each other, which overlap where each is seen to share ``waist`` of its light; their light."""
    z = np.arange(2 * slices)
    away = np.minimum(np.abs(z - slices / 2 + 0.5), np.abs(z - 1.5 * slices + 0.5)) / (slices / 2)
    light = np.maximum(1 - away**2, waist)
    stack = np.stack([disc(20, 20, 8) * (number + 1) for number in z])
    return stack, np.concatenate([[0], light])


@pytest.mark.parametrize("slices", [4, 7, 20])
def test_objects_on_each_other_are_parted_at_their_waist(slices: int) -> None:
    stack, light = _on_each_other(slices, 0.6)
    assert link_slices(stack).max() == 1
    parted = link_slices(stack, light)
    assert parted.max() == 2
    np.testing.assert_array_equal(np.unique(parted[: slices * 3 // 4]), [0, 1])
    np.testing.assert_array_equal(np.unique(parted[-(slices * 3 // 4) :]), [0, 2])


def test_what_is_not_slim_or_not_long_is_not_parted() -> None:
    assert link_slices(*_on_each_other(7, 0.95)).max() == 1
    assert link_slices(*_on_each_other(2, 0.3)).max() == 1
    fading = np.concatenate([[0], np.exp(-np.arange(12) / 4)])
    assert link_slices(np.stack([disc(20, 20, 8) * (z + 1) for z in range(12)]), fading).max() == 1


def test_three_on_each_other_are_three() -> None:
    light = np.concatenate([[0], np.tile([0.5, 0.8, 1.0, 1.0, 0.8, 0.5], 3)])
    linked = link_slices(np.stack([disc(20, 20, 8) * (z + 1) for z in range(18)]), light)
    assert linked.max() == 3
    assert (np.diff(linked[:, 20, 20]) >= 0).all()


@given(
    arrays.arrays(
        np.uint8, st.tuples(st.integers(0, 4), st.integers(1, 8), st.integers(1, 8)), elements=st.integers(0, 5)
    )
)
def test_each_slice_keeps_its_objects(stack: np.ndarray) -> None:
    linked = link_slices(stack)
    for plane, found in zip(stack, linked, strict=True):
        pairs = {(int(a), int(b)) for a, b in zip(plane.ravel(), found.ravel(), strict=True)}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        assert all((a == 0) == (b == 0) for a, b in pairs)
    assert sorted(set(linked[linked > 0].tolist())) == list(range(1, int(linked.max(initial=0)) + 1))
