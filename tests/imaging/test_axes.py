"""Axes are guessed as documented, refused with a reason, and walked over plane by plane without loss."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_microdiff.errors import ImageError, RequestError
from napari_microdiff.imaging.axes import (
    check_axes,
    check_region,
    full_region,
    guess_axes,
    planes,
    region_shape,
    region_slices,
)


@pytest.mark.parametrize(
    ("shape", "rgb", "axes"),
    [
        ((512, 512), False, "YX"),
        ((3, 3), False, "YX"),
        ((30, 512, 512), False, "ZYX"),
        ((4, 512, 512), False, "CYX"),
        ((5, 512, 512), False, "ZYX"),
        ((512, 512, 3), False, "ZYX"),
        ((512, 512, 3), True, "YXS"),
        ((512, 512, 4), True, "YXS"),
        ((512, 512, 3), None, "YXS"),
        ((30, 512, 512), None, "ZYX"),
        ((3, 4, 3), None, "CYX"),
        ((20, 64, 64, 3), True, "ZYXS"),
        ((20, 3, 64, 64), False, "ZCYX"),
        ((3, 20, 64, 64), False, "CZYX"),
        ((2, 3, 64, 64), False, "CZYX"),
        ((20, 30, 64, 64), False, "TZYX"),
        ((10, 2, 30, 64, 64), False, "TCZYX"),
        ((10, 30, 2, 64, 64), False, "TZCYX"),
        ((10, 30, 20, 64, 64), False, "TCZYX"),
        ((2, 10, 2, 30, 64, 64), False, "PTCZYX"),
    ],
)
def test_guesses_as_documented(shape, rgb, axes):
    assert guess_axes(shape, rgb=rgb) == axes


@pytest.mark.parametrize(("shape", "rgb"), [((), False), ((9,), False), ((2,) * 7, False), ((9, 3), True), ((), True)])
def test_refuses_to_guess_what_is_no_image(shape, rgb):
    with pytest.raises(ImageError):
        guess_axes(shape, rgb=rgb)


def test_says_what_is_wrong_with_an_rgb_image():
    with pytest.raises(ImageError, match="3 or 4"):
        guess_axes((64, 64, 5), rgb=True)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6))
def test_every_guess_is_valid(shape):
    check_axes(guess_axes(shape), shape)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5), st.sampled_from([3, 4]))
def test_every_rgb_guess_is_valid(shape, samples):
    axes = guess_axes([*shape, samples], rgb=True)
    check_axes(axes, [*shape, samples])
    assert axes[-1] == "S"


@pytest.mark.parametrize(
    ("axes", "shape", "message"),
    [
        ("YX", (4, 5, 6), "3 axes"),
        ("ZYX", (4, 5), "3 letters"),
        ("YYX", (4, 5, 6), "twice"),
        ("QYX", (4, 5, 6), "unknown letters 'Q'"),
        ("zyx", (4, 5, 6), "capitals"),
        ("ZCX", (4, 5, 6), "lack Y or X"),
        ("", (), "lack Y or X"),
        ("YXS", (4, 5, 2), "2 colour samples S.*Name channels C"),
        ("YXS", (4, 5, 5), "5 colour samples S"),
    ],
)
def test_refuses_axes_with_the_reason(axes, shape, message):
    with pytest.raises(RequestError, match=message):
        check_axes(axes, shape)


def test_refuses_an_empty_image():
    with pytest.raises(ImageError, match="empty"):
        check_axes("ZYX", (0, 5, 6))


@pytest.mark.parametrize("region", [((0, 4),), ((0, 4), (2, 2)), ((0, 4), (3, 2)), ((-1, 4), (0, 5)), ((0, 4), (0, 6))])
def test_refuses_a_region_outside_the_image(region):
    with pytest.raises(RequestError):
        check_region(region, (4, 5))
    with pytest.raises(RequestError):
        planes("YX", (4, 5), region)


@st.composite
def images(draw):
    """Axes in any order with a shape and a region inside it."""
    others = draw(st.lists(st.sampled_from("PTCZS"), unique=True, max_size=3))
    axes = "".join(draw(st.permutations([*others, "Y", "X"])))
    shape = tuple(draw(st.integers(3, 4) if letter == "S" else st.integers(1, 6)) for letter in axes)
    starts = [draw(st.integers(0, n - 1)) for n in shape]
    region = tuple((a, draw(st.integers(a + 1, n))) for a, n in zip(starts, shape, strict=True))
    return axes, shape, region


@given(images())
def test_planes_cover_the_region_once(image):
    axes, shape, region = image
    visits = np.zeros(shape, int)
    walk = planes(axes, shape, region)
    for index in walk:
        assert visits[index].ndim == 2
        assert all(isinstance(i, slice) == (letter in "YX") for i, letter in zip(index, axes, strict=True))
        visits[index] += 1
    expected = np.zeros(shape, int)
    expected[region_slices(region)] = 1
    np.testing.assert_array_equal(visits, expected)
    assert region_shape(region) == visits[region_slices(region)].shape
    assert (
        len(walk)
        == len(list(walk))
        == np.prod([n for n, a in zip(region_shape(region), axes, strict=True) if a not in "YX"])
    )


@given(images())
def test_the_full_region_is_the_whole_image(image):
    axes, shape, _ = image
    assert region_shape(full_region(shape)) == shape
    assert list(planes(axes, shape)) == list(planes(axes, shape, full_region(shape)))


def test_the_planes_of_an_rgb_image_are_its_colours():
    image = np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3)
    found = [image[index] for index in planes("ZYXS", image.shape)]
    assert len(found) == 6
    np.testing.assert_array_equal(found[4], image[1, :, :, 1])


def test_planes_keep_the_order_of_the_array():
    image = np.arange(24).reshape(2, 3, 4)
    for axes in map("".join, permutations("ZYX")):
        fixed = axes.index("Z")
        for number, index in enumerate(planes(axes, image.shape)):
            np.testing.assert_array_equal(image[index], np.take(image, number, axis=fixed))
