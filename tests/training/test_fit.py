from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor

from napari_microdiff.errors import TrainingError
from napari_microdiff.models.card import read_card
from napari_microdiff.models.model import Model, verify_model
from napari_microdiff.training import fit
from napari_microdiff.training.denoise.data import Batch
from napari_microdiff.training.fit import train
from napari_microdiff.training.recipes import DenoiseRecipe, read_recipe

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@pytest.fixture
def recipe_file(recipe: DenoiseRecipe, tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(recipe.model_dump_json(), encoding="utf-8")
    return path


def _weights(out: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = torch.load(out / "checkpoint.pt", weights_only=True)["weights"]
    return weights


def test_a_run_makes_a_model_that_can_be_used(recipe_file: Path, data_folder: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    folder = train(recipe_file, data_folder, tmp_path / "run", device="cpu", progress=lines.append)
    card = read_card(folder)
    assert card.id == "denoise-small"
    assert {quality.data.split(": ")[1] for quality in card.quality} == {"pairs", "recorded", "procedural"}
    assert card.familiarity is not None
    assert 0.02 < card.sigma_data < 2
    verify_model(Model(card, folder, bundled=False))
    assert lines[-1].startswith("step 4,")
    assert "pairs" in lines[-1]


@pytest.mark.parametrize(("echo", "device"), [(1, "cpu"), (3, "cpu"), pytest.param(1, "cuda", marks=GPU)])
def test_a_resumed_run_ends_where_an_unbroken_one_does(
    recipe_file: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, echo: int, device: str
) -> None:
    recipe = read_recipe(recipe_file).model_copy(update={"echo": echo})
    recipe_file = tmp_path / "recipe.yaml"
    recipe_file.write_text(recipe.model_dump_json(), encoding="utf-8")
    train(recipe_file, data_folder, tmp_path / "whole", device=device, steps=4)
    halves = tmp_path / "halves"
    one_step = fit._Run._one_step

    def interrupt_after_two(self: fit._Run, batch: Batch) -> Tensor:
        if self.step == 2:
            raise KeyboardInterrupt
        return one_step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(fit._Run, "_one_step", interrupt_after_two)
        with pytest.raises(KeyboardInterrupt):
            train(recipe_file, data_folder, halves, device=device, steps=4)
    train(recipe_file, data_folder, halves, device=device, steps=4)
    whole, resumed = _weights(tmp_path / "whole"), _weights(halves)
    for name, value in whole.items():
        tolerance = 0 if device == "cpu" else 1e-2  # sums on a GPU come in any order
        torch.testing.assert_close(resumed[name], value, rtol=tolerance, atol=tolerance)


def test_a_batch_is_used_as_often_as_the_recipe_says(
    recipe_file: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = read_recipe(recipe_file).model_copy(update={"echo": 2})
    (tmp_path / "recipe.yaml").write_text(recipe.model_dump_json(), encoding="utf-8")
    seen: list[Batch] = []
    one_step = fit._Run._one_step

    def noted(self: fit._Run, batch: Batch) -> Tensor:
        seen.append(batch)
        return one_step(self, batch)

    monkeypatch.setattr(fit._Run, "_one_step", noted)
    train(tmp_path / "recipe.yaml", data_folder, tmp_path / "run", device="cpu", steps=4)
    assert [torch.equal(one.clean, other.clean) for one, other in pairwise(seen)] == [True, False, True]


def test_data_that_are_not_there_are_an_error_in_words(recipe_file: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="Check --data"):
        train(recipe_file, tmp_path, tmp_path / "run", device="cpu")
