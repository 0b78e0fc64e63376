"""Blocks cover small images, are spread over large ones, and read no more than they return."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_microdiff.errors import ImageError, RequestError
from napari_microdiff.imaging.blocks import block_slices, raw_blocks, sample_blocks


class Counting:
    """An array that is too large to exist and counts the pixels that are read."""

    def __init__(self, shape):
        self.shape = shape
        self.dtype = np.dtype(np.uint16)
        self.read = 0
        self.places = []

    def __getitem__(self, index):
        spans = [i for i in index if isinstance(i, slice)]
        shape = tuple(s.stop - s.start for s in spans)
        self.read += int(np.prod(shape))
        self.places.append(tuple(i if isinstance(i, int) else i.start for i in index))
        return np.zeros(shape, np.uint16)


def test_small_planes_are_covered():
    image = np.arange(300 * 200).reshape(300, 200)
    blocks = sample_blocks(image, "YX", count=64, size=128)
    assert blocks.shape == (6, 128, 128)
    assert blocks.dtype == np.float64
    assert set(blocks.ravel()) == set(image.ravel())


def test_a_plane_smaller_than_a_block_is_one_block():
    image = np.arange(35).reshape(5, 7)
    np.testing.assert_array_equal(sample_blocks(image), image[None])


def test_a_huge_image_is_read_in_parts_only():
    image = Counting((50, 2, 10**6, 10**6))
    blocks = sample_blocks(image, "TCYX", count=64, size=32)
    assert blocks.shape == (64, 32, 32)
    assert image.read == 64 * 32 * 32
    places = np.array(image.places)
    assert set(places[:, 1]) == {0, 1}
    for axis, length in ((0, 50), (2, 10**6), (3, 10**6)):
        assert places[:, axis].min() < 0.1 * length
        assert places[:, axis].max() > 0.89 * length
        assert len(set(places[:, axis])) >= 5


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 40), st.integers(1, 64))
def test_blocks_lie_within_the_plane_and_do_not_repeat(height, width, count, size):
    places = block_slices((height, width), count=count, size=size)
    assert 1 <= len(places) <= count
    assert len({(y.start, x.start) for y, x in places}) == len(places)
    for y, x in places:
        assert 0 <= y.start < y.stop <= height
        assert 0 <= x.start < x.stop <= width
        assert (y.stop - y.start, x.stop - x.start) == (min(size, height), min(size, width))


@given(
    st.permutations("ZCYX").map("".join),
    st.tuples(*[st.integers(1, 5)] * 4),
    st.integers(1, 30),
)
def test_every_block_is_a_part_of_a_plane(axes, shape, count):
    image = np.arange(np.prod(shape)).reshape(shape)
    blocks = sample_blocks(image, axes, count=count, size=2)
    assert 1 <= len(blocks) <= count
    y, x = (image.strides[axes.index(letter)] // image.itemsize for letter in "YX")
    first, second = (y, x) if axes.index("Y") < axes.index("X") else (x, y)
    if blocks.shape[1] > 1:
        assert (np.diff(blocks, axis=1) == first).all()
    if blocks.shape[2] > 1:
        assert (np.diff(blocks, axis=2) == second).all()


@pytest.mark.parametrize("axes", ["YX", "YXS", "ZYX"])
def test_how_an_array_lies_in_memory_does_not_show(axes):
    image = np.arange(60 * 50 * 3.0).reshape({"YX": (60, 150), "YXS": (60, 50, 3), "ZYX": (3, 60, 50)}[axes])
    for blocks in (raw_blocks(image, axes, size=20), raw_blocks(np.asfortranarray(image), axes, size=20)):
        assert blocks.flags.c_contiguous


def test_the_colours_of_an_rgb_image_are_all_read():
    image = np.broadcast_to(np.array([1.0, 2.0, 3.0]), (20, 20, 3))
    assert set(sample_blocks(image, "YXS").ravel()) == {1.0, 2.0, 3.0}


def test_wrong_axes_and_empty_images_are_refused():
    with pytest.raises(RequestError):
        sample_blocks(np.zeros((4, 5)), "ZYX")
    with pytest.raises(ImageError):
        sample_blocks(np.zeros((0, 5)), "YX")
