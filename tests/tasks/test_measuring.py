"""Operators on tensors are those on arrays, and images are brought in line with what was measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_microdiff.imaging.optics import Binning, Blur, PointSpread
from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.tasks.measuring import Measuring

SPREADS = [
    PointSpread(),
    PointSpread(0.4),
    PointSpread(1.3),
    PointSpread(airy=(0.52, 1.2, 0.1)),
    PointSpread(parts=(("airy", 0.9, 0.8), ("gaussian", 2.0, 0.2))),
    PointSpread(parts=(("airy", 0.9, 0.7), ("airy", 1.1, 0.3))),
]


def measured(image, psf, factor):
    return Binning(factor).forward(Blur(psf.kernel(factor), image.shape).forward(image))


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("psf", SPREADS)
def test_operators_are_those_of_the_microscope_and_their_adjoints(psf, factor):
    rng = np.random.default_rng(0)
    measuring = Measuring(psf, factor)
    x, y = rng.standard_normal((24, 36)), rng.standard_normal((24 // factor, 36 // factor))
    ax = measuring.forward(torch.from_numpy(x).float())
    np.testing.assert_allclose(ax.numpy(), measured(x, psf, factor), atol=1e-6)
    left = float((ax.double() * torch.from_numpy(y)).sum())
    right = float((torch.from_numpy(x) * measuring.adjoint(torch.from_numpy(y).float()).double()).sum())
    assert left == pytest.approx(right, abs=1e-4)


@given(
    factor=st.integers(2, 5),
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    psf=st.sampled_from(SPREADS),
    seed=st.integers(0, 9),
)
def test_any_image_is_brought_in_line_with_what_was_measured(factor, rows, columns, psf, seed):
    rng = np.random.default_rng(seed)
    truth = filaments_and_blobs((factor * rows + 64, factor * columns + 64), seed=seed)
    truth = truth[: factor * rows, : factor * columns].astype(np.float64)
    y = torch.from_numpy(measured(truth, psf, factor)).float()
    off = 0.05 * np.ptp(truth) * rng.standard_normal(truth.shape)  # of the image's range, as an estimate is off
    guess = torch.from_numpy(truth + off).float()
    sharp = guess + Measuring(psf, factor).correction(guess, y)
    again = measured(sharp.double().numpy(), psf, factor)
    rounded = 1e-5 * np.abs(truth).max()  # in single precision
    np.testing.assert_allclose(again, y.numpy(), rtol=0, atol=1e-4 * np.ptp(truth) + rounded)


@pytest.mark.parametrize("psf", SPREADS)
def test_under_noise_the_correction_is_that_of_its_formula(psf):
    rng, factor, ridge = np.random.default_rng(0), 2, 0.03
    x, y = rng.standard_normal((12, 16)), rng.standard_normal((6, 8))
    operator = np.stack([measured(one.reshape(12, 16), psf, factor).ravel() for one in np.eye(192)], axis=1)
    solved = np.linalg.solve(operator @ operator.T + ridge * np.eye(48), y.ravel() - operator @ x.ravel())
    added = Measuring(psf, factor).correction(torch.from_numpy(x).float(), torch.from_numpy(y).float(), ridge)
    np.testing.assert_allclose(added.numpy().ravel(), operator.T @ solved, atol=2e-5)


def test_without_blur_the_correction_is_the_projection_by_binning():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((8, 12)), rng.standard_normal((4, 6))
    binning = Binning(2)
    expected = binning.pseudo_inverse(y - binning.forward(x))
    added = Measuring(PointSpread(), 2).correction(torch.from_numpy(x).float(), torch.from_numpy(y).float())
    np.testing.assert_allclose(added.numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("psf", [*SPREADS[1:], PointSpread(3.0), PointSpread(airy=(0.52, 1.4, 0.065))])
def test_what_is_beyond_its_reach_does_not_count(psf):
    measuring = Measuring(psf, 2)
    half = 2 * max(80, measuring.reach // 2 + 8)
    truth = filaments_and_blobs((96, 2 * half), seed=3).astype(np.float64)
    y = torch.from_numpy(measured(truth, psf, 2)).float()
    off = 0.02 * np.ptp(truth) * np.random.default_rng(0).standard_normal(truth.shape)
    guess = torch.from_numpy(truth + off).float()
    whole, part = measuring.correction(guess, y), measuring.correction(guess[:, :half], y[:, : half // 2])
    kept = half - measuring.reach
    assert float((whole[:, :kept] - part[:, :kept]).abs().max()) < 1e-3 * np.ptp(truth)
    assert float((whole[:, :kept]).abs().max()) > 1e-2 * np.ptp(truth)


@pytest.mark.parametrize("blur", [1.2, 2.0, 3.0])
def test_a_guess_far_off_is_brought_in_line_with_what_was_measured_through_a_wide_blur(blur):
    psf, rng = PointSpread(blur), np.random.default_rng(0)
    truth = filaments_and_blobs((128, 128), seed=1).astype(np.float64)
    y = torch.from_numpy(measured(truth, psf, 2)).float()
    guess = torch.from_numpy(truth + 0.2 * np.ptp(truth) * rng.standard_normal(truth.shape)).float()
    again = measured((guess + Measuring(psf, 2).correction(guess, y)).double().numpy(), psf, 2)
    np.testing.assert_allclose(again, y.numpy(), rtol=0, atol=1e-4 * np.ptp(truth))


@pytest.mark.parametrize("ridge", [1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("psf", SPREADS)
def test_under_noise_the_correction_looks_less_far(psf, ridge):
    rng, measuring = np.random.default_rng(0), Measuring(psf, 2)
    y, guess = (torch.from_numpy(rng.standard_normal(shape)).float() for shape in ((80, 160), (160, 320)))
    whole, part = measuring.correction(guess, y, ridge), measuring.correction(guess[:, :160], y[:, :80], ridge)
    reach = measuring.reach_under(ridge)
    assert reach <= measuring.reach
    kept = 160 - reach
    assert float((whole[:, :kept] - part[:, :kept]).abs().max()) < 3e-3 * float(whole.abs().max())
    if ridge == 1.0 and measuring.blurs:
        assert reach < 0.8 * measuring.reach
        assert not torch.allclose(whole[:, 158:160], part[:, 158:])
