from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data

from napari_microdiff.imaging.hot_pixels import hot_limit, without_hot_pixels


def _noisy(seed: int = 0, shape: tuple[int, int] = (96, 80)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return ndimage.gaussian_filter(rng.normal(size=shape), 3) * 60 + 120 + rng.normal(size=shape)


@given(
    st.sampled_from(["uint8", "uint16", "float32", "float64"]),
    st.integers(0, 95),
    st.integers(0, 79),
    st.booleans(),
    st.integers(0, 5),
)
def test_a_hot_or_dead_pixel_is_found_anywhere_and_no_other_is_touched(
    dtype: str, row: int, column: int, hot: bool, seed: int
) -> None:
    image = _noisy(seed).clip(90, 150).astype(dtype)
    image[row, column] = 255 if hot else 0
    mended = without_hot_pixels(image, hot_limit(image[None].astype(float)))
    assert mended.dtype == image.dtype
    assert 90 <= mended[row, column] <= 150
    mended[row, column] = image[row, column]
    np.testing.assert_array_equal(mended, image)


@pytest.mark.parametrize("mean", [0.001, 0.01, 0.1, 1.0, 10.0, 1000.0])
def test_photons_are_no_hot_pixels(mean: float) -> None:
    image = np.random.default_rng(1).poisson(mean, (8, 192, 192)).astype(float)
    assert hot_limit(image) == np.inf


@pytest.mark.parametrize("width", [0.6, 0.8, 1.0, 2.0])
def test_bright_points_seen_through_an_objective_are_no_hot_pixels(width: float) -> None:
    rng = np.random.default_rng(2)
    points = np.zeros((1, 256, 256))
    points[0][tuple(rng.integers(8, 248, size=(2, 12)))] = 1e5
    image = ndimage.gaussian_filter(points, (0, width, width)) + rng.normal(10, 1, points.shape)
    assert hot_limit(image) == np.inf


@pytest.mark.parametrize("name", ["camera", "cell", "coins", "microaneurysms", "moon", "page", "clock", "text"])
def test_images_have_no_hot_pixels(name: str) -> None:
    assert hot_limit(getattr(data, name)()[None].astype(float)) == np.inf


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (2, 2, 2), (1, 3, 3), (1, 40, 40)])
def test_small_and_constant_images_have_none(shape: tuple[int, ...]) -> None:
    image = np.full(shape, 7.0)
    assert hot_limit(image) == np.inf
    np.testing.assert_array_equal(without_hot_pixels(image, 1.0), image)


def test_a_part_is_mended_as_the_whole_is() -> None:
    rng = np.random.default_rng(3)
    image = _noisy(3, (128, 128)).astype(np.float32)
    image[tuple(rng.integers(0, 128, size=(2, 10)))] = 4000
    limit = hot_limit(image[None])
    whole = without_hot_pixels(image, limit)
    assert whole.max() < 400
    np.testing.assert_array_equal(without_hot_pixels(image[20:90, 30:100], limit)[1:-1, 1:-1], whole[21:89, 31:99])
