"""Outlines enclose the pixels that they were drawn around, no more and no fewer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from napari_microdiff.files.outlines import outlines

masks = arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7)))


def signed_area(corners: NDArray[np.int32]) -> float:
    """Return the area of a polygon (Gauss), positive if it is clockwise where y points down."""
    x, y = corners.T.astype(float)
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def windings(corners: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return how often a polygon goes round each pixel: its upright sides to the left of it, down less up."""
    count = np.zeros(shape, dtype=int)
    for (x, y), (_, end) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        count[min(y, end) : max(y, end), x:] -= int(np.sign(end - y))
    return count


@given(masks)
def test_they_go_round_each_pixel_of_the_mask_once_and_round_no_other(mask: NDArray[np.bool_]) -> None:
    total = sum((windings(part, mask.shape) for part in outlines(mask)), np.zeros(mask.shape, dtype=int))
    np.testing.assert_array_equal(total, mask)


@given(masks)
def test_there_is_one_for_each_piece_and_each_hole(mask: NDArray[np.bool_]) -> None:
    areas = [signed_area(part) for part in outlines(mask)]
    pieces = ndimage.label(mask, np.ones((3, 3)))[1]
    holes = ndimage.label(np.pad(~mask, 1, constant_values=True))[1] - 1
    assert (sum(area > 0 for area in areas), sum(area < 0 for area in areas)) == (pieces, holes)
    assert sum(areas) == mask.sum()


@pytest.mark.parametrize(
    ("mask", "corners"),
    [
        ([[1]], [[0, 0], [1, 0], [1, 1], [0, 1]]),
        ([[1, 1, 1]], [[0, 0], [3, 0], [3, 1], [0, 1]]),
        ([[1, 0], [0, 1]], [[0, 0], [1, 0], [1, 1], [2, 1], [2, 2], [1, 2], [1, 1], [0, 1]]),
    ],
)
def test_only_corners_are_kept(mask: list[list[int]], corners: list[list[int]]) -> None:
    (found,) = outlines(np.array(mask, dtype=bool))
    assert found.tolist() == corners


def test_nothing_has_no_outline() -> None:
    assert outlines(np.zeros((3, 4), dtype=bool)) == []
