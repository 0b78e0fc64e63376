from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from skimage import io

from napari_microdiff.errors import FileError, TrainingError
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


def test_half_a_file_of_procedural_images_is_made_again(
    recipe: DenoiseRecipe, data_folder: Path, tmp_path: Path
) -> None:
    made = load_sources(recipe, data_folder, cache=tmp_path).procedural
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    again = load_sources(recipe, data_folder, cache=tmp_path).procedural
    np.testing.assert_array_equal(again[0].image, made[0].image)


def test_procedural_images_that_do_not_fit_on_the_disk_leave_nothing(
    recipe: DenoiseRecipe, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(stream: Any, *args: object) -> None:
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(FileError, match="disk is full"):
        load_sources(recipe, data_folder, cache=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.where(np.eye(96), np.nan, 1.0).astype(np.float32), "bad.tif has pixels that are not finite"),
        (np.ones((2, 7, 96, 96), np.uint8), "bad.tif has 4 axes"),
        (np.ones((20, 96), np.uint8), "is large enough"),
        (np.ones((96, 96), np.uint8), "the same value everywhere"),
    ],
)
def test_clean_images_that_cannot_be_trained_on_are_named(
    recipe: DenoiseRecipe, tmp_path: Path, image: np.ndarray, message: str
) -> None:
    tifffile.imwrite(tmp_path / "bad.tif", image)
    alone = recipe.model_copy(update={"pairs": (), "clean": (Clean(files="*.tif"),)})
    with pytest.raises(TrainingError, match=message):
        load_sources(alone, tmp_path)


def test_an_image_that_is_cut_off_is_named(recipe: DenoiseRecipe, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "bad.tif", np.ones((96, 96), np.uint8))
    whole = (tmp_path / "bad.tif").read_bytes()
    (tmp_path / "bad.tif").write_bytes(whole[: len(whole) // 2])
    alone = recipe.model_copy(update={"pairs": (), "clean": (Clean(files="*.tif"),)})
    with pytest.raises(FileError, match=r"bad\.tif"):
        load_sources(alone, tmp_path)


def test_a_noisy_image_without_its_clean_one_is_told(recipe: DenoiseRecipe, tmp_path: Path) -> None:
    for kind, count in (("noisy", 2), ("clean", 1)):
        (tmp_path / kind).mkdir()
        for number in range(count):
            tifffile.imwrite(tmp_path / kind / f"{number}.tif", np.zeros((64, 64), dtype=np.uint8))
    with pytest.raises(TrainingError, match=r"2 files match 'noisy/\*.tif' and 1 match"):
        load_sources(recipe, tmp_path)


def test_transparency_and_unused_channels_are_no_images(recipe: DenoiseRecipe, tmp_path: Path) -> None:
    seen = np.random.default_rng(0).integers(1, 255, (2, 96, 96)).astype(np.uint8)
    blank = np.zeros_like(seen[0])
    io.imsave(tmp_path / "colours.png", np.dstack([*seen, seen[0], 255 - seen[0]]), check_contrast=False)
    tifffile.imwrite(tmp_path / "unused.tif", np.stack([seen[0], blank, seen[1], blank]), photometric="minisblack")
    entry = Clean(files="*.*", hold_out=0)
    planes = load_sources(recipe.model_copy(update={"pairs": (), "clean": (entry,)}), tmp_path).clean
    assert len(planes) == 3 + 2
    assert sum(plane.weight for plane in planes) == pytest.approx(1)
    correlations = [np.corrcoef(planes[0].image.ravel(), plane.image.ravel())[0, 1] for plane in planes]
    assert min(correlations) > -0.5  # and not that of the transparency, which is the negative of red


def test_what_is_held_out_and_blank_is_no_image(recipe: DenoiseRecipe, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(1, 255, (200, 96)).astype(np.uint8)
    image[140:] = 0
    tifffile.imwrite(tmp_path / "padded.tif", image)
    alone = recipe.model_copy(update={"pairs": (), "clean": (Clean(files="*.tif"),)})
    assert len(load_sources(alone, tmp_path).clean) == 1
    assert load_sources(alone, tmp_path, validation=True).clean == []
