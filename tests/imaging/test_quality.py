"""Measures of quality give the values that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_microdiff.imaging.quality import (
    affine_fit,
    calibration,
    fourier_ring_correlation,
    high_frequency_energy,
    psnr,
    residual_whiteness,
    resolution,
    ssim,
)


@pytest.fixture
def truth():
    return ndimage.gaussian_filter(np.random.default_rng(0).random((96, 128)), 2)


@given(st.floats(0.1, 10) | st.floats(-10, -0.1), st.floats(-50, 50))
def test_an_affine_change_is_undone(scale, shift):
    truth = np.random.default_rng(0).random((9, 11))
    np.testing.assert_allclose(affine_fit(scale * truth + shift, truth), truth, atol=1e-9)


def test_the_fit_is_the_least_squares_one(truth):
    estimate = truth**2 + 0.1 * np.random.default_rng(1).random(truth.shape)
    design = np.stack([estimate.ravel(), np.ones(estimate.size)], axis=1)
    coefficients, *_ = np.linalg.lstsq(design, truth.ravel())
    np.testing.assert_allclose(affine_fit(estimate, truth).ravel(), design @ coefficients, atol=1e-10)


def test_a_constant_estimate_becomes_the_mean(truth):
    np.testing.assert_allclose(affine_fit(np.full(truth.shape, 7), truth), truth.mean())


def test_psnr_by_hand():
    truth = np.array([[0.0, 50.0], [100.0, 200.0]])
    estimate = truth + np.array([[2.0, -2.0], [2.0, -2.0]])
    assert psnr(truth, estimate, affine=False) == pytest.approx(40)
    assert psnr(truth, truth * 3 + 1) > 200
    assert psnr(truth, truth, affine=False) == np.inf
    assert np.isnan(psnr(np.ones((2, 2)), estimate, affine=False))


def test_psnr_of_integers_does_not_wrap_around():
    truth, estimate = np.array([[0, 100]], np.uint8), np.array([[10, 90]], np.uint8)
    assert psnr(truth, estimate, affine=False) == pytest.approx(20)


def test_ssim_is_one_only_for_the_truth(truth):
    assert ssim(truth, truth * 5 + 3) == pytest.approx(1)
    noisy = truth + 0.05 * np.random.default_rng(1).standard_normal(truth.shape)
    noisier = truth + 0.2 * np.random.default_rng(1).standard_normal(truth.shape)
    assert 1 > ssim(truth, noisy) > ssim(truth, noisier) > 0


@pytest.mark.parametrize("shape", [(128, 128), (96, 160)])
def test_ring_correlation_of_equal_and_of_independent_images(shape):
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, *shape))
    frequencies, values = fourier_ring_correlation(first, first)
    np.testing.assert_allclose(values, 1)
    assert len(frequencies) == min(shape) // 2 - 1
    assert (np.diff(frequencies) > 0).all()
    assert frequencies[0] < 0.02
    assert 0.49 < frequencies[-1] < 0.5
    _, values = fourier_ring_correlation(first, second)
    assert np.abs(values[5:]).max() < 0.4
    assert abs(values.mean()) < 0.05


def test_resolution_is_where_signal_and_noise_say():
    size, sigma, noise, pixel = 256, 2.0, 0.05, 0.1
    radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size))
    found = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        field = np.fft.fft2(rng.standard_normal((size, size)))
        clean = np.fft.ifft2(field * np.exp(-2 * (np.pi * sigma * radius) ** 2)).real
        first, second = clean + noise * rng.standard_normal((2, size, size))
        found.append(resolution(*fourier_ring_correlation(first, second), pixel=pixel))
    # The expected correlation is S/(S+N), so it falls to 1/7 where the signal's power is a sixth of the noise's.
    expected = np.sqrt(np.log(6 / noise**2) / 4) / (np.pi * sigma)
    assert np.mean(found) == pytest.approx(pixel / expected, rel=0.05)


def test_resolution_at_the_ends():
    frequencies = np.linspace(0.01, 0.49, 25)
    assert resolution(frequencies, np.ones(25), pixel=0.5) == 1.0
    assert resolution(frequencies, np.zeros(25)) == np.inf
    line = 1 - 2 * frequencies
    assert 1 / resolution(frequencies, line, threshold=0.5) == pytest.approx(0.25)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_a_calibrated_uncertainty_has_slope_one(factor):
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.5, 3, (300, 400))
    table = calibration(sigma * rng.standard_normal(sigma.shape), sigma / factor)
    assert len(table.predicted) == len(table.error) == 20
    assert (np.diff(table.predicted) > 0).all()
    assert table.slope == pytest.approx(factor, rel=0.03)
    assert table.ratio == pytest.approx(factor, rel=0.02)
    assert table.intercept == pytest.approx(0, abs=0.05)


def test_calibration_by_hand():
    table = calibration(np.array([3.0, -3.0, 5.0, 5.0]), np.array([2.0, 2.0, 1.0, 1.0]), bins=2)
    np.testing.assert_allclose(table.predicted, [1, 2])
    np.testing.assert_allclose(table.error, [5, 3])
    assert (table.slope, table.intercept) == (pytest.approx(-2), pytest.approx(7))
    assert table.ratio == pytest.approx(11 / 5)


def test_an_offset_that_was_added_to_the_uncertainty_shows_as_intercept():
    rng = np.random.default_rng(0)
    sigma = rng.uniform(1, 3, 100_000)
    table = calibration(sigma * rng.standard_normal(sigma.size), sigma + 0.5)
    assert table.slope == pytest.approx(1, abs=0.05)
    assert table.intercept == pytest.approx(-0.5, abs=0.1)


def test_calibration_without_spread_or_with_too_few_pixels():
    table = calibration(np.ones(100), np.full(100, 0.3))
    assert np.isnan(table.slope)
    assert table.ratio == pytest.approx(1 / 0.3)
    assert np.isnan(calibration(np.ones(100), np.zeros(100)).ratio)
    with pytest.raises(ValueError, match="bins"):
        calibration(np.ones(5), np.ones(5))


def test_whiteness():
    rng = np.random.default_rng(0)
    white = rng.standard_normal((200, 300))
    assert abs(residual_whiteness(white)) < 0.02
    assert residual_whiteness(ndimage.gaussian_filter(white, 1.0)) == pytest.approx(np.exp(-0.25), abs=0.03)
    assert residual_whiteness(white - ndimage.gaussian_filter(white, 0.7)) < -0.1
    rows = white + 2 * rng.standard_normal((200, 1))
    assert residual_whiteness(rows) == pytest.approx(0.8, abs=0.05)
    assert residual_whiteness(np.ones((5, 5))) == 0
    assert residual_whiteness(np.ones((1, 1))) == 0


def test_high_frequency_energy(truth):
    assert high_frequency_energy(truth, truth) == pytest.approx(1)
    assert high_frequency_energy(truth, 2 * truth + 5) == pytest.approx(4)
    assert high_frequency_energy(truth, ndimage.gaussian_filter(truth, 1)) < 0.1
    assert high_frequency_energy(truth, truth + np.random.default_rng(1).standard_normal(truth.shape)) > 10
    assert np.isnan(high_frequency_energy(np.ones((8, 8)), truth[:8, :8]))


def test_images_that_cannot_be_compared_are_refused(truth):
    with pytest.raises(ValueError, match="cannot be compared"):
        psnr(truth, truth[1:])
    with pytest.raises(ValueError, match="one plane"):
        fourier_ring_correlation(np.ones(8), np.ones(8))


def test_in_volumes_rings_are_shells():
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((2, 24, 32, 40))
    frequencies, same = fourier_ring_correlation(one, 3 * one + 2)
    np.testing.assert_allclose(same, 1)
    assert frequencies[-1] < 0.5
    _, strange = fourier_ring_correlation(one, other)
    assert np.abs(strange[3:]).max() < 0.15
    smooth = ndimage.gaussian_filter(one, (1.5, 0, 0))  # along z only
    _, less = fourier_ring_correlation(one, smooth)
    assert less[-1] < less[0]
