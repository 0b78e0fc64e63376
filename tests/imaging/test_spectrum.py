from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_microdiff.imaging.spectrum import (
    BANDS,
    VECTOR_LENGTH,
    Spectrum,
    measure_spectrum,
    noise_floor,
    statistics_vector,
)

WHITE = np.random.default_rng(0).standard_normal((4, 256, 256))


def test_white_noise_has_its_variance_in_every_band() -> None:
    spectrum = measure_spectrum(3 * WHITE)
    np.testing.assert_allclose(spectrum.powers[1:], 9, rtol=0.1)
    assert spectrum.powers[0] == pytest.approx(9, rel=0.2)  # each window's mean is taken away
    assert noise_floor(spectrum.powers) == pytest.approx(3, rel=0.1)


def test_a_wave_has_its_power_in_one_band() -> None:
    wave = np.sin(2 * np.pi * 0.2 * np.arange(256))[None, None, :] * np.ones((1, 256, 1))
    powers = measure_spectrum(wave).powers
    assert powers.argmax() == int(0.2 * 2 * BANDS)
    assert powers.max() > 0.9 * powers.sum()


def test_quiet_places_show_the_spectrum_of_the_noise() -> None:
    noise = ndimage.gaussian_filter(WHITE, (0, 0.6, 0.6))
    image = noise.copy()
    image[:2] += 20 * ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((2, 256, 256)), (0, 2, 2))
    spectrum, alone = measure_spectrum(image), measure_spectrum(noise).powers
    assert spectrum.powers[0] > 20 * alone[0]
    # The quietest of many windows have by chance a little less than the mean.
    np.testing.assert_allclose(spectrum.quiet, alone, rtol=0.25)


@given(st.integers(1, 3), st.integers(1, 90), st.integers(1, 90))
def test_any_block_has_a_spectrum(count: int, height: int, width: int) -> None:
    blocks = np.random.default_rng(0).standard_normal((count, height, width))
    spectrum = measure_spectrum(blocks)
    for part in (spectrum.powers, spectrum.quiet):
        assert part.shape == (BANDS,)
        assert np.isfinite(part).all()
        assert (part >= 0).all()
    assert spectrum.floor() >= 0


def test_white_noise_that_is_added_later_raises_all_bands() -> None:
    more = Spectrum(np.arange(16.0), np.zeros(16)).plus(np.full(16, 2.0))
    np.testing.assert_array_equal(more.powers, np.arange(16) + 2.0)
    np.testing.assert_array_equal(more.quiet, np.full(16, 2.0))


def test_the_vector_is_logarithmic_and_finite() -> None:
    spectrum = measure_spectrum(WHITE)
    vector, brighter = statistics_vector(spectrum), statistics_vector(measure_spectrum(10 * WHITE))
    assert vector.shape == (VECTOR_LENGTH,)
    assert vector[0] == 1
    assert brighter[1] - vector[1] == pytest.approx(1 / 0.6, rel=1e-4)
    np.testing.assert_allclose(brighter[2:], vector[2:], atol=1e-4)
    assert np.isfinite(statistics_vector(measure_spectrum(np.zeros((1, 64, 64))))).all()


@pytest.mark.parametrize("side", [40, 64, 96, 128, 400])
def test_the_floor_of_a_small_image_is_not_that_of_a_band_with_little_power_by_chance(side):
    rng = np.random.default_rng(0)
    floors = [measure_spectrum(rng.standard_normal((1, side, side))).floor() for _ in range(20)]
    assert np.mean(floors) == pytest.approx(1, abs=0.15)
    assert min(floors) > 0.75


def test_the_floor_of_a_large_image_is_its_lowest_band():
    spectrum = measure_spectrum(np.random.default_rng(0).standard_normal((4, 192, 192)))
    assert spectrum.floor() == noise_floor(spectrum.powers)
