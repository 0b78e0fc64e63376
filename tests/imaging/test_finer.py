"""The linear estimate is the best one where the theory is exact, and better than interpolation where it is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import data

from napari_microdiff.imaging.finer import FINER_RADIUS, finer_filter, sharp_power
from napari_microdiff.imaging.optics import Binning, Blur, PointSpread
from napari_microdiff.imaging.spectrum import measure_spectrum
from napari_microdiff.tasks.conditioning import on_finer_pixels, reflected


def cubic(image, factor):
    return ndimage.zoom(image, factor, order=3, mode="grid-mirror", grid_mode=True)


def estimated(image, found):
    shown = torch.from_numpy(image.astype(np.float32))[None, None]
    return on_finer_pixels(reflected(shown, FINER_RADIUS), found.kernels)[0, 0].numpy()


def recorded(sharp, psf, factor, noise):
    pixels = Binning(factor).forward(Blur(psf.kernel(factor), sharp.shape).forward(sharp))
    return pixels + noise * np.random.default_rng(1).standard_normal(pixels.shape)


def power_law(side, slope, seed=0):
    """Return a random image whose power falls with frequency as a power law."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    frequency[0, 0] = np.inf
    white = np.fft.fft2(np.random.default_rng(seed).standard_normal((side, side)))
    image = np.fft.ifft2(white * frequency ** (slope / 2)).real
    return image / image.std()


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_every_fine_pixel_keeps_the_brightness(factor):
    powers = measure_spectrum(power_law(256, -3.0)[None]).powers
    kernels = finer_filter(powers, PointSpread(0.7), factor).kernels
    assert kernels.shape == (factor**2, 2 * FINER_RADIUS + 1, 2 * FINER_RADIUS + 1)
    np.testing.assert_allclose(kernels.sum(axis=(1, 2)), 1, rtol=1e-5)
    flat = estimated(np.full((40, 50), 3.0), finer_filter(powers, PointSpread(0.7), factor))
    np.testing.assert_allclose(flat, 3.0, rtol=1e-4)


def test_the_power_beyond_the_pixels_follows_the_power_law():
    image = power_law(512, -3.0)
    factor, psf = 2, PointSpread(0.6)
    powers = measure_spectrum(recorded(image, psf, factor, 0.01)[None]).powers
    power = sharp_power(powers, psf, factor, 0.01, 128)
    frequency = np.fft.fftfreq(128)
    truth = measure_spectrum(image[None]).powers  # on the fine pixels
    for band in (2, 5, 9, 14):  # the last ones lie beyond the recorded pixels
        at = np.argmin(np.abs(frequency - (band + 0.5) / 32))
        assert power[0, at] == pytest.approx(truth[band], rel=0.6)


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("width", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("noise", [0.001, 0.05])
def test_its_error_is_what_it_says(factor, width, noise):
    image, psf = power_law(512, -3.2, seed=3), PointSpread(width)
    seen = recorded(image, psf, factor, noise)
    found = finer_filter(measure_spectrum(seen[None]).powers, psf, factor, noise)
    made = estimated(seen, found)
    error = np.sqrt(((made - image) ** 2).mean())
    assert found.error == pytest.approx(error, rel=0.35)
    assert error < 1.01 * np.sqrt(((cubic(seen, factor) - image) ** 2).mean())


@pytest.mark.parametrize("psf", [PointSpread(0.8), PointSpread(airy=(0.52, 0.8, 0.25))])
def test_it_beats_interpolation_on_a_photograph(psf):
    sharp = data.camera()[:256, :256] / 255
    seen = recorded(sharp, psf, 2, 0.005)
    made = estimated(seen, finer_filter(measure_spectrum(seen[None]).powers, psf, 2, 0.005))
    errors = [np.sqrt(((image - sharp) ** 2).mean()) for image in (made, cubic(seen, 2))]
    assert errors[0] < 0.8 * errors[1]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("width", [0.0, 0.8])
def test_of_nothing_but_noise_it_does_not_make_more(seed, width):
    """In the spectrum of a small image the lowest band may have the least power by chance."""
    noise = np.random.default_rng(seed).standard_normal((64, 64))
    found = finer_filter(measure_spectrum(noise[None]).powers, PointSpread(width), 2)
    np.testing.assert_allclose(found.kernels.sum(axis=(1, 2)), 1, rtol=1e-4)
    assert estimated(noise, found).std() < 3 * noise.std()
    np.testing.assert_allclose(estimated(np.full((40, 50), 3.0), found), 3.0, rtol=1e-3)
