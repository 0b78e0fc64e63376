"""Validation figures are what they say, for a denoiser whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_microdiff.diffusion.denoiser import Preconditioned
from napari_microdiff.diffusion.unet import LocalUNet
from napari_microdiff.imaging.quality import psnr
from napari_microdiff.training.denoise.data import normalise
from napari_microdiff.training.denoise.recipe import DenoiseRecipe
from napari_microdiff.training.denoise.validate import Validation, best_gaussian
from napari_microdiff.training.restore.predict import blind_prediction
from napari_microdiff.training.restore.sources import load_sources


@pytest.fixture(scope="module")
def untrained(recipe: DenoiseRecipe) -> Preconditioned:
    """A denoiser that answers with the guess, and with the guess's expected error."""
    torch.manual_seed(0)
    return Preconditioned(LocalUNet(**recipe.architecture.model_dump()), 0.8, 5.0).eval()


@pytest.fixture(scope="module")
def validation(recipe: DenoiseRecipe, data_folder: Path) -> Validation:
    return Validation(recipe, load_sources(recipe, data_folder, validation=True))


def test_an_untrained_denoiser_answers_with_the_guess(untrained: Preconditioned) -> None:
    rng = np.random.default_rng(0)
    clean = torch.from_numpy(rng.standard_normal((64, 64)).astype(np.float32)).cumsum(0).cumsum(1) / 30
    field = normalise(clean + 0.2 * torch.randn(64, 64, generator=torch.Generator().manual_seed(0)), clean, None)
    with torch.inference_mode():
        mean, variance = blind_prediction(untrained, field.noisy, field.guess, field.guess_error, field.vector)
    torch.testing.assert_close(mean, field.guess)
    assert variance is not None
    expected = torch.full_like(variance, field.guess_error**2)
    torch.testing.assert_close(variance, expected, rtol=0.05, atol=0)  # but for the blind level, which is not infinite


def test_gains_are_over_the_best_gaussian_of_each_image(untrained: Preconditioned, validation: Validation) -> None:
    figures = validation.measure(untrained)
    assert list(figures) == ["pairs", "recorded", "procedural"]
    for kind, items in validation._items.items():
        gains = [
            psnr(field.clean.numpy(), field.guess.numpy()) - best_gaussian(field.clean.numpy(), field.noisy.numpy())
            for field, _ in items
        ]
        assert figures[kind] == pytest.approx(float(np.mean(gains)), abs=1e-3)


def test_the_scale_of_the_spread_makes_recorded_pairs_right(untrained: Preconditioned, validation: Validation) -> None:
    errors = [
        float((field.guess - field.clean).pow(2).mean()) / field.guess_error**2
        for field, _ in validation._items["pairs"]
    ]
    assert validation.spread_scale(untrained) == pytest.approx(float(np.sqrt(np.mean(errors))), rel=0.03)
