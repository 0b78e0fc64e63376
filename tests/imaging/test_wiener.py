from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.signal import oaconvolve

from napari_microdiff.imaging.spectrum import measure_spectrum
from napari_microdiff.imaging.wiener import RADIUS, wiener_error, wiener_kernel


def _blurred_noise(seed: int = 0) -> np.ndarray:
    """A stationary image, for which the Wiener filter is the best there is among linear ones."""
    white = np.random.default_rng(seed).standard_normal((512, 512))
    image = ndimage.gaussian_filter(white, 2.0, mode="wrap")
    return image / image.std()


def _filtered(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return oaconvolve(np.pad(image, RADIUS, mode="reflect"), kernel, mode="valid")


def test_it_is_as_good_as_the_best_gaussian_without_seeing_the_truth() -> None:
    clean = _blurred_noise()
    noisy = clean + 0.7 * np.random.default_rng(1).standard_normal(clean.shape)
    kernel = wiener_kernel(measure_spectrum(noisy[None]).powers)
    guess = _filtered(noisy, kernel)
    gaussians = [ndimage.gaussian_filter(noisy, s) for s in np.arange(0.5, 4, 0.1)]
    best = min(float(np.mean((g - clean) ** 2)) for g in gaussians)
    assert float(np.mean((guess - clean) ** 2)) < 1.05 * best


@pytest.mark.parametrize("noise", [0.05, 0.2, 0.7, 2.0])
def test_its_error_is_foretold(noise: float) -> None:
    clean = _blurred_noise()
    noisy = clean + noise * np.random.default_rng(1).standard_normal(clean.shape)
    powers = measure_spectrum(noisy[None]).powers
    guess = _filtered(noisy, wiener_kernel(powers))
    error = float(np.sqrt(np.mean((guess - clean) ** 2)))
    assert wiener_error(powers) == pytest.approx(error, rel=0.25)


def test_an_expected_error_is_never_zero() -> None:
    assert wiener_error(np.zeros(16)) > 0
    assert wiener_error(np.full(16, 9.0), noise=1e-6) == pytest.approx(0.02 * 3, rel=1e-4)  # of the contrast


@pytest.mark.parametrize("noise", [0.05, 0.5, 2.0])
def test_brightness_is_kept(noise: float) -> None:
    noisy = _blurred_noise() + noise * np.random.default_rng(1).standard_normal((512, 512))
    powers = measure_spectrum(noisy[None]).powers
    kernel = wiener_kernel(powers)
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-5)


def test_an_image_without_noise_passes_and_more_noise_smooths_more() -> None:
    noisy = _blurred_noise() + 0.1 * np.random.default_rng(1).standard_normal((512, 512))
    powers = measure_spectrum(noisy[None]).powers
    centre = RADIUS
    identity = wiener_kernel(np.ones(16), noise=1e-6)
    assert float(identity[centre, centre]) == pytest.approx(1, abs=0.01)
    heights = [float(wiener_kernel(powers, noise)[centre, centre]) for noise in (0.05, 0.1, 0.3)]
    assert heights[0] > heights[1] > heights[2]
