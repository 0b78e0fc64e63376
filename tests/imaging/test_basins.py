"""Landscapes are parted as filling low bumps would part them, which scikit-image does pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as connected
from skimage.morphology import local_maxima, reconstruction

from napari_microdiff.imaging.basins import highest_in, part_into_basins


def along(*heights: float) -> NDArray[np.float32]:
    """Return a landscape of one row."""
    return np.array([heights], dtype=np.float32)


def parts_of(heights: NDArray[np.float32], bump: float) -> list[list[int]]:
    """Return the columns of each part of one row, from left to right."""
    (row,) = part_into_basins(heights, heights > 0, bump)
    return [np.flatnonzero(row == number).tolist() for number in dict.fromkeys(row[row > 0].tolist())]


@pytest.mark.parametrize(
    ("bump", "expected"),
    [
        (0.5, [[0, 1, 2], [3, 4], [6]]),
        (1.5, [[0, 1, 2, 3, 4], [6]]),  # 3 rises 1 above the pass to 4
        (5.0, [[0, 1, 2, 3, 4], [6]]),  # what lies alone stays a part, however low it is
    ],
)
def test_a_peak_has_to_rise_above_the_pass_to_a_higher_one(bump: float, expected: list[list[int]]) -> None:
    assert parts_of(along(1, 4, 2, 3, 1, -1, 1), bump) == expected


def test_a_low_peak_belongs_where_the_pass_is_higher() -> None:
    heights = along(9, 1, 3, 2, 8)
    assert parts_of(heights, 2.0) == [[0, 1], [2, 3, 4]]
    assert parts_of(heights, 0.5) == [[0, 1], [2], [3, 4]]


def test_two_low_peaks_are_one_part() -> None:
    assert parts_of(along(1, 2, 1.5, 2, 1), 1.0) == [[0, 1, 2, 3, 4]]
    assert parts_of(along(1, 1, 1), 1.0) == [[0, 1, 2]]


def test_corners_touch_and_nothing_has_no_part() -> None:
    corner = np.array([[2, -1], [-1, 3]], dtype=np.float32)
    assert np.unique(part_into_basins(corner, corner > 0, 4.0)).size == 2
    assert not part_into_basins(corner, np.zeros((2, 2), dtype=bool), 1.0).any()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.8, 5), st.floats(0.02, 1), st.booleans())
def test_parts_are_those_of_the_filled_landscape(seed: int, smooth: float, bump: float, in_steps: bool) -> None:
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal(rng.integers(20, 90, 2)), smooth)
    field /= field.std()
    height = (np.round(8 * field) / 8 if in_steps else field).astype(np.float32)
    inside = height > 0
    height[~inside] = -1
    bump = float(np.float32(np.round(8 * bump) / 8 + 1 / 16 if in_steps else bump))
    filled = np.pad(reconstruction(height - np.float32(bump), height), 1, constant_values=-99)
    tops = connected(local_maxima(filled)[1:-1, 1:-1] & inside, connectivity=2)
    found = part_into_basins(height, inside, bump)
    np.testing.assert_array_equal(found > 0, inside)
    under = [np.unique(found[tops == number]) for number in range(1, tops.max() + 1)]
    assert all(parts.size == 1 for parts in under)  # each top is in one part, and each part has one
    assert sorted(int(parts[0]) for parts in under) == np.unique(found[inside]).tolist()


@given(st.lists(st.tuples(st.integers(0, 6), st.floats(-9, 9, width=32)), min_size=1, max_size=40))
def test_the_highest_value_under_each_label(pixels: list[tuple[int, float]]) -> None:
    labels, values = (np.array(column) for column in zip(*pixels, strict=True))
    highest = highest_in(labels, values.astype(np.float32))
    assert len(highest) == labels.max() + 1
    for label, value in enumerate(highest):
        here = values[labels == label]
        assert value == (here.max() if here.size else -np.inf)
