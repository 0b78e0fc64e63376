"""Point-spread functions have the right width, and operators the adjoints and inverses that they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, special

from napari_microdiff.engine import options
from napari_microdiff.imaging.optics import AIRY_WIDTH, WIDEST, Binning, Blur, airy_psf, gaussian_psf, gaussian_sigma

OPERATORS = [
    (Blur(gaussian_psf(1.7), (24, 31)), (24, 31)),
    (Blur(airy_psf(0.52, 1.2, 0.08), (24, 31)), (24, 31)),
    (Blur(gaussian_psf(9.0), (6, 5)), (6, 5)),
    (Binning(1), (24, 30)),
    (Binning(2), (24, 30)),
    (Binning(3), (2, 24, 30)),
]


@pytest.mark.parametrize(("operator", "shape"), OPERATORS)
def test_the_adjoint_is_the_adjoint(operator, shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    ax = operator.forward(x)
    y = rng.standard_normal(ax.shape)
    assert np.vdot(ax, y) == pytest.approx(np.vdot(x, operator.adjoint(y)), abs=1e-10, rel=1e-10)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.5])
def test_a_gaussian_has_its_width(sigma):
    psf = gaussian_psf(sigma)
    assert psf.sum() == pytest.approx(1)
    at = np.arange(len(psf)) - len(psf) // 2
    # averaging over a pixel adds its own variance, 1/12; cutting at 4 sigma takes a little away
    assert (psf.sum(0) * at**2).sum() == pytest.approx(sigma**2 + 1 / 12, rel=0.02)


def test_an_airy_pattern_has_its_dark_ring_and_its_energy():
    wavelength, aperture, pixel = 0.52, 1.2, 0.01
    psf = airy_psf(wavelength, aperture, pixel, rings=6)
    assert psf.sum() == pytest.approx(1)
    middle = len(psf) // 2
    profile = psf[middle, middle:]
    ring = round(0.61 * wavelength / aperture / pixel)
    assert profile[ring - 2 : ring + 3].min() < 1e-3 * profile[0]
    at = np.hypot(*np.indices(psf.shape) - middle) * pixel
    inside = psf[at < 0.61 * wavelength / aperture].sum()
    # Rayleigh: 83.8 % of the light within the first dark ring; what lies beyond the kept rings is missing here
    kept = 1 - special.j0(v := 2 * np.pi * aperture / wavelength * middle * pixel) ** 2 - special.j1(v) ** 2
    assert inside == pytest.approx(0.838 / kept, abs=0.01)


def test_the_gaussian_nearest_to_an_airy_pattern():
    wavelength, aperture, pixel = 0.52, 1.2, 0.02
    airy = airy_psf(wavelength, aperture, pixel)
    nearest = gaussian_psf(gaussian_sigma(wavelength, aperture, pixel))
    middle, reach = len(airy) // 2, 12
    near = airy[middle, middle : middle + reach] / airy.max()
    gauss = nearest[len(nearest) // 2, len(nearest) // 2 :][:reach] / nearest.max()
    np.testing.assert_allclose(near, gauss, atol=0.1)


def test_blur_is_a_convolution_with_mirrored_borders():
    image = np.random.default_rng(0).random((2, 20, 26))
    psf = airy_psf(0.6, 0.8, 0.2)
    expected = [ndimage.convolve(plane, psf, mode="reflect") for plane in image]
    np.testing.assert_allclose(Blur(psf, (20, 26)).forward(image), expected, atol=1e-12)


def test_blur_keeps_the_light():
    image = np.random.default_rng(0).random((20, 26))
    assert Blur(gaussian_psf(3.0), (20, 26)).forward(image).sum() == pytest.approx(image.sum())


def test_wiener_undoes_a_mild_blur():
    image = np.random.default_rng(0).random((20, 26))
    blur = Blur(gaussian_psf(0.6), (20, 26))
    np.testing.assert_allclose(blur.wiener(blur.forward(image), 1e-12), image, atol=1e-6)
    np.testing.assert_allclose(blur.wiener(image, 1e9), 0, atol=1e-6)


def test_asymmetric_spread_is_refused():
    with pytest.raises(ValueError, match="mirror"):
        Blur(np.array([[0.0, 0.2, 0.8]]), (8, 8))
    with pytest.raises(ValueError, match="odd"):
        Blur(np.ones((2, 3)) / 6, (8, 8))


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.integers(0, 1000))
def test_binning_and_its_inverse(factor, rows, columns, seed):
    binning = Binning(factor)
    binned = np.random.default_rng(seed).standard_normal((rows, columns))
    image = binning.pseudo_inverse(binned)
    assert image.shape == (rows * factor, columns * factor)
    np.testing.assert_allclose(binning.forward(image), binned, atol=1e-14)
    # Penrose: what is projected is the nearest image that bins to the same
    other = np.random.default_rng(seed + 1).standard_normal(image.shape)
    projected = binning.pseudo_inverse(binning.forward(other))
    np.testing.assert_allclose(np.vdot(projected, other - projected), 0, atol=1e-10)


def test_binning_averages():
    np.testing.assert_array_equal(Binning(2).forward(np.arange(8.0).reshape(2, 4)), [[2.5, 4.5]])


def test_numbers_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="cannot be binned"):
        Binning(2).forward(np.zeros((4, 5)))
    with pytest.raises(ValueError, match="at least 1"):
        Binning(0)
    for call in (lambda: gaussian_psf(0), lambda: airy_psf(0.5, -1, 0.1), lambda: gaussian_sigma(0.5, 1, 0)):
        with pytest.raises(ValueError, match="must be positive"):
            call()


def test_requests_reckon_with_the_same_widths():
    """They have numbers of their own, since what is tested here takes scipy to import."""
    told = (options._WIDEST, options._GAUSSIAN_OF_AIRY)
    assert told == pytest.approx((WIDEST, AIRY_WIDTH), rel=1e-3)
