from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data

from napari_microdiff.imaging.faults import Faults


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
    mended = Faults.of(image[None].astype(float)).mended(image)
    assert mended.dtype == image.dtype
    assert 90 <= mended[row, column] <= 150
    mended[row, column] = image[row, column]
    np.testing.assert_array_equal(mended, image)


@pytest.mark.parametrize("mean", [0.001, 0.01, 0.1, 1.0, 10.0, 1000.0])
def test_photons_are_no_hot_pixels(mean: float) -> None:
    image = np.random.default_rng(1).poisson(mean, (8, 192, 192)).astype(float)
    assert Faults.of(image) == Faults()


@pytest.mark.parametrize("width", [0.6, 0.8, 1.0, 2.0])
def test_bright_points_seen_through_an_objective_are_no_hot_pixels(width: float) -> None:
    rng = np.random.default_rng(2)
    points = np.zeros((1, 256, 256))
    points[0][tuple(rng.integers(8, 248, size=(2, 12)))] = 1e5
    image = ndimage.gaussian_filter(points, (0, width, width)) + rng.normal(10, 1, points.shape)
    assert Faults.of(image) == Faults()


def _undersampled(count: int, width: float, photons: float = 1000.0) -> np.ndarray:
    """Points between pixels anywhere, so coarse that one in the middle of a pixel is nearly all in it."""
    rng = np.random.default_rng(3)
    fine = np.zeros((256 * 9, 256 * 9))
    fine[tuple(rng.integers(9 * 8, 9 * 248, size=(2, count)))] = photons * 81 * 2 * np.pi * width**2
    coarse = ndimage.gaussian_filter(fine, 9 * width).reshape(256, 9, 256, 9).mean(axis=(1, 3))
    return rng.poisson(10 + coarse / (2 * np.pi * width**2)) + rng.normal(0, 1, coarse.shape)


@pytest.mark.parametrize(("count", "width"), [(100, 0.3), (100, 0.36), (30, 0.3), (12, 0.3), (300, 0.4)])
def test_points_finer_than_pixels_are_no_hot_pixels_where_others_lie_between_pixels(count: int, width: float) -> None:
    image = _undersampled(count, width)[None]
    np.testing.assert_array_equal(Faults.of(image).mended(image), image)


def test_hot_pixels_far_brighter_than_the_points_of_an_image_are_found() -> None:
    image = _undersampled(100, 0.36)
    rows, columns = np.random.default_rng(4).integers(8, 248, size=(2, 20))
    hot = image.copy()
    hot[rows, columns] = 60_000
    mended = Faults.of(hot[None]).mended(hot[None])[0]
    assert mended[rows, columns].max() < 2_000
    mended[rows, columns] = image[rows, columns]
    np.testing.assert_array_equal(mended, image)


def test_two_hot_pixels_beside_each_other_do_not_hide_the_others() -> None:
    image = _noisy()
    rows, columns = np.random.default_rng(5).integers(8, 72, size=(2, 12))
    image[rows, columns] = 5_000
    image[30, 40:42] = 5_000
    mended = Faults.of(image[None]).mended(image[None])[0]
    assert mended[rows, columns].max() < 500


@pytest.mark.parametrize("name", ["camera", "cell", "coins", "microaneurysms", "moon", "page", "clock", "text"])
def test_images_have_no_hot_pixels(name: str) -> None:
    assert Faults.of(getattr(data, name)()[None].astype(float)) == Faults()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (2, 2, 2), (1, 3, 3), (1, 40, 40)])
def test_small_and_constant_images_have_none(shape: tuple[int, ...]) -> None:
    image = np.full(shape, 7.0)
    assert Faults.of(image) == Faults()
    np.testing.assert_array_equal(Faults(1.0).mended(image), image)


def test_a_part_is_mended_as_the_whole_is() -> None:
    rng = np.random.default_rng(3)
    image = _noisy(3, (128, 128)).astype(np.float32)
    image[tuple(rng.integers(0, 128, size=(2, 10)))] = 4000
    faults = Faults.of(image[None])
    whole = faults.mended(image)
    assert whole.max() < 400
    np.testing.assert_array_equal(faults.mended(image[20:90, 30:100])[1:-1, 1:-1], whole[21:89, 31:99])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("share", [0.02, 0.4, 0.8])
def test_a_blank_margin_and_a_scale_bar_are_beyond_the_range(dtype: str, share: float) -> None:
    image = _noisy(4, (120, 160)).clip(90, 150).astype(dtype)
    rows = round(share * 120)
    image[:rows] = 0
    image[111:115, 10:50] = 255 if dtype == "uint8" else 60000
    faults = Faults.of(image[None].astype(float))
    expected = np.zeros(image.shape, dtype=bool)
    expected[:rows] = expected[111:115, 10:50] = True
    np.testing.assert_array_equal(faults.beyond(image), expected | (faults.mended(image) != image))
    assert faults.beyond(image)[expected].mean() > 0.97  # single pixels at the corner of a bar may look hot
    inside = faults.mended(image)
    assert inside.dtype == image.dtype
    assert inside.min() >= 90
    assert inside.max() <= 150
    np.testing.assert_array_equal(inside[~expected], image[~expected])


@pytest.mark.parametrize(
    "image",
    [
        np.random.default_rng(0).integers(0, 2, (1, 64, 64)) * 255.0,
        np.random.default_rng(0).integers(0, 4, (1, 64, 64)) * 50.0,
        np.where(np.mgrid[:64, :64].sum(axis=0) > 60, 200.0, 0.0)[None],
        np.random.default_rng(0).normal(0, 1, (1, 64, 64)) ** 3,
        np.random.default_rng(0).lognormal(0, 1.5, (1, 192, 192)),
    ],
    ids=["two values", "four values", "a mask", "heavy tails", "skewed"],
)
def test_images_of_few_values_or_long_tails_are_left_alone(image: np.ndarray) -> None:
    assert not Faults.of(image).any_beyond


@pytest.mark.parametrize("line", [np.s_[41], np.s_[:, 70]])
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_a_dropped_line_is_filled_from_both_sides(dtype: str, line: object) -> None:
    image = _noisy(5, (120, 160)).clip(90, 150).astype(dtype)
    sound = image.copy()
    image[line] = 0
    faults = Faults.of(image[None].astype(float))
    assert not faults.beyond(image).any()
    mended = faults.mended(image)
    assert mended.dtype == image.dtype
    assert np.abs(mended.astype(float) - sound).max() < 12
    lines = image == 0
    np.testing.assert_array_equal(mended[~lines], image[~lines])
