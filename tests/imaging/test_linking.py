from __future__ import annotations

import numpy as np
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
