"""Squares are recorded as a microscope would, batches are repeatable, and a network can learn from them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_microdiff.diffusion.denoiser import Preconditioned
from napari_microdiff.diffusion.unet import LocalUNet
from napari_microdiff.imaging.optics import Binning, Blur, PointSpread
from napari_microdiff.models.card import Architecture
from napari_microdiff.tasks.conditioning import NOISELESS, SUPERRESOLVING_LENGTH, noisy_condition
from napari_microdiff.training.course import open_course
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.restore.recipe import Clean, Noise
from napari_microdiff.training.restore.sources import CleanPlane, Sources, load_sources
from napari_microdiff.training.superresolve.data import CROP, FIELD, SuperresolveBatches, normalise
from napari_microdiff.training.superresolve.recipe import SuperresolveRecipe
from napari_microdiff.training.superresolve.simulate import Recorded, draw_psf, record_blurred
from napari_microdiff.training.superresolve.validate import Validation, cubic


@pytest.fixture(scope="module")
def recipe() -> SuperresolveRecipe:
    return SuperresolveRecipe(
        task="superresolve",
        id="superres-small",
        title="Small",
        summary="for tests",
        architecture=Architecture(condition_channels=2, vector_length=SUPERRESOLVING_LENGTH, widths=(8, 8), blocks=1),
        clean=(Clean(files="alone/*.tif", shrink=(1.0, 2.0)),),
        procedural="fluorescence",
        procedural_count=2,
        steps=4,
    )


@pytest.fixture(scope="module")
def batches(recipe: SuperresolveRecipe, data_folder: Path) -> SuperresolveBatches:
    return SuperresolveBatches(recipe, load_sources(recipe, data_folder), seed=3)


def test_a_batch_has_two_crops_of_each_field(batches: SuperresolveBatches) -> None:
    batch = batches[0]
    assert batch.noisy.shape == batch.clean.shape == batch.guess.shape == (8, 1, CROP, CROP)
    assert batch.vector.shape == (8, SUPERRESOLVING_LENGTH)
    torch.testing.assert_close(batch.noise, (batch.noisy - batch.clean).pow(2).mean(dim=(1, 2, 3)))
    assert all(torch.isfinite(part).all() for part in batch)
    assert (batch.noisy[..., ::2, ::2] == batch.noisy[..., 1::2, 1::2]).all()  # pixels of the camera, repeated


def test_a_run_can_be_resumed_at_any_batch(batches: SuperresolveBatches) -> None:
    resumed = SuperresolveBatches(batches.recipe, batches.sources, seed=3, first=5)
    for a, b in zip(batches[7], resumed[2], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert not torch.equal(batches[0].clean, batches[1].clean)


def test_a_recording_without_noise_is_what_optics_and_pixels_make(recipe: SuperresolveRecipe) -> None:
    quiet = recipe.model_copy(update={"noiseless": 1.0})
    sharp = torch.rand(64, 96, generator=torch.Generator().manual_seed(0))
    for seed in range(8):
        seen = record_blurred(quiet, sharp, np.random.default_rng(seed), torch.Generator())
        blurred = Blur(seen.psf.kernel(seen.factor), (64, 96)).forward(sharp.numpy())
        expected = Binning(seen.factor).forward(blurred)
        np.testing.assert_allclose(seen.image.numpy(), expected, atol=1e-6)
        assert seen.noise in (0.0, None)


def test_optics_vary_as_the_recipe_says(recipe: SuperresolveRecipe) -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_psf(recipe, rng) for _ in range(400)]
    widths = np.array([psf.width for psf in drawn])
    assert np.mean(widths == 0) == pytest.approx(recipe.unblurred, abs=0.07)
    blurred = widths[widths > 0]
    assert blurred.min() >= recipe.psf_px[0] * 0.999
    assert blurred.max() <= recipe.psf_px[1] * 1.001
    assert 0.2 < np.mean([psf.airy is not None for psf in drawn]) < 0.5
    assert np.median(blurred) == pytest.approx(math.sqrt(np.prod(recipe.psf_px)), rel=0.15)


def test_what_is_told_is_the_noise_the_blur_and_the_factor() -> None:
    rng = np.random.default_rng(0)
    sharp = torch.from_numpy(rng.random((FIELD, FIELD)).astype(np.float32))
    vectors = {}
    for factor, width, noise in ((2, 0.0, 0.0), (4, 0.0, 0.0), (2, 1.0, 0.0), (2, 0.0, None)):
        image = torch.from_numpy(Binning(factor).forward(sharp.numpy()).astype(np.float32))
        field = normalise(Recorded(image, PointSpread(width), factor, noise), sharp, None)
        assert field.noisy.shape == field.clean.shape == field.guess.shape == (FIELD, FIELD)
        vectors[factor, width, noise] = field.vector
    base = vectors[2, 0.0, 0.0]
    assert float(base[1]) == pytest.approx((math.log10(NOISELESS) + 1) / 0.6, rel=1e-4)
    assert float(vectors[2, 0.0, None][1]) > float(base[1])
    changed = [(vectors[key][-3:] != base[-3:]).tolist() for key in ((4, 0.0, 0.0), (2, 1.0, 0.0))]
    assert changed == [[True, False, False], [False, True, True]]


def test_an_untrained_network_is_the_linear_estimate(recipe: SuperresolveRecipe, data_folder: Path) -> None:
    validation = Validation(recipe, load_sources(recipe, data_folder, validation=True))
    torch.manual_seed(0)
    denoiser = Preconditioned(LocalUNet(**recipe.architecture.model_dump()), 0.5, 2.5)
    assert validation.measure(denoiser) == pytest.approx({"recorded": 0.0, "procedural": 0.0}, abs=1e-4)
    assert min(validation.gain_over_cubic(denoiser).values()) > 0.2
    assert validation.spread_scale(denoiser) > 0


def test_blank_images_are_not_judged_by(recipe: SuperresolveRecipe) -> None:
    seen = np.random.default_rng(0).random((FIELD, FIELD)).astype(np.float32)
    planes = [CleanPlane(image, (1.0, 1.0), 1.0) for image in (seen, np.zeros_like(seen))]
    validation = Validation(recipe, Sources([], planes, planes[:1]))
    denoiser = Preconditioned(LocalUNet(**recipe.architecture.model_dump()), 0.5, 2.5)
    for figures in (validation.measure(denoiser), validation.gain_over_cubic(denoiser)):
        assert list(figures) == ["recorded", "procedural"]
        assert np.isfinite(list(figures.values())).all()
    assert np.isfinite(validation.spread_scale(denoiser))


def test_cubic_interpolation_keeps_the_corners_of_the_image() -> None:
    ramp = np.tile(np.arange(16.0), (16, 1))
    made = cubic(ramp, 2)
    assert made.shape == (32, 32)
    np.testing.assert_allclose(np.diff(made[8, 8:24]), 0.5, atol=1e-3)
    assert made[8, 15] + made[8, 16] == pytest.approx(15.0, abs=1e-3)  # the middle of the image stays in the middle


def test_a_network_learns_what_the_linear_estimate_does_not_know(recipe: SuperresolveRecipe, data_folder: Path) -> None:
    quiet = recipe.model_copy(update={"noise": Noise(psnr_db=(30, 40)), "batch_fields": 1, "noiseless": 0.5})
    batch = SuperresolveBatches(quiet, load_sources(quiet, data_folder), seed=0)[0]
    course = open_course(quiet, data_folder, data_folder / "cache")
    torch.manual_seed(0)
    denoiser = Preconditioned(LocalUNet(**recipe.architecture.model_dump()), course.sigma_data(), 2.5)
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=0.01)

    def gain() -> float:
        condition = noisy_condition(batch.noisy, batch.guess, batch.guess_error, batch.vector)
        highest = denoiser.blind_from(1.0) * batch.guess_error
        with torch.inference_mode():
            made = denoiser(torch.zeros_like(batch.clean), highest, condition).mean
        before, after = ((image - batch.clean).pow(2).mean(dim=(1, 2, 3)) for image in (batch.guess, made))
        return float(10 * (before / after).log10().mean())

    assert gain() == pytest.approx(0, abs=1e-3)
    for step in range(60):
        loss = course.loss(denoiser, batch, torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        (loss.mean + loss.spread).backward()
        optimizer.step()
    assert gain() > 0.05  # dB


@pytest.mark.parametrize("name", ["superres-em", "superres-fluorescence"])
def test_bundled_recipes_make_networks_that_the_task_can_use(name: str) -> None:
    recipe = read_recipe(name)
    assert isinstance(recipe, SuperresolveRecipe)
    assert recipe.architecture.vector_length == SUPERRESOLVING_LENGTH
    assert recipe.architecture.condition_channels == 2
