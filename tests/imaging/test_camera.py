"""The camera model has the mean and variance that it says, and stabilising it neither tilts nor darkens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.camera import Camera, destabilise, simulate, stabilise

CAMERAS = [
    Camera(gain=1.0),
    Camera(gain=2.0, offset=100.0, read_noise=3.0),
    Camera(gain=0.5, offset=-20.0, read_noise=4.0),
    Camera(gain=30.0, offset=10.0, read_noise=30.0),
]


@pytest.mark.parametrize("camera", CAMERAS)
def test_mean_and_variance_of_an_exposure(camera):
    rng = np.random.default_rng(0)
    for photons in (0.0, 0.5, 3.0, 40.0):
        image = simulate(np.full(400_000, photons), camera, rng)
        mean = camera.gain * photons + camera.offset
        variance = camera.gain**2 * photons + camera.read_noise**2
        assert camera.variance(mean) == pytest.approx(variance)
        assert image.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / image.size) + 1e-12)
        assert image.var() == pytest.approx(variance, rel=0.02)


def test_quantised_and_saturated_exposures():
    image = simulate(np.full((50, 50), 100.0), Camera(2.0, 10.0, 2.5), np.random.default_rng(0), quantise=True)
    assert (image == np.round(image)).all()
    image = simulate(np.full((50, 50), 100.0), Camera(2.0, 10.0, 200.0), np.random.default_rng(0), saturation=255)
    assert image.min() == 0
    assert image.max() == 255


def test_the_same_generator_gives_the_same_exposure():
    photons = np.linspace(0, 9, 100)
    first, second = (simulate(photons, CAMERAS[1], np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("numbers", [(-1, 0, 0), (1, 0, -1), (np.nan, 0, 0), (1, np.inf, 0)])
def test_impossible_cameras_are_refused(numbers):
    with pytest.raises(ValueError, match="finite"):
        Camera(*numbers)


def test_a_camera_without_gain_cannot_be_exposed():
    with pytest.raises(ValueError, match="gain 0"):
        simulate(np.ones(3), Camera(0.0, 0.0, 1.0), np.random.default_rng(0))


@given(st.floats(-1e3, 1e3))
def test_variance_is_never_negative(mean):
    assert Camera(gain=2.0, offset=100.0, read_noise=1.0).variance(mean) >= 0


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("photons", [5.0, 20.0, 200.0])
def test_stabilised_noise_has_unit_variance(camera, photons):
    noisy = simulate(np.full(200_000, photons), camera, np.random.default_rng(1))
    assert stabilise(noisy, camera).std() == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_inverse_is_unbiased(camera):
    rng = np.random.default_rng(2)
    for photons in (0.5, 1.0, 2.0, 5.0, 20.0, 100.0):
        noisy = simulate(np.full(1_000_000, photons), camera, rng)
        estimate = destabilise(stabilise(noisy, camera).mean(), camera)
        mean = camera.gain * photons + camera.offset
        # At most 3 % of the noise of a pixel; the algebraic inverse misses by about a quarter of the gain.
        assert estimate == pytest.approx(mean, abs=0.03 * float(camera.noise(mean)))


def test_the_algebraic_inverse_would_be_biased():
    camera, photons = Camera(gain=1.0), 5.0
    h = stabilise(simulate(np.full(1_000_000, photons), camera, np.random.default_rng(3)), camera).mean()
    algebraic = (h / 2 + np.sqrt(3 / 8)) ** 2 - 3 / 8
    assert photons - algebraic == pytest.approx(0.25, abs=0.05)
    assert abs(photons - destabilise(h, camera)) < 0.03


def test_it_is_the_published_transform():
    gain, offset, noise = 2.0, 100.0, 3.0
    y = np.linspace(100, 400, 50)
    published = 2 / gain * np.sqrt(np.maximum(gain * (y - offset) + 3 / 8 * gain**2 + noise**2, 0))
    shift = published[0] - stabilise(y[0], Camera(gain, offset, noise))
    np.testing.assert_allclose(stabilise(y, Camera(gain, offset, noise)) + shift, published, atol=1e-12)
    sigma = noise / gain
    inverse = published**2 / 4 + np.sqrt(1.5) / 4 / published - 11 / 8 / published**2
    inverse += 5 / 8 * np.sqrt(1.5) / published**3 - 1 / 8 - sigma**2
    np.testing.assert_allclose(
        destabilise(published - shift, Camera(gain, offset, noise)), gain * inverse + offset, atol=1e-9
    )


@pytest.mark.parametrize("gain", [1e-3, 1e-9, 1e-15, 0.0])
def test_without_gain_it_becomes_a_division(gain):
    camera = Camera(gain=gain, offset=7.0, read_noise=5.0)
    y = np.linspace(-100, 300, 20)
    np.testing.assert_allclose(stabilise(y, camera), (y - 7) / 5, atol=1e3 * gain + 1e-12)
    np.testing.assert_allclose(destabilise((y - 7) / 5, camera), y, atol=1e3 * gain + 1e-9)


def test_an_affine_change_of_units_changes_nothing():
    y = np.linspace(0, 500, 40)
    first = stabilise(y, Camera(2.0, 100.0, 3.0))
    second = stabilise(5 * y - 30, Camera(10.0, 470.0, 15.0))
    np.testing.assert_allclose(first, second, atol=1e-9)


def test_offset_and_read_noise_can_stand_for_each_other():
    y = np.linspace(100, 500, 40)
    first, second = Camera(2.0, 90.0, 6.0), Camera(2.0, 100.0, np.sqrt(36 + 20))
    difference = stabilise(y, first) - stabilise(y, second)
    np.testing.assert_allclose(difference, difference[0], atol=1e-9)
    for camera in (first, second):
        np.testing.assert_allclose(camera.variance(y), 2 * (y - 90) + 36)


@given(st.floats(-10, 300), st.floats(0.01, 50))
def test_the_inverse_grows_with_its_argument(h, step):
    camera = Camera(gain=2.0, offset=100.0, read_noise=3.0)
    assert destabilise(h + step, camera) >= destabilise(h, camera)


def test_a_camera_without_noise_cannot_be_stabilised():
    for transform in (stabilise, destabilise):
        with pytest.raises(ImageError, match="No noise"):
            transform(np.ones(3), Camera(0.0))
