from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from napari_microdiff.errors import TrainingError
from napari_microdiff.models.card import read_card
from napari_microdiff.models.model import Model, verify_model
from napari_microdiff.training import fit
from napari_microdiff.training.denoise.recipe import DenoiseRecipe
from napari_microdiff.training.fit import train
from napari_microdiff.training.restore.batch import Batch

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


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=GPU)])
def test_a_resumed_run_ends_where_an_unbroken_one_does(
    recipe_file: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
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


def test_a_batch_is_used_as_often_as_the_recipe_says_and_no_more_after_a_break(
    recipe: DenoiseRecipe, data_folder: Path, tmp_path: Path
) -> None:
    echoing = recipe.model_copy(update={"echo": 3})
    run = fit._Run(echoing, data_folder, tmp_path, Fabric(accelerator="cpu"), None, False, lambda _: None)

    def numbers(step: int) -> list[int]:
        """Which of the first batches are seen from a step on."""
        run.step = step
        seen = list(islice(run._echoed(), 7))
        return [next(n for n, batch in enumerate(batches) if torch.equal(batch.clean, one.clean)) for one in seen]

    batches = [run.course.batches(seed=recipe.seed)[n] for n in range(4)]
    assert numbers(0) == [0, 0, 0, 1, 1, 1, 2]
    assert numbers(2) == [0, 1, 1, 1, 2, 2, 2]


def test_data_that_are_not_there_are_an_error_in_words(recipe_file: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="Check --data"):
        train(recipe_file, tmp_path, tmp_path / "run", device="cpu")
