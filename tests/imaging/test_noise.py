"""The noise that was put into an image is found again, with structure, stretching, clipping and dark grounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage import data

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.camera import Camera, simulate
from napari_microdiff.imaging.noise import estimate_camera, estimate_camera_from_frames, noise_sigma
from napari_microdiff.imaging.samples import filaments_and_blobs, nuclei


def _picture(name):
    """A picture with a full scale of 1, smoothed by half a pixel since its own noise would count too."""
    image = getattr(data, name)().astype(float)
    if image.ndim == 3:
        image = image[..., 1]
    return ndimage.gaussian_filter(image / image.max(), 0.7)


CLEAN = {
    "camera": _picture("camera"),
    "coins": _picture("coins"),
    "retina": _picture("retina")[300:900, 300:900],
    "tissue": _picture("immunohistochemistry"),
    "filaments": filaments_and_blobs() / 50,
    "nuclei": nuclei() / 50,
}


def _exposed(name, peak, camera, seed=0):
    """A noisy image and the root mean square of its noise."""
    photons = peak * CLEAN[name]
    noise = np.sqrt(camera.gain**2 * photons.mean() + camera.read_noise**2)
    return simulate(photons, camera, np.random.default_rng(seed)), noise


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("peak", [30, 100])
def test_gain_of_one_image_with_structure(name, peak):
    camera = Camera(gain=2.0, offset=100.0, read_noise=3.0)
    image, noise = _exposed(name, peak, camera)
    found = estimate_camera(image)
    assert found.gain == pytest.approx(camera.gain, rel=0.15)
    assert noise_sigma(image) == pytest.approx(noise, rel=0.05)
    levels = np.quantile(camera.gain * peak * CLEAN[name] + camera.offset, [0.1, 0.5, 0.9])
    np.testing.assert_allclose(found.noise(levels), camera.noise(levels), rtol=0.1)


@pytest.mark.parametrize("name", ["camera", "tissue", "filaments", "nuclei"])
def test_an_image_stretched_to_8_bits(name):
    image, noise = _exposed(name, 50, Camera(gain=2.0, offset=100.0, read_noise=3.0))
    low, high = np.percentile(image, [0.2, 99.8])
    scale = 255 / (high - low)
    stretched = np.clip(np.round((image - low) * scale), 0, 255).astype(np.uint8)
    assert estimate_camera(stretched).gain == pytest.approx(2 * scale, rel=0.15)
    assert noise_sigma(stretched) == pytest.approx(noise * scale, rel=0.05)


def test_a_dark_ground_that_was_cut_off():
    image, _ = _exposed("nuclei", 50, Camera(gain=2.0, offset=100.0, read_noise=3.0))
    low, high = np.percentile(image, [30, 100])
    scale = 255 / (high - low)
    found = estimate_camera(np.clip(np.round((image - low) * scale), 0, 255).astype(np.uint8))
    grey = scale * (np.array([150.0, 180.0]) - low)
    np.testing.assert_allclose(found.variance(grey), scale**2 * (2 * np.array([50.0, 80.0]) + 9), rtol=0.2)


@pytest.mark.parametrize("gain", [1.0, 12.0])
@pytest.mark.parametrize("peak", [0.5, 3, 10])
def test_single_photons_on_a_dark_ground(gain, peak):
    image, noise = _exposed("filaments", peak, Camera(gain=gain))
    found = estimate_camera(image.astype(np.uint16))
    assert found.gain == pytest.approx(gain, rel=0.15)
    assert noise_sigma(image) == pytest.approx(noise, rel=0.05)


def test_a_few_bright_spots_in_the_dark():
    photons = np.full((512, 512), 1.0)
    rng = np.random.default_rng(0)
    photons[tuple(rng.integers(0, 512, (2, 40)))] = 4000
    camera = Camera(gain=2.0, offset=100.0, read_noise=3.0)
    image = simulate(ndimage.gaussian_filter(photons, 2.5), camera, rng)
    found = estimate_camera(image)
    assert found.noise(102.0) == pytest.approx(camera.noise(102.0), rel=0.05)
    assert found.noise(250.0) == pytest.approx(camera.noise(250.0), rel=0.2)


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_white_noise(name, sigma):
    clean = CLEAN[name]
    image = clean + sigma * np.random.default_rng(0).standard_normal(clean.shape)
    assert noise_sigma(image) == pytest.approx(sigma, rel=0.1)
    assert estimate_camera(image).noise(np.median(clean)) == pytest.approx(sigma, rel=0.12)


def test_saturated_areas_do_no_harm():
    image, _ = _exposed("camera", 100, Camera(gain=2.0, offset=100.0, read_noise=3.0))
    assert estimate_camera(np.minimum(image, 240)).gain == pytest.approx(2.0, rel=0.15)


def test_units_carry_over():
    image, _ = _exposed("camera", 30, Camera(gain=2.0, offset=100.0, read_noise=3.0))
    found, large = estimate_camera(image), estimate_camera(image * 1e150 - 5e150)
    assert large.gain == pytest.approx(found.gain * 1e150, rel=1e-6)
    np.testing.assert_allclose(large.noise(200e150 - 5e150), 1e150 * found.noise(200.0), rtol=1e-6)
    assert noise_sigma(image * 1e-150) == pytest.approx(noise_sigma(image) * 1e-150, rel=1e-6)


def test_stacks_and_colours_are_measured_together():
    image, noise = _exposed("camera", 30, Camera(gain=2.0, offset=100.0, read_noise=3.0))
    assert estimate_camera(np.stack([image] * 3, axis=-1), "YXS").gain == pytest.approx(2.0, rel=0.15)
    assert noise_sigma(np.stack([image] * 5), "ZYX") == pytest.approx(noise, rel=0.05)


def test_pixels_that_are_not_finite_are_left_out():
    image, noise = _exposed("camera", 30, Camera(gain=2.0, offset=100.0, read_noise=3.0))
    image[::37, ::41] = np.nan
    image[5, 7] = np.inf
    assert noise_sigma(image) == pytest.approx(noise, rel=0.05)
    with pytest.raises(ImageError, match="no finite"):
        noise_sigma(np.full((20, 20), np.nan))
    with pytest.raises(ImageError, match="too large"):
        estimate_camera(np.array([[-1.7e308, 1.7e308]] * 2))


def _lost(shape, kind):
    """Pixels among which no square of 10 is free."""
    if isinstance(kind, float):
        return np.random.default_rng(1).random(shape) < kind
    lost = np.zeros(shape, bool)
    lost[:: abs(kind)] = True
    return lost if kind > 0 else lost.T


@pytest.mark.parametrize("kind", [8, 4, 2, -2, 0.05, 0.1, 0.5], ids=str)
def test_lost_lines_and_scattered_pixels_leave_the_noise_of_the_others(kind):
    camera = Camera(gain=2.0, offset=100.0, read_noise=3.0)
    image, noise = _exposed("nuclei", 50, camera)
    rest = np.where(_lost(image.shape, kind), np.nan, image)
    levels = np.quantile(camera.gain * 50 * CLEAN["nuclei"] + camera.offset, [0.1, 0.5, 0.9])
    np.testing.assert_allclose(estimate_camera(rest).noise(levels), camera.noise(levels), rtol=0.12)
    assert noise_sigma(rest) == pytest.approx(noise, rel=0.1)


def test_where_no_two_pixels_are_left_side_by_side_nothing_is_measured():
    image, _ = _exposed("nuclei", 50, Camera(gain=2.0))
    image[np.indices(image.shape).sum(axis=0) % 2 == 0] = np.nan
    assert estimate_camera(image) == Camera(0.0)


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (3, 3), (9, 200), (64, 64)])
def test_a_constant_image_has_no_noise(shape):
    assert estimate_camera(np.full(shape, 7.0)) == Camera(0.0)
    assert noise_sigma(np.full(shape, 7.0)) == 0


@given(hnp.arrays(st.sampled_from([np.uint8, np.int16, np.float32]), st.tuples(st.integers(1, 24), st.integers(1, 24))))
def test_any_small_image_gives_a_possible_camera(image):
    if not np.isfinite(image).any():
        return
    camera = estimate_camera(image)
    assert camera.gain >= 0
    assert camera.read_noise >= 0
    assert camera.offset >= 0
    assert np.isfinite(noise_sigma(image))


@pytest.mark.parametrize("number", [2, 3, 10])
@pytest.mark.parametrize("name", CLEAN)
def test_repeated_frames(name, number):
    camera = Camera(gain=2.0, offset=100.0, read_noise=3.0)
    frames = np.stack([_exposed(name, 50, camera, seed)[0] for seed in range(number)])
    found = estimate_camera_from_frames(frames)
    assert found.gain == pytest.approx(camera.gain, rel=0.06)
    np.testing.assert_allclose(found.noise([130.0, 180.0]), camera.noise([130.0, 180.0]), rtol=0.04)


def test_how_an_image_lies_in_memory_does_not_change_its_camera():
    frames = np.stack([_exposed("nuclei", 50, Camera(gain=2.0, offset=100.0), seed)[0][:90, :110] for seed in (0, 1)])
    assert estimate_camera(np.asfortranarray(frames[0])) == estimate_camera(frames[0])
    assert noise_sigma(np.asfortranarray(frames[0])) == noise_sigma(frames[0])
    assert estimate_camera_from_frames(np.asfortranarray(frames)) == estimate_camera_from_frames(frames)


def test_frames_of_drifting_brightness():
    camera = Camera(gain=2.0, offset=100.0, read_noise=3.0)
    frames = np.stack([_exposed("coins", 50, camera, seed)[0] + 20 * seed for seed in range(3)])
    assert estimate_camera_from_frames(frames).gain == pytest.approx(camera.gain, rel=0.06)


@pytest.mark.parametrize("shape", [(1, 20, 20), (20, 20)])
def test_one_frame_is_not_enough(shape):
    with pytest.raises(ImageError, match="At least two frames"):
        estimate_camera_from_frames(np.zeros(shape))
