"""Tiles cover a region once, see all that they must, and read it as if the image went on as in a mirror."""

from __future__ import annotations

import math
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from napari_microdiff.engine import tiles as tiles_module
from napari_microdiff.engine.tiles import (
    Reach,
    Tile,
    bands,
    batches,
    grown,
    make_tiles,
    overlap,
    read_window,
    side_of_tiles,
    slices_in,
    split_tile,
)


@st.composite
def cases(draw):
    """A shape, a region within it, and a reach."""
    n = draw(st.integers(2, 3))
    shape = tuple(draw(st.integers(1, 12 if n == 3 and axis == 0 else 150)) for axis in range(n))
    region = []
    for length in shape:
        start = draw(st.integers(0, length - 1))
        region.append((start, draw(st.integers(start + 1, length))))
    reach = Reach.of(draw(st.sampled_from([1, 2, 4, 8, 16])), draw(st.integers(0, 70)), n, draw(st.integers(0, 9)))
    return shape, tuple(region), reach


def counted(tiles, shape):
    count = np.zeros(shape, dtype=int)
    for tile in tiles:
        count[tuple(slice(*span) for span in tile.core)] += 1
    return count


@given(case=cases(), size=st.one_of(st.none(), st.integers(1, 200)))
def test_cores_cover_the_region_once_and_nothing_else(case, size):
    shape, region, reach = case
    expected = np.zeros(shape, dtype=int)
    expected[tuple(slice(*span) for span in region)] = 1
    tiles = make_tiles(shape, region, size, reach)
    np.testing.assert_array_equal(counted(tiles, shape), expected)
    if size is not None:
        side = max(reach.stride[-1], size // reach.stride[-1] * reach.stride[-1])
        assert all(b - a <= side for tile in tiles for a, b in tile.core[-2:])


@pytest.mark.parametrize(
    ("length", "most", "side"),
    [(1024, 1344, 1024), (1344, 1344, 1344), (1360, 1344, 688), (2048, 1344, 1024), (2048, 768, 688), (10, 1344, 16)],
)
def test_no_narrow_tile_is_left_over(length, most, side):
    assert side_of_tiles(length, most, 16) == side


@given(length=st.integers(1, 5000), most=st.integers(1, 2000), stride=st.sampled_from([1, 4, 16]))
def test_tiles_are_as_few_as_can_be_and_as_long_as_each_other(length, most, stride):
    most = max(stride, most // stride * stride)
    side = side_of_tiles(length, most, stride)
    assert side <= most
    assert side % stride == 0
    fewest = -(-length // most)
    assert -(-length // side) <= fewest  # fewer only where the grid is too coarse for more
    assert side * fewest < length + stride * fewest


@given(case=cases(), size=st.one_of(st.none(), st.integers(1, 200)))
def test_windows_hold_core_and_halo_on_the_grid_of_the_network(case, size):
    shape, region, reach = case
    for tile in make_tiles(shape, region, size, reach):
        for axis, ((first, last), (start, stop)) in enumerate(zip(tile.window, tile.core, strict=True)):
            stride, halo, length = reach.stride[axis], reach.halo[axis], shape[axis]
            assert first % stride == 0
            assert (last - first) % stride == 0
            assert first <= start < stop <= last
            # all of the halo is seen, or else nothing beyond the true border but what is missing to the grid
            far = -(-length // stride) * stride
            assert first <= start - halo or first == 0
            assert last >= stop + halo or last == far
            assert first >= 0
            assert last <= far
        inner = np.zeros(tile.window_shape)[tile.inner]
        assert inner.shape == tuple(b - a for a, b in tile.core)


@given(case=cases(), size=st.integers(24, 100))
def test_a_part_of_a_region_has_the_same_grid(case, size):
    # so that a region that is computed alone is made of the same tiles as the whole
    shape, region, reach = case
    whole = {tile.core: tile for tile in make_tiles(shape, tuple((0, n) for n in shape), size, reach)}
    for tile in make_tiles(shape, region, size, reach):
        around = [
            w for w in whole.values() if all(a <= c < b for (a, b), (c, _) in zip(w.core, tile.core, strict=True))
        ]
        assert len(around) == 1
        assert all(b >= d for (_, b), (_, d) in zip(around[0].core[-2:], tile.core[-2:], strict=True))


@settings(max_examples=200)
@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    corners=st.lists(st.tuples(st.integers(-25, 20), st.integers(1, 25)), min_size=3, max_size=3),
)
@pytest.mark.parametrize("at_edges", [False, True])
def test_a_window_is_what_numpy_pads(shape, corners, at_edges):
    image = np.arange(np.prod(shape)).reshape(shape)
    padded = np.pad(image, 60, mode="symmetric" if at_edges else "reflect")
    window = tuple((start, start + width) for start, width in corners[: len(shape)])
    expected = padded[tuple(slice(a + 60, b + 60) for a, b in window)]
    np.testing.assert_array_equal(read_window(image, window, at_edges=at_edges), expected)


def test_a_window_of_an_array_that_begins_elsewhere():
    whole = np.arange(200).reshape(10, 20)
    part = whole[3:9, 5:18]
    np.testing.assert_array_equal(read_window(part, ((4, 8), (6, 17)), (3, 5)), whole[4:8, 6:17])
    np.testing.assert_array_equal(read_window(part, ((1, 5), (5, 7)), (3, 5)), part[[2, 1, 0, 1], 0:2])


class Lazy:
    """An array that remembers how much of it was read."""

    def __init__(self, array):
        self.array, self.shape, self.reads = array, array.shape, []

    def __getitem__(self, index):
        part = self.array[index]
        self.reads.append(part.shape)
        return part


def test_only_what_is_needed_is_read():
    lazy = Lazy(np.zeros((1000, 1000)))
    assert read_window(lazy, ((-20, 30), (980, 1010))).shape == (50, 30)
    assert lazy.reads == [(30, 20)]


@given(case=cases(), size=st.integers(1, 200))
def test_splitting_gives_smaller_tiles_of_the_same_pixels(case, size):
    shape, region, reach = case
    for tile in make_tiles(shape, region, size, reach)[:3]:
        parts = split_tile(tile, shape, reach)
        if not parts:
            assert max(b - a for a, b in tile.core[-2:]) < 4 * reach.stride[-1]
            continue
        inside = np.zeros(shape, dtype=int)
        inside[tuple(slice(*span) for span in tile.core)] = 1
        np.testing.assert_array_equal(counted(parts, shape), inside)
        longest = max(b - a for a, b in tile.core[-2:])
        assert all(b - a <= longest // 2 for part in parts for a, b in part.core[-2:])


@given(case=cases(), size=st.integers(8, 200))
def test_splitting_comes_to_an_end(case, size):
    shape, region, reach = case
    tile, rounds = make_tiles(shape, region, size, reach)[0], 0
    while parts := split_tile(tile, shape, reach):
        tile, rounds = parts[0], rounds + 1
        assert rounds < 10


@given(case=cases(), size=st.integers(1, 100), most=st.integers(1, 5))
def test_batches_keep_order_and_hold_one_shape(case, size, most):
    shape, region, reach = case
    tiles = make_tiles(shape, region, size, reach)
    assume(len(tiles) < 200)
    groups = list(batches(tiles, most))
    assert [tile for group in groups for tile in group] == tiles
    assert all(1 <= len(group) <= most and len({t.window_shape for t in group}) == 1 for group in groups)
    # and no group is smaller than it need be
    for group, following in pairwise(groups):
        assert len(group) == most or group[0].window_shape != following[0].window_shape


def test_nothing_makes_no_batch():
    assert list(batches([], 4)) == []


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40)), min_size=1, max_size=3),
    st.integers(1, 500),
)
def test_bands_cover_a_box_in_order_and_are_small(spans, most):
    box = tuple((start, start + length) for start, length in spans)
    with mock.patch.object(tiles_module, "_BAND", most):
        made = bands(box)
    assert (made[0][0][0], made[-1][0][1]) == box[0]
    assert all(before[0][1] == after[0][0] for before, after in pairwise(made))
    assert all(band[1:] == box[1:] for band in made)
    across = math.prod(b - a for a, b in box[1:])
    assert all(b - a == 1 or (b - a) * across <= most for (a, b), *_ in made)
    assert len(made) <= -(-(box[0][1] - box[0][0]) // max(1, most // across))


@given(case=cases(), margin=st.integers(0, 40))
def test_a_region_grows_within_the_image(case, margin):
    shape, region, _ = case
    for (a, b), (c, d), length in zip(grown(region, shape, (margin,) * len(shape)), region, shape, strict=True):
        assert a == max(0, c - margin)
        assert b == min(length, d + margin)


@pytest.mark.parametrize(("stride", "halo", "expected"), [(16, 40, 48), (16, 48, 48), (4, 0, 0), (1, 7, 7), (8, 1, 8)])
def test_a_halo_is_rounded_up_to_the_grid(stride, halo, expected):
    assert Reach.of(stride, halo) == Reach((stride, stride), (expected, expected))
    assert Reach.of(stride, halo, 3, 5) == Reach((1, stride, stride), (5, expected, expected))


def test_where_the_core_lies_in_the_window():
    tile = Tile(core=((4, 8), (10, 20)), window=((-4, 16), (0, 32)))
    assert tile.inner == (slice(8, 12), slice(10, 20))
    assert tile.window_shape == (20, 32)


SPANS = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted).map(tuple)


@given(st.tuples(SPANS, SPANS), st.tuples(SPANS, SPANS))
def test_the_overlap_of_boxes_is_what_both_cover(box, other):
    places = np.arange(81).reshape(9, 9)

    def inside(spans):
        return places[tuple(slice(*span) for span in spans)]

    both = overlap(box, other)
    assert all(start <= stop for start, stop in both)
    np.testing.assert_array_equal(inside(both).ravel(), np.intersect1d(inside(box), inside(other)))
    np.testing.assert_array_equal(inside(box)[slices_in(both, box)], inside(both))
