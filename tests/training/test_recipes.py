from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from napari_microdiff.errors import TrainingError
from napari_microdiff.imaging.mask_maps import EXTRA_MAPS
from napari_microdiff.imaging.style import style_length
from napari_microdiff.models.store import find_model
from napari_microdiff.training.denoise.recipe import DenoiseRecipe
from napari_microdiff.training.recipes import bundled_recipes, read_recipe


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
        ("steps", 0, "steps: Input should be greater"),
        ("batch_fields", 0, "batch_fields"),
        ("procedural_count", 0, "procedural_count"),
        ("sigma_max", 0, "sigma_max"),
        ("shares", [0, 0, 0], "shares: one of the shares"),
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


def test_an_unknown_recipe_names_those_that_exist() -> None:
    with pytest.raises(TrainingError, match="denoise-em, denoise-fluorescence"):
        read_recipe("denoise-everything")
