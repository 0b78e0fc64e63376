"""Validation figures are what they say, for a denoiser whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_microdiff.diffusion.denoiser import Preconditioned
from napari_microdiff.diffusion.unet import LocalUNet
from napari_microdiff.imaging.quality import psnr
from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.training.denoise.data import normalise
from napari_microdiff.training.denoise.recipe import DenoiseRecipe
from napari_microdiff.training.denoise.validate import Validation, best_gaussian
from napari_microdiff.training.restore.predict import blind_prediction
from napari_microdiff.training.restore.sources import CleanPlane, PairPlane, Sources, load_sources


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


def test_pairs_of_which_any_number_of_rows_is_held_out_are_judged_by(
    recipe: DenoiseRecipe, untrained: Preconditioned
) -> None:
    clean = filaments_and_blobs((125, 300), seed=0).astype(np.float32)
    noisy = clean + 0.1 * np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    pairs = [PairPlane(noisy[:rows], clean[:rows]) for rows in (48, 100, 125)]
    assert np.isfinite(Validation(recipe, Sources(pairs, [], [])).measure(untrained)["pairs"])


def test_blank_places_of_images_are_not_judged_by(recipe: DenoiseRecipe, untrained: Preconditioned) -> None:
    blank = np.zeros((256, 256), np.float32)
    seen = filaments_and_blobs((256, 256), seed=0).astype(np.float32)
    planes = [CleanPlane(image, (1.0, 1.0), 1.0) for image in (seen, blank)]
    noise = np.random.default_rng(0).standard_normal(blank.shape).astype(np.float32)
    validation = Validation(recipe, Sources([PairPlane(noise, blank)], planes, planes[:1]))
    figures = validation.measure(untrained)
    assert list(figures) == ["recorded", "procedural"]
    assert np.isfinite(list(figures.values())).all()
    assert np.isfinite(validation.spread_scale(untrained))
