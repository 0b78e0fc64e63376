"""Runs that begin with the weights of another model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from napari_microdiff.errors import ModelError, TrainingError
from napari_microdiff.models.card import Architecture, read_card
from napari_microdiff.models.store import FOLDER_VARIABLE, add_model, find_model, read_weights
from napari_microdiff.training.fit import train
from napari_microdiff.training.parent import parent_of
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.segment.recipe import SegmentRecipe


def test_a_run_that_brings_nothing_keeps_the_weights_it_began_with(
    segment_recipe: SegmentRecipe, outlined: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "store"))

    def run(plan: SegmentRecipe) -> tuple[Path, list[str]]:
        lines: list[str] = []
        file = tmp_path / f"{plan.id}.yaml"
        file.write_text(plan.model_dump_json(), encoding="utf-8")
        return train(file, outlined, tmp_path / plan.id, device="cpu", progress=lines.append), lines

    parent = add_model(run(segment_recipe.model_copy(update={"steps": 1}))[0])
    child = {"id": "child", "start_from": parent.card.id, "steps": 2, "learning_rate": 0.0, "seed": 5}
    folder, lines = run(segment_recipe.model_copy(update=child))
    assert lines[0] == f"starting from {parent.card.id}"
    assert lines[1].startswith("step 0, 0 min: bright AP")
    assert lines[-1].startswith("step 2,")
    card = read_card(folder)
    assert card.parent == parent.card.id
    assert card.sigma_data == parent.card.sigma_data
    assert card.training["steps"] == 0
    began, kept = read_weights(parent), read_weights(add_model(folder))
    assert all(torch.equal(kept[name], value) for name, value in began.items())


def test_recipes_start_from_nothing_unless_they_name_a_model(segment_recipe: SegmentRecipe) -> None:
    assert parent_of(segment_recipe) is None


def test_a_parent_that_does_not_fit_is_refused_in_words(segment_recipe: SegmentRecipe) -> None:
    known = find_model("segment-nuclei").card.architecture
    fits = segment_recipe.model_copy(update={"architecture": known, "start_from": "segment-nuclei"})
    assert parent_of(fits) is not None
    wider = Architecture(**known.model_dump() | {"widths": (64, 64)})
    with pytest.raises(TrainingError, match=r"widths .* instead of \(64, 64\)"):
        parent_of(fits.model_copy(update={"architecture": wider}))
    with pytest.raises(TrainingError, match="'denoise-em' is for 'denoise'"):
        parent_of(fits.model_copy(update={"start_from": "denoise-em"}))
    with pytest.raises(ModelError, match="no model called 'nothing'"):
        parent_of(fits.model_copy(update={"start_from": "nothing"}))
    with pytest.raises(TrainingError, match="'depth: even'"):
        parent_of(fits.model_copy(update={"depth": "steep"}))


def test_no_bundled_recipe_starts_from_itself() -> None:
    for name in ("denoise-em", "denoise-fluorescence", "segment-nuclei"):
        assert read_recipe(name).start_from != name
