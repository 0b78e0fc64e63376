"""Rows are left out as the recipe says, batches are repeatable, and a network begins with the linear estimate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from pydantic import ValidationError
from scipy import ndimage

from napari_microdiff.diffusion.denoiser import Preconditioned
from napari_microdiff.diffusion.unet import LocalUNet
from napari_microdiff.imaging.between import BESIDE, PLANE_MAPS
from napari_microdiff.imaging.spectrum import VECTOR_LENGTH
from napari_microdiff.models.card import Architecture
from napari_microdiff.models.store import find_model
from napari_microdiff.training.course import open_course
from napari_microdiff.training.fit import train
from napari_microdiff.training.isotropic.data import (
    CROP,
    FIELD,
    Gaps,
    IsotropicBatches,
    draw_gaps,
    normalise,
    recorded_field,
)
from napari_microdiff.training.isotropic.recipe import IsotropicRecipe
from napari_microdiff.training.isotropic.validate import Validation
from napari_microdiff.training.parent import parent_of, weights_of
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.restore.recipe import Clean
from napari_microdiff.training.restore.sources import CleanPlane, Sources, load_sources


@pytest.fixture(scope="module")
def recipe() -> IsotropicRecipe:
    return IsotropicRecipe(
        task="isotropic",
        id="isotropic-small",
        title="Small",
        summary="for tests",
        architecture=Architecture(condition_channels=3, vector_length=VECTOR_LENGTH, widths=(8, 8), blocks=1),
        clean=(Clean(files="alone/*.tif", shrink=(1.0, 1.2)),),
        procedural="electron_microscopy",
        procedural_count=2,
        steps=2,
    )


@pytest.fixture(scope="module")
def batches(recipe: IsotropicRecipe, data_folder: Path) -> IsotropicBatches:
    return IsotropicBatches(recipe, load_sources(recipe, data_folder), seed=3)


def test_a_batch_has_two_crops_of_each_field(batches: IsotropicBatches) -> None:
    batch = batches[0]
    assert batch.clean.shape == batch.guess.shape == (8, 1, CROP, CROP)
    assert batch.noisy.shape == (8, 2, CROP, CROP)
    assert batch.vector.shape == (8, VECTOR_LENGTH)
    assert all(torch.isfinite(part).all() for part in batch)
    shown = batch.noisy[:, 1:] == 0
    assert ((shown.float().mean(dim=(1, 2, 3)) > 0.05) & (shown.float().mean(dim=(1, 2, 3)) < 0.6)).all()
    for image in (batch.noisy[:, :1], batch.guess):  # rows that are shown are what was recorded
        torch.testing.assert_close(image[shown], batch.clean[shown], rtol=0, atol=0)


@pytest.fixture(scope="module")
def volume(data_folder: Path) -> np.ndarray:
    """A volume that looks alike from all sides, as a file among the data."""
    noise = np.random.default_rng(5).standard_normal((60, 64, 68))
    smooth = ndimage.gaussian_filter(noise, 1.5)
    (data_folder / "volume").mkdir()
    tifffile.imwrite(data_folder / "volume" / "0.tif", np.round(128 + 30 * smooth / smooth.std()).astype(np.uint8))
    return smooth


@pytest.fixture(scope="module")
def wide(recipe: IsotropicRecipe, volume: np.ndarray) -> IsotropicRecipe:
    """A recipe for a network that is shown neighbouring planes, where there are any."""
    shape = recipe.architecture.model_copy(update={"condition_channels": PLANE_MAPS + len(BESIDE)})
    clean = (Clean(files="volume/*.tif", isotropic=True, shrink=(1.0, 1.0), hold_out=0.0),)
    return recipe.model_copy(update={"architecture": shape, "clean": clean, "simulated": 0.0, "blurred": 0.0})


def test_neighbouring_planes_are_shown_where_there_are_any(wide: IsotropicRecipe, data_folder: Path) -> None:
    sources = load_sources(wide, data_folder)
    batch = IsotropicBatches(wide.model_copy(update={"alone": 0.0}), sources, seed=0)[0]
    assert batch.noisy.shape == (8, 2 + len(BESIDE), CROP, CROP)
    assert (batch.noisy[:, 2:].std(dim=(2, 3)) > 0).all()
    near = batch.noisy[:, 2 + BESIDE.index(1)].std()
    assert batch.noisy[:, 2 + BESIDE.index(4)].std() > 1.2 * near
    alone = IsotropicBatches(wide.model_copy(update={"alone": 1.0}), sources, seed=0)[0]
    procedural = IsotropicBatches(wide.model_copy(update={"simulated": 1.0}), sources, seed=0)[0]
    for batch in (alone, procedural):
        assert batch.noisy.shape == (8, 2 + len(BESIDE), CROP, CROP)
        assert (batch.noisy[:, 2:] == 0).all()


def test_neighbouring_planes_are_varied_as_the_plane_itself(wide: IsotropicRecipe, data_folder: Path) -> None:
    """Of a volume of which all planes across z are equal, neighbours differ by nothing, whatever is done to them."""
    same = np.repeat(np.random.default_rng(0).integers(0, 255, (1, 300, 300)).astype(np.float32), 9, axis=0)
    plane = CleanPlane(same[4], (0.9, 1.1), 1.0, same, 4)
    for seed in range(6):
        recipe = wide.model_copy(update={"alone": 0.0, "noisier": 0.0, "blurred": 0.5})
        rng = np.random.default_rng(seed)
        images = recorded_field(recipe, plane, rng, torch.Generator(), procedural=False)
        assert images.shape == (1 + len(BESIDE), FIELD, FIELD)
        torch.testing.assert_close(images, images[:1].expand_as(images))


def test_a_network_is_shown_all_neighbours_or_none(recipe: IsotropicRecipe) -> None:
    assert recipe.beside == ()
    told = recipe.model_dump() | {"architecture": recipe.architecture.model_dump() | {"condition_channels": 5}}
    with pytest.raises(ValidationError, match="3, or 9 if neighbouring planes"):
        IsotropicRecipe.model_validate(told)


def test_a_run_can_be_resumed_at_any_batch(batches: IsotropicBatches) -> None:
    resumed = IsotropicBatches(batches.recipe, batches.sources, seed=3, first=5)
    for a, b in zip(batches[7], resumed[2], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert not torch.equal(batches[0].clean, batches[1].clean)


def test_gaps_are_those_of_the_recipe(recipe: IsotropicRecipe) -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_gaps(recipe, rng) for _ in range(300)]
    assert {gaps.factor for gaps in drawn} == set(range(2, 11))
    assert all(0 <= gaps.first < gaps.factor for gaps in drawn)
    assert {gaps.first for gaps in drawn} == set(range(10))


def test_rows_between_are_interpolated_and_doubted(recipe: IsotropicRecipe) -> None:
    image = torch.from_numpy(np.random.default_rng(0).random((256, 256)).astype(np.float32))
    field = normalise(recipe, image[None], Gaps(4, 2), None)
    assert field.noisy.shape == (2, 253, 256)
    assert field.clean.shape == field.guess.shape == (253, 256)
    middle = (field.clean[4] + field.clean[8]) / 2
    torch.testing.assert_close(field.noisy[0, 6], middle)
    doubts = field.noisy[1, :, 0]
    assert (doubts[::4] == 0).all()
    assert float(doubts[1:4].pow(2).mean().sqrt()) == pytest.approx(1, rel=1e-4)


def test_an_untrained_network_is_the_linear_estimate(recipe: IsotropicRecipe, data_folder: Path) -> None:
    validation = Validation(recipe, load_sources(recipe, data_folder, validation=True))
    torch.manual_seed(0)
    denoiser = Preconditioned(LocalUNet(**recipe.architecture.model_dump()), 0.5, 2.5)
    assert validation.measure(denoiser) == pytest.approx({"recorded": 0.0, "procedural": 0.0}, abs=1e-4)
    assert validation.gain_over_interpolation(denoiser)["procedural"] > 0.2
    assert validation.spread_scale(denoiser) > 0


def test_blank_images_are_not_judged_by(recipe: IsotropicRecipe) -> None:
    seen = np.random.default_rng(0).random((FIELD, FIELD)).astype(np.float32)
    planes = [CleanPlane(image, (1.0, 1.0), 1.0) for image in (seen, np.zeros_like(seen))]
    validation = Validation(recipe, Sources([], planes, planes[:1]))
    denoiser = Preconditioned(LocalUNet(**recipe.architecture.model_dump()), 0.5, 2.5)
    for figures in (validation.measure(denoiser), validation.gain_over_interpolation(denoiser)):
        assert list(figures) == ["recorded", "procedural"]
        assert np.isfinite(list(figures.values())).all()
    assert np.isfinite(validation.spread_scale(denoiser))


def test_a_run_makes_a_model_for_the_task(recipe: IsotropicRecipe, data_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe.model_dump_json(), encoding="utf-8")
    train(file, data_folder, tmp_path / "run", device="cpu")
    course = open_course(recipe, data_folder, tmp_path / "cache")
    assert course.sigma_data() > 0
    card = (tmp_path / "run" / "model" / "card.yaml").read_text()
    assert "task: isotropic" in card
    assert "linear interpolation" in card


def test_the_bundled_recipe_begins_with_the_denoiser_shown_more_maps() -> None:
    recipe = read_recipe("isotropic-em")
    assert isinstance(recipe, IsotropicRecipe)
    parent = parent_of(recipe)
    assert parent is not None
    assert parent.card.id == "denoise-em"
    wide = Preconditioned(LocalUNet(**recipe.architecture.model_dump()), parent.card.sigma_data, parent.card.sigma_max)
    wide.network.load_state_dict(weights_of(parent, recipe))
    narrow = LocalUNet(**find_model("denoise-em").card.architecture.model_dump())
    stem, other = wide.network.features.stem.weight, narrow.features.stem.weight
    added = stem.shape[1] - other.shape[1]
    assert added == (1 + len(BESIDE)) * recipe.architecture.unshuffle**2
    assert (stem[:, -1 - added : -1] == 0).all()


def test_a_run_may_begin_with_a_model_that_is_shown_no_neighbours(recipe: IsotropicRecipe, lone_slicer: str) -> None:
    shape = recipe.architecture.model_copy(update={"condition_channels": PLANE_MAPS + len(BESIDE)})
    wider = recipe.model_copy(update={"architecture": shape, "start_from": lone_slicer})
    parent = parent_of(wider)
    assert parent is not None
    network = LocalUNet(**shape.model_dump())
    network.load_state_dict(weights_of(parent, wider))
    maps = torch.randn(1, shape.condition_channels, 32, 32)
    unseen = maps.clone()
    unseen[:, PLANE_MAPS:] = 0
    noise, vector = torch.full((1,), 0.1), torch.zeros(1, VECTOR_LENGTH)
    with torch.inference_mode():
        one, other = (network(torch.zeros(1, 1, 32, 32), noise, m, vector)[0] for m in (maps, unseen))
    torch.testing.assert_close(one, other)
