"""Periods and shares that are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_microdiff.imaging.resolved import power_beyond, resolved_period, share_of
from napari_microdiff.imaging.spectrum import BANDS, measure_spectrum


def test_an_image_shows_what_its_optics_pass():
    rng = np.random.default_rng(0)
    periods = []
    for sigma in (1.0, 2.0):
        image = ndimage.gaussian_filter(rng.standard_normal((512, 512)), sigma)
        image = image / image.std() + 0.1 * rng.standard_normal(image.shape)
        periods.append(resolved_period(measure_spectrum(image[None]).powers, 0.1))
    assert periods[0] < periods[1]
    # Of a Gaussian, white noise blurred, the power falls by exp(-(2 pi f sigma)^2): to a sixth of the noise's here.
    for sigma, period in zip((1.0, 2.0), periods, strict=True):
        peak = 4 * np.pi * sigma**2
        frequency = np.sqrt(np.log(6 * peak / 0.01)) / (2 * np.pi * sigma)
        assert period == pytest.approx(1 / frequency, rel=0.15)


def test_noise_alone_shows_nothing_and_without_noise_pixels_are_the_limit():
    noise = np.full(BANDS, 0.04)
    assert resolved_period(noise, 0.2) == float("inf")
    assert resolved_period(noise, 0.0) == 2.0


def test_power_beyond_a_frequency_is_that_of_the_waves_there():
    y, x = np.mgrid[:128, :128]
    slow, fast = np.sin(2 * np.pi * x / 16), np.sin(2 * np.pi * (x + y) / 4)
    image = 5 + 2 * slow + fast
    assert share_of([power_beyond(image, 0.2)]) == pytest.approx(1 / 5, abs=0.02)
    assert share_of([power_beyond(image, 0.03)]) == pytest.approx(1, abs=0.02)
    assert share_of([power_beyond(np.full((8, 8), 3.0), 0.1)]) == 0


def test_a_dark_part_has_little_say_in_the_power_beyond():
    y, x = np.mgrid[:128, :128]
    bright = power_beyond(100 * np.sin(2 * np.pi * x / 16), 0.2)
    dark = power_beyond(0.01 * np.sin(2 * np.pi * (x + y)[:64, :64] / 4), 0.2)
    assert share_of([dark]) == pytest.approx(1, abs=0.02)
    assert share_of([bright, dark]) == pytest.approx(share_of([bright]), abs=1e-6)
