from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_microdiff.errors import TrainingError
from napari_microdiff.training.denoise.recipe import DenoiseRecipe
from napari_microdiff.training.restore.recipe import Clean
from napari_microdiff.training.restore.sources import load_sources


def test_training_and_validation_are_disjoint_parts_of_the_images(recipe: DenoiseRecipe, data_folder: Path) -> None:
    train = load_sources(recipe, data_folder)
    held_out = load_sources(recipe, data_folder, validation=True)
    assert [plane.noisy.shape for plane in train.pairs] == [(336, 320)] * 2
    assert [plane.noisy.shape for plane in held_out.pairs] == [(112, 320)] * 2
    whole = tifffile.imread(data_folder / "noisy" / "0.tif")
    np.testing.assert_array_equal(np.concatenate([train.pairs[0].noisy, held_out.pairs[0].noisy]), whole)
    for mine, theirs in zip(train.procedural, held_out.procedural, strict=False):
        assert np.abs(np.asarray(mine.image, dtype=float) - theirs.image).max() > 0.1


def test_the_clean_image_is_brought_to_the_units_of_the_noisy_one(recipe: DenoiseRecipe, data_folder: Path) -> None:
    pair = load_sources(recipe, data_folder).pairs[0]
    clean = tifffile.imread(data_folder / "clean" / "0.tif")[: len(pair.clean)]
    np.testing.assert_allclose(pair.clean, 0.5 * clean + 20, atol=0.5)


def test_an_entry_counts_as_much_however_many_images_it_has(recipe: DenoiseRecipe, data_folder: Path) -> None:
    planes = load_sources(recipe, data_folder).clean
    assert sum(plane.weight for plane in planes) == pytest.approx(1.0)


def test_consecutive_planes_of_a_stack_are_averaged(recipe: DenoiseRecipe, tmp_path: Path) -> None:
    stack = np.stack([np.full((64, 64), n, dtype=np.uint8) for n in range(12)])
    stack[:, :32] = 0
    tifffile.imwrite(tmp_path / "stack.tif", stack)
    entry = Clean(files="*.tif", average=3, hold_out=0)
    planes = load_sources(recipe.model_copy(update={"pairs": (), "clean": (entry,)}), tmp_path).clean
    assert len(planes) == 5
    assert planes[0].image.shape == (64, 64)


def test_planes_of_an_isotropic_volume_know_their_neighbours(recipe: DenoiseRecipe, tmp_path: Path) -> None:
    volume = np.random.default_rng(0).integers(0, 255, (50, 52, 54)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "volume.tif", volume)
    entry = Clean(files="*.tif", isotropic=True, hold_out=0)
    planes = load_sources(recipe.model_copy(update={"pairs": (), "clean": (entry,)}), tmp_path).clean
    assert len(planes) == 50 + 52 + 54
    stretch = np.polyfit(volume[0].ravel(), planes[0].image.ravel(), 1)
    for plane, expected in (
        (planes[3], volume[5]),
        (planes[50 + 3], volume[:, 5]),
        (planes[50 + 52 + 3], volume[..., 5]),
    ):
        np.testing.assert_array_equal(plane.beside(0), plane.image)
        np.testing.assert_allclose(plane.beside(2), np.polyval(stretch, expected), atol=1e-3)
    np.testing.assert_array_equal(planes[1].beside(-4), planes[0].image)
    np.testing.assert_array_equal(planes[49].beside(4), planes[49].image)


def test_a_pattern_without_files_is_an_error_in_words(recipe: DenoiseRecipe, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"matches 'noisy/\*.tif'"):
        load_sources(recipe, tmp_path)


def test_pairs_of_different_shapes_are_refused(recipe: DenoiseRecipe, tmp_path: Path) -> None:
    for kind, side in (("noisy", 64), ("clean", 65)):
        (tmp_path / kind).mkdir()
        tifffile.imwrite(tmp_path / kind / "0.tif", np.zeros((side, side), dtype=np.uint8))
    with pytest.raises(TrainingError, match="of one shape"):
        load_sources(recipe, tmp_path)


def test_procedural_images_are_kept(recipe: DenoiseRecipe, data_folder: Path, tmp_path: Path) -> None:
    made = load_sources(recipe, data_folder, cache=tmp_path).procedural
    again = load_sources(recipe, data_folder, cache=tmp_path).procedural
    assert len(list(tmp_path.iterdir())) == 1
    for first, second in zip(made, again, strict=True):
        np.testing.assert_array_equal(first.image, second.image)
