from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.imaging.spectrum import BANDS, VECTOR_LENGTH, measure_spectrum, powers_in
from napari_microdiff.imaging.style import QUANTILES, style_length, style_vector, unlikeness


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return (filaments_and_blobs((160, 192), seed=3) - 0.5)[None, None]


def noisy(image: np.ndarray, deviation: float) -> np.ndarray:
    return image + deviation * np.random.default_rng(0).standard_normal(image.shape)


def test_the_first_number_says_that_a_style_is_known(image: np.ndarray) -> None:
    vector = style_vector(image)
    assert vector.shape == (style_length(),)
    assert vector.dtype == np.float32
    assert vector[0] == 1


def test_noise_and_blur_show_in_the_numbers_of_frequencies(image: np.ndarray) -> None:
    plain, loud = style_vector(noisy(image, 0.02)), style_vector(noisy(image, 0.2))
    assert loud[1] - plain[1] == pytest.approx(1 / 0.6, rel=0.1)  # ten times as much noise
    sharp = noisy(image, 0.01)
    soft = noisy(ndimage.gaussian_filter(image, (0, 0, 2, 2)), 0.01)
    fine = slice(2 + BANDS // 4, 2 + BANDS // 2)
    assert (style_vector(soft)[fine] < style_vector(sharp)[fine]).all()


def test_grey_levels_are_told_channel_by_channel(image: np.ndarray) -> None:
    both = np.concatenate([image, 2 * image + 1], axis=1)
    vector = style_vector(both)
    assert vector.shape == (style_length(2),)
    first, second = vector[VECTOR_LENGTH:].reshape(2, len(QUANTILES))
    np.testing.assert_allclose(first, np.quantile(image, QUANTILES), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second, 2 * first + 1, rtol=1e-5, atol=1e-6)


def test_where_things_lie_does_not_matter(image: np.ndarray) -> None:
    noise = noisy(image, 0.1)
    turned = np.ascontiguousarray(noise[..., ::-1, ::-1])
    np.testing.assert_allclose(style_vector(turned), style_vector(noise), atol=0.05)


@given(arrays(np.float32, (2, 1, 20, 31), elements=st.floats(-4, 4, width=32)))
def test_any_image_has_a_style(blocks: np.ndarray) -> None:
    assert np.isfinite(style_vector(blocks)).all()


def test_the_powers_of_the_bands_can_be_read_back(image: np.ndarray) -> None:
    grainy = noisy(image, 0.1)
    expected = np.log10(measure_spectrum(grainy[:, 0]).powers)
    np.testing.assert_allclose(powers_in(style_vector(grainy)), expected, atol=1e-4)


def test_an_image_is_like_itself() -> None:
    style = style_vector(np.random.default_rng(0).random((2, 3, 64, 64)))
    assert unlikeness(style, style) == (0, 0, 0)


def test_white_noise_of_ten_times_the_variance_is_ten_decibels_apart() -> None:
    noise = np.random.default_rng(0).standard_normal((8, 1, 128, 128))
    apart = unlikeness(style_vector(noise), style_vector(np.sqrt(10) * noise))
    assert apart.spectrum_db == pytest.approx(10, abs=1e-3)
    assert apart.fine_db == pytest.approx(-10, abs=1e-3)  # the first has less


def test_a_blurred_image_has_less_of_what_is_fine(image: np.ndarray) -> None:
    blurred = ndimage.gaussian_filter(image, (0, 0, 1.5, 1.5))
    apart = unlikeness(style_vector(blurred), style_vector(image))
    assert apart.fine_db < -apart.spectrum_db / 2
    assert unlikeness(style_vector(image), style_vector(blurred)).fine_db == -apart.fine_db


def test_grey_levels_are_compared_as_a_share_of_their_range(image: np.ndarray) -> None:
    apart = unlikeness(style_vector(image), style_vector(image + 0.5))  # the range is from -1 to 1
    assert apart.levels == pytest.approx(0.25, abs=1e-6)
    assert apart.spectrum_db == pytest.approx(0, abs=1e-3)


def test_styles_of_grey_and_coloured_images_cannot_be_compared(image: np.ndarray) -> None:
    with pytest.raises(ImageError, match="numbers of colours"):
        unlikeness(style_vector(image), style_vector(np.repeat(image, 3, axis=1)))
