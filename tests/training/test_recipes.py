from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from napari_microdiff.errors import TrainingError
from napari_microdiff.imaging.mask_maps import EXTRA_MAPS
from napari_microdiff.imaging.style import style_length
from napari_microdiff.models.store import find_model
from napari_microdiff.tasks.isotropic import _ARCHITECTURE as ISOTROPIC
from napari_microdiff.tasks.segment import _ARCHITECTURE as SEGMENT
from napari_microdiff.tasks.starting import PRIOR
from napari_microdiff.tasks.superresolve import _ARCHITECTURE as SUPERRESOLVE
from napari_microdiff.training.denoise import recipe as denoise_recipe
from napari_microdiff.training.denoise.recipe import DenoiseRecipe
from napari_microdiff.training.isotropic import recipe as isotropic_recipe
from napari_microdiff.training.recipes import bundled_recipes, read_recipe
from napari_microdiff.training.segment import recipe as segment_recipe
from napari_microdiff.training.superresolve import recipe as superresolve_recipe


def test_bundled_recipes_are_valid_and_name_their_data() -> None:
    assert bundled_recipes() == [
        "denoise-em",
        "denoise-fluorescence",
        "isotropic-em",
        "segment-nuclei",
        "superres-em",
        "superres-fluorescence",
        "synth-histology",
        "synth-nuclei",
    ]
    for name in bundled_recipes():
        recipe = read_recipe(name)
        assert recipe.id == name
        assert all(entry.licence and entry.attribution for entry in recipe.training_data)


@pytest.mark.parametrize("name", bundled_recipes())
def test_bundled_models_look_as_far_around_tiles_as_their_recipes_say(name: str) -> None:
    assert find_model(name).card.halo == read_recipe(name).halo


@pytest.mark.parametrize("name", ["synth-histology", "synth-nuclei"])
def test_models_that_draw_read_the_style_of_as_many_colours_as_they_make(name: str) -> None:
    architecture = read_recipe(name).architecture
    assert architecture.vector_length == style_length(architecture.channels)
    assert architecture.condition_channels == 1 + EXTRA_MAPS


def test_recipe_from_a_file_is_the_same_as_from_the_package(tmp_path: Path, recipe: DenoiseRecipe) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(recipe.model_dump_json(), encoding="utf-8")  # JSON is YAML
    assert read_recipe(path) == recipe


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"steps: [", "not readable as YAML"),
        (b"title: 2024-13-45", "not readable as YAML"),
        (b"title: \xfcber", "not readable as YAML"),
        (b"id: x", "not a valid recipe"),
        (b"surprise: 1", "not a valid recipe"),
    ],
)
def test_a_bad_recipe_is_refused_in_words(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=message):
        read_recipe(path)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("id", "Our Disk", "id: String should match"),
        ("steps", 0, "steps must be at least 1"),
        ("batch_fields", 0, "batch_fields"),
        ("procedural_count", 0, "procedural_count"),
        ("sigma_max", 0, "sigma_max"),
        ("shares", [0, 0, 0], "shares: nothing is left to draw from"),
        ("shares", [1, float("inf"), 1], "shares.1"),
        ("clean", [{"files": "clean/**.tif"}], "clean.0.files: .* 'images/\\*\\*/\\*.tif'"),
        ("clean", [{"files": "."}], "clean.0.files"),
        ("clean", [{"files": "*.tif", "shrink": [3, 1.5]}], "clean.0.shrink: the first number"),
        ("clean", [{"files": "*.tif", "shrink": [0, 1.5]}], "clean.0.shrink.0 must be more than 0"),
        ("blur_px", [0, 2], "blur_px.0"),
        ("noise", {"psnr_db": [36, 10]}, "noise.psnr_db: the first number"),
        ("noise", {"shot_share": [0, 2]}, "noise.shot_share.1"),
        ("clean", [{"files": "/data/*.tif"}], "clean.0.files: .* below the data folder"),
        ("clean", [{"files": "C:\\data\\*.tif"}], "clean.0.files"),
        ("clean", [{"files": ""}], "clean.0.files"),
    ],
)
def test_what_no_run_can_be_made_of_is_refused_before_it(
    tmp_path: Path, recipe: DenoiseRecipe, field: str, value: Any, message: str
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(json.dumps(recipe.model_dump(mode="json") | {field: value}), encoding="utf-8")
    with pytest.raises(TrainingError, match=message):
        read_recipe(path)


def test_a_share_of_images_that_are_not_named_is_none(tmp_path: Path, recipe: DenoiseRecipe) -> None:
    told = recipe.model_dump(mode="json") | {"pairs": [], "clean": [], "shares": [0.5, 0.5, 0]}
    path = tmp_path / "bad.yaml"
    path.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(TrainingError, match="shares: nothing is left to draw from"):
        read_recipe(path)


@pytest.mark.parametrize(
    ("name", "field", "value", "message"),
    [
        ("superres-em", "psf_px", [0, 1], "psf_px.0"),
        ("isotropic-em", "factors", [10, 2], "factors: the first number"),
        ("isotropic-em", "factors", [1, 5], "factors.0"),
        ("isotropic-em", "factors", [2, 40], "factors.1"),
        ("segment-nuclei", "labelled", [], "labelled"),
        ("synth-nuclei", "labelled", [], "labelled"),
    ],
)
def test_what_only_one_task_needs_is_looked_at_too(
    tmp_path: Path, name: str, field: str, value: Any, message: str
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(json.dumps(read_recipe(name).model_dump(mode="json") | {field: value}), encoding="utf-8")
    with pytest.raises(TrainingError, match=message):
        read_recipe(path)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("denoise-em", {"vector_length": 0}),
        ("denoise-em", {"channels": 3}),
        ("denoise-em", {"condition_channels": 1}),
        ("denoise-em", {"dims": 3}),
        ("denoise-em", {"unshuffle": 3}),
        ("denoise-em", {"widths": [8] * 6}),
        ("superres-em", {"vector_length": 34}),
        ("isotropic-em", {"vector_length": 0}),
        ("segment-nuclei", {"vector_length": 34}),
        ("segment-nuclei", {"channels": 1}),
        ("segment-nuclei", {"condition_channels": 1}),
        ("synth-nuclei", {"vector_length": 0}),
        ("synth-nuclei", {"channels": 2}),
    ],
)
def test_a_network_whose_model_could_not_be_used_is_refused(tmp_path: Path, name: str, change: dict[str, Any]) -> None:
    recipe = read_recipe(name).model_dump(mode="json")
    path = tmp_path / "bad.yaml"
    path.write_text(json.dumps(recipe | {"architecture": recipe["architecture"] | change}), encoding="utf-8")
    with pytest.raises(TrainingError, match=rf"architecture.*{next(iter(change))}"):
        read_recipe(path)


def test_recipes_ask_for_the_networks_that_tasks_take() -> None:
    for asked, taken in (
        (denoise_recipe, PRIOR),
        (superresolve_recipe, SUPERRESOLVE),
        (isotropic_recipe, ISOTROPIC),
        (segment_recipe, SEGMENT),
    ):
        assert taken == asked._NETWORK


def test_an_unknown_recipe_names_those_that_exist() -> None:
    with pytest.raises(TrainingError, match="denoise-em, denoise-fluorescence"):
        read_recipe("denoise-everything")
