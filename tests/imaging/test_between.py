"""The best linear estimate between slices: exact where the answer is known, and better than interpolation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_microdiff.imaging.between import ACROSS, SLICES, between_filter
from napari_microdiff.imaging.spectrum import BANDS, measure_spectrum


@given(st.integers(2, 10), st.integers(0, 2**31))
def test_weights_keep_brightness_and_are_mirrored(factor: int, seed: int) -> None:
    powers = np.exp(np.random.default_rng(seed).uniform(-6, 3, BANDS))
    told = between_filter(powers, factor)
    assert told.kernels.shape == (factor - 1, SLICES, 2 * ACROSS + 1)
    np.testing.assert_allclose(told.kernels.sum(axis=(1, 2)), 1, atol=1e-3)
    # What is near the one slice is as far from the other one as its mirror image, and left is as right.
    np.testing.assert_allclose(told.kernels, told.kernels[::-1, ::-1, ::-1], atol=1e-3)
    np.testing.assert_allclose(told.errors, told.errors[::-1], rtol=1e-2)
    assert (told.errors > 0).all()


def test_of_noise_nothing_is_known_but_its_mean() -> None:
    told = between_filter(np.ones(BANDS), 4)
    # The mean of 36 pixels is off by a sixth of their deviation.
    assert told.errors == pytest.approx(np.sqrt(1 + 1 / told.kernels[0].size), rel=0.02)
    assert told.contrast == pytest.approx(1, rel=0.02)


def test_it_is_nearer_to_the_truth_than_interpolation_and_says_how_near() -> None:
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.standard_normal((512, 512)), 2.5)
    image = (image / image.std() + 0.3 * rng.standard_normal(image.shape)).astype(np.float32)
    factor = 4
    told = between_filter(measure_spectrum(image[None]).powers, factor)
    rows = image[::factor]
    for row in range(1, factor):
        part = row / factor
        truth = image[row::factor][1 : len(rows) - 2]
        linear = (1 - part) * rows[1:-2] + part * rows[2:-1]
        shown = np.stack([rows[k : len(rows) - 3 + k] for k in range(SLICES)])
        made = sum(ndimage.correlate1d(s, w, axis=1) for s, w in zip(shown, told.kernels[row - 1], strict=True))
        error, bar = (float(np.sqrt(np.mean((estimate - truth) ** 2))) for estimate in (made, linear))
        assert error < 0.97 * bar
        assert error == pytest.approx(float(told.errors[row - 1]), rel=0.08)
