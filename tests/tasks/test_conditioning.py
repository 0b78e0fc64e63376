from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.signal import convolve2d

from napari_microdiff import denoise
from napari_microdiff.imaging.wiener import RADIUS, wiener_kernel
from napari_microdiff.tasks.conditioning import (
    filtered,
    noisy_condition,
    object_condition,
    range_around,
    range_of_sharp,
    reflected,
)


def condition_of(noisy: torch.Tensor):
    return noisy_condition(noisy, torch.zeros_like(noisy), torch.full((len(noisy),), 0.3), torch.zeros(len(noisy), 34))


def test_what_a_denoiser_is_shown() -> None:
    noisy, guess = torch.randn(2, 1, 8, 8), torch.randn(2, 1, 8, 8)
    condition = noisy_condition(noisy, guess, torch.tensor([0.1, 0.2]), torch.ones(2, 34))
    assert condition.maps is not None
    assert torch.equal(condition.maps[:, :1], noisy)
    assert torch.equal(condition.maps[:, 1:], guess)
    assert condition.guess is guess


@pytest.mark.parametrize("shape", [(1, 1), (31, 50), (64, 67)])
def test_a_filter_is_a_convolution(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((2 * RADIUS + 1, 2 * RADIUS + 1)).astype(np.float32)
    images = rng.standard_normal((2, 1, shape[0] + 2 * RADIUS, shape[1] + 2 * RADIUS)).astype(np.float32)
    result = filtered(torch.from_numpy(images), kernel)
    assert result.shape == (2, 1, *shape)
    for image, made in zip(images, result, strict=True):
        np.testing.assert_allclose(made[0], convolve2d(image[0], kernel, mode="valid"), atol=1e-3)


def test_a_whole_image_keeps_its_shape_and_brightness() -> None:
    flat = torch.full((1, 1, 30, 40), 3.0)
    kernel = wiener_kernel(np.linspace(1, 0.1, 16))
    torch.testing.assert_close(filtered(reflected(flat), kernel), flat, rtol=1e-5, atol=0)


def test_where_an_image_begins_in_memory_does_not_change_the_result() -> None:
    kernel = wiener_kernel(np.linspace(1, 0.1, 16))
    memory = np.random.default_rng(0).standard_normal(120 * 120 + 8).astype(np.float32)
    image = torch.from_numpy(memory[: 120 * 120].reshape(120, 120).copy())
    expected = filtered(image, kernel)
    for start in range(1, 8):
        shifted = np.empty(120 * 120 + 8, np.float32)[start:][: 120 * 120].reshape(120, 120)
        shifted[...] = image.numpy()
        assert torch.equal(filtered(torch.from_numpy(shifted), kernel), expected)


def test_the_range_around_a_pixel() -> None:
    noisy = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 1, 20, 30)).astype(np.float32))
    low, high = range_around(condition_of(noisy))
    highest, lowest = (
        f(noisy[0, 0].numpy(), 7, mode="nearest") for f in (ndimage.maximum_filter, ndimage.minimum_filter)
    )
    slack = 0.25 * (highest - lowest)
    np.testing.assert_allclose(high[0, 0], highest + slack, rtol=1e-6)
    np.testing.assert_allclose(low[0, 0], lowest - slack, rtol=1e-6)


@pytest.mark.parametrize("noise", [0.02, 0.3, 2.0])
def test_a_clean_image_lies_within_the_range_of_its_noisy_one(noise: float) -> None:
    rng = np.random.default_rng(1)
    clean = ndimage.gaussian_filter(rng.standard_normal((200, 200)), 1.5) * 5
    clean[50, 50] = 30.0
    noisy = torch.from_numpy((clean + noise * rng.standard_normal(clean.shape)).astype(np.float32))[None, None]
    low, high = (part[0, 0].numpy() for part in range_around(condition_of(noisy)))
    assert ((clean >= low) & (clean <= high)).all()


def test_a_model_that_goes_astray_does_not_leave_the_range_of_the_image(harmful_model: str, noisy: np.ndarray) -> None:
    result = denoise(noisy, model=harmful_model, device="cpu", steps=6, outputs=("mean", "sample", "uncertainty"))
    span = float(np.ptp(noisy))
    for image in (result.mean, result.sample):
        assert image is not None
        assert noisy.min() - 0.3 * span < image.min()
        assert image.max() < noisy.max() + 0.3 * span
    assert result.uncertainty is not None
    assert result.uncertainty.max() <= 0.75 * span


def test_specks_are_shown_no_brighter_than_objects() -> None:
    image = torch.tensor([[[[-0.5, 40.0]]]])
    condition = object_condition(image)
    assert condition.maps is not None
    assert condition.maps.shape == (1, 4, 1, 2)
    assert condition.maps[0, 0].tolist() == [[-0.5, 3.0]]
    assert not condition.maps[0, 1:].any()


def test_the_range_of_finer_pixels() -> None:
    measured = torch.zeros(2, 1, 7, 9)
    measured[0, 0, 3, 4] = 10  # a speck
    measured[1] = 5
    low, high = range_of_sharp(measured, torch.tensor([0.0, 0.5]), 3)
    assert low.shape == high.shape == (2, 1, 21, 27)
    assert (low[1] == 3.5).all()
    assert (high[1] == 6.5).all()
    near = np.zeros((7, 9), bool)
    near[1:6, 2:7] = True
    near = near.repeat(3, axis=0).repeat(3, axis=1)
    np.testing.assert_array_equal(high[0, 0].numpy(), np.where(near, 40.0, 0.0))
    np.testing.assert_array_equal(low[0, 0].numpy(), np.where(near, -30.0, 0.0))
