"""Where a large image shows something in few places only, these are found."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_microdiff.imaging.blocks import raw_blocks
from napari_microdiff.imaging.telling import rare_places, telling_blocks, telling_window

_SPOT = (slice(1300, 1420), slice(205, 330))


def _background(shape: tuple[int, ...] = (1600, 1500)) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 5, shape).astype(np.float32)


def _with_cells() -> np.ndarray:
    image = _background()
    y, x = np.mgrid[: _SPOT[0].stop - _SPOT[0].start, : _SPOT[1].stop - _SPOT[1].start]
    image[_SPOT] += 80 * (1 + np.sin(y / 6) * np.sin(x / 6))
    return image


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 10))
def test_a_small_image_is_covered_as_ever(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).normal(size=(height, width))
    image[: height // 4, : width // 4] += 100
    blocks = telling_blocks(image, "YX", count=24, size=192)
    np.testing.assert_array_equal(blocks, raw_blocks(image, "YX", count=24, size=192))


def test_most_blocks_lie_where_there_is_something() -> None:
    image = _with_cells()
    blocks = telling_blocks(image, "YX", count=24, size=192)
    shows = blocks.max(axis=(1, 2)) > 200
    assert blocks.shape[1:] == (192, 192)
    assert len(blocks) <= 24
    assert 0.3 < shows.mean() < 1
    assert (raw_blocks(image, "YX", count=24, size=192).max(axis=(1, 2)) > 200).mean() < 0.1
    assert telling_blocks(np.asfortranarray(image), "YX", count=24, size=192).flags.c_contiguous


@pytest.mark.parametrize("what", ["noise", "everywhere", "hot pixels", "black"])
def test_nothing_is_rare_where_there_is_nothing_or_where_it_is_everywhere(what: str) -> None:
    image = _background() if what != "black" else np.zeros((1600, 1500), np.uint8)
    if what == "everywhere":
        image += 100 * np.sin(np.arange(1500) / 10)
    if what == "hot pixels":
        image[tuple(np.random.default_rng(1).integers(0, 1500, (2, 50)))] = 6e4
    assert rare_places(image, "YX") == []
    np.testing.assert_array_equal(
        telling_blocks(image, "YX", count=24, size=192), raw_blocks(image, "YX", count=24, size=192)
    )


def test_the_plane_of_a_stack_that_shows_something_is_found() -> None:
    image = np.stack([_background((700, 700))] * 12)
    image[7, 100:300, 300:500] += 200 * (np.arange(200) // 20 % 2)
    places = rare_places(image, "ZYX")
    assert places
    assert {place[0] for place in places} == {7}
    assert (telling_blocks(image, "ZYX", count=24, size=192) > 250).any(axis=(1, 2)).mean() > 0.4


def test_little_is_read_of_an_image_on_disk() -> None:
    read = []

    class Noting:
        def __init__(self, array: da.Array) -> None:
            self._array, self.shape, self.dtype = array, array.shape, array.dtype

        def __getitem__(self, index: object) -> np.ndarray:
            read.append(index)
            return np.asarray(self._array[index])

    rare_places(Noting(da.from_array(_with_cells(), chunks=256)), "YX")
    assert len(read) == 64


def test_the_window_lies_around_what_there_is() -> None:
    image = _with_cells()
    rows, columns = telling_window(image, ((0, 1600), (0, 1500)), 512)
    assert rows.stop - rows.start == columns.stop - columns.start == 512
    assert rows.start <= _SPOT[0].start + 30
    assert rows.stop >= _SPOT[0].stop - 30
    assert columns.start <= _SPOT[1].start + 30
    assert columns.stop >= _SPOT[1].stop - 30


def test_without_anything_rare_the_window_is_the_middle_one_of_its_bounds() -> None:
    assert telling_window(_background(), ((0, 1600), (0, 1500)), 512) == (slice(544, 1056), slice(494, 1006))
    assert telling_window(_with_cells(), ((0, 300), (700, 1500)), 512) == (slice(0, 300), slice(844, 1356))
    assert telling_window(_background((40, 30)), ((3, 40), (0, 30)), 512) == (slice(3, 40), slice(0, 30))
