"""Pixels of a result lie where they should on those of the image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_microdiff.imaging.lattice import Finer, is_oblong, magnified, slice_distance, square_pixel

spans = st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(factor=st.integers(1, 8), region=st.tuples(spans, spans, spans))
def test_cut_pixels_fill_theirs_to_the_corner(factor, region):
    finer = Finer(factor)
    made = finer.region(region, "ZYX")
    assert made[0] == region[0]
    assert made == magnified(region, "ZYX", factor)
    strides = np.array(finer.strides("ZYX"))
    for end, corner in ((0, -0.5), (1, 0.5)):
        pixel = [span[end] - end for span in made]
        theirs = [span[end] - end for span in region]
        at = np.array(finer.centres(pixel, "ZYX")) + corner * strides
        np.testing.assert_allclose(at, np.array(theirs) + corner, atol=1e-9)


@given(factor=st.integers(1, 10), region=st.tuples(spans, spans, spans))
def test_slices_stay_where_they_are_and_others_come_between(factor, region):
    finer = Finer(factor, along="Z", between=True)
    made = finer.region(region, "ZYX")
    (start, stop), (first, last) = region[0], made[0]
    assert made[1:] == region[1:]
    assert last - first == (stop - start - 1) * factor + 1
    for number in range(start, stop):
        assert finer.centres((number * factor, 3, 4), "ZYX") == pytest.approx((number, 3, 4), abs=1e-9)


def test_sizes_are_those_of_the_finer_pixels():
    assert Finer(4).sizes({"Z": 2.0, "Y": 0.4, "X": 0.8}) == pytest.approx({"Z": 2.0, "Y": 0.1, "X": 0.2})
    assert Finer(5, along="Z").sizes({"Z": 2.0, "Y": 0.4}) == pytest.approx({"Z": 0.4, "Y": 0.4})


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"Z": 40, "Y": 8, "X": 8}, 5),
        ({"Z": 40, "Y": 6, "X": 10}, 5),  # between the two
        ({"Z": 0.1, "Y": 1, "X": 1}, 1),
        ({"Y": 8, "X": 8}, None),
        ({"Z": 0, "Y": 8, "X": 8}, None),
    ],
)
def test_the_distance_of_slices_is_told_by_the_size_of_a_voxel(sizes, expected):
    assert slice_distance(sizes) == expected


@pytest.mark.parametrize(
    ("sizes", "side"),
    [
        ({"Y": 0.2, "X": 0.2}, 0.2),
        ({"Z": 1.0, "Y": 0.2, "X": 0.2015}, 0.2),
        ({"Y": 0.2, "X": 0.203}, None),
        ({"Y": 0.2}, None),
        ({"Y": 0.2, "X": 0.0}, None),
        ({}, None),
    ],
)
def test_a_pixel_has_a_side_if_it_is_a_square(sizes, side):
    assert square_pixel(sizes) == side


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"Y": 0.03, "X": 0.01}, True),
        ({"Y": 0.01, "X": 0.03}, True),
        ({"Y": 1.0, "X": 1.021}, True),
        ({"Y": 1.019, "X": 1.0}, False),
        ({"Y": 0.0, "X": 1.0}, False),  # not told
        ({"X": 1.0}, False),
    ],
)
def test_pixels_are_oblong_that_make_no_cubes(sizes, expected):
    assert is_oblong(sizes) == expected
