from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from napari_microdiff.diffusion.denoiser import Preconditioned
from napari_microdiff.errors import DeviceError, FileError, TrainingError
from napari_microdiff.imaging import structures
from napari_microdiff.models.card import read_card
from napari_microdiff.models.model import Model, read_weights, verify_model
from napari_microdiff.training import fit
from napari_microdiff.training.denoise.course import DenoiseCourse
from napari_microdiff.training.denoise.recipe import DenoiseRecipe
from napari_microdiff.training.export import export_model
from napari_microdiff.training.fit import train
from napari_microdiff.training.origin import origin_of
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
    assert {quality.command for quality in card.quality} == {"napari-microdiff train denoise-small.yaml"}
    assert card.familiarity is not None
    assert 0.02 < card.sigma_data < 2
    verify_model(Model(card, folder, bundled=False))
    assert lines[-1].startswith("step 4,")
    assert "pairs" in lines[-1]


def test_what_takes_long_to_find_out_is_said_of_the_best_weights(
    recipe_file: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, looked_at = [], []
    monkeypatch.setattr(fit, "export_model", lambda *args: saved.append(export_model(*args)))

    def last_fields(self: DenoiseCourse, denoiser: Preconditioned) -> dict[str, float]:
        looked_at.append(denoiser.network.state_dict())
        return {"diameter_px": 33.0}

    monkeypatch.setattr(DenoiseCourse, "last_fields", last_fields)
    folder = train(recipe_file, data_folder, tmp_path / "run", device="cpu")
    model = Model(read_card(folder), folder, bundled=False)
    verify_model(model)
    assert model.card == saved[-1].card.model_copy(update={"diameter_px": 33.0})
    for name, weight in read_weights(model).items():
        assert torch.equal(looked_at[0][name], weight)


def test_a_model_that_could_not_be_saved_is_made_again(
    recipe_file: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fit, "export_model", full)
        with pytest.raises(OSError, match="No space"):
            train(recipe_file, data_folder, tmp_path / "run", device="cpu")
    folder = train(recipe_file, data_folder, tmp_path / "run", device="cpu")
    verify_model(Model(read_card(folder), folder, bundled=False))


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


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Procedural images that take no time to make."""
    monkeypatch.setattr(structures, "fluorescence", lambda rng, side: rng.random((side, side)))


@pytest.mark.usefixtures("quick")
def test_a_model_that_was_taken_away_is_made_again(recipe_file: Path, data_folder: Path, tmp_path: Path) -> None:
    folder = train(recipe_file, data_folder, tmp_path / "run", device="cpu")
    folder.rename(tmp_path / "elsewhere")
    train(recipe_file, data_folder, tmp_path / "run", device="cpu")
    verify_model(Model(read_card(folder), folder, bundled=False))


@pytest.mark.usefixtures("quick")
def test_weights_that_are_no_numbers_are_told_of_and_not_kept(
    recipe_file: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit._Run, "_learning_rate", lambda _: float("nan"))
    with pytest.raises(TrainingError, match=r"at step 1 .* smaller learning_rate"):
        train(recipe_file, data_folder, tmp_path, device="cpu", steps=1)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_an_interrupt_of_the_last_validation_loses_nothing(
    recipe_file: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DenoiseCourse, "measure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(recipe_file, data_folder, tmp_path, device="cpu")
    lines: list[str] = []
    train(recipe_file, data_folder, tmp_path, device="cpu", progress=lines.append)
    assert lines[0] == "resumed at step 4"


def test_what_was_trained_is_kept_where_its_model_cannot_be_saved(
    recipe_file: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fit, "export_model", full)
    with pytest.raises(OSError, match="No space"):
        train(recipe_file, data_folder, tmp_path, device="cpu")
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert (state["step"], state["best"]) == (4, -float("inf"))


def test_a_checkpoint_that_does_not_fit_on_the_disk_leaves_the_one_before(
    recipe_file: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(recipe_file, data_folder, tmp_path, device="cpu", steps=1)
    before = (tmp_path / "checkpoint.pt").read_bytes()

    def full(state: object, stream: Any) -> None:
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(FileError, match="disk is full"):
        train(recipe_file, data_folder, tmp_path, device="cpu", steps=2)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("minutes", [0, -1.0])
def test_no_time_is_no_training(recipe_file: Path, data_folder: Path, tmp_path: Path, minutes: float) -> None:
    with pytest.raises(TrainingError, match="more than 0 minutes"):
        train(recipe_file, data_folder, tmp_path / "run", device="cpu", minutes=minutes)


def test_copies_on_several_devices_go_by_one_clock(recipe: DenoiseRecipe, data_folder: Path, tmp_path: Path) -> None:
    class SecondOfTwo:
        """What a process sees that is not the first."""

        world_size = 2

        def broadcast(self, mine: float) -> float:
            return 7.5

    run = fit._Run(recipe, data_folder, tmp_path, Fabric(accelerator="cpu"), 1.0, False, lambda _: None)
    assert run._agreed(3.0) == 3.0
    run.fabric = SecondOfTwo()  # type: ignore[assignment]
    assert run._agreed(3.0) == 7.5


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


def test_a_run_goes_on_only_with_its_own_recipe_and_data(
    recipe: DenoiseRecipe, recipe_file: Path, data_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    train(recipe_file, data_folder, out, device="cpu", steps=1)
    other = tmp_path / "other.yaml"
    other.write_text(recipe.model_copy(update={"id": "denoise-other"}).model_dump_json(), encoding="utf-8")
    with pytest.raises(TrainingError, match="another recipe or of other data"):
        train(other, data_folder, out, device="cpu", steps=2)
    train(recipe_file, data_folder, out, device="cpu", steps=2, seed=5)
    image = next(path for path in sorted(data_folder.rglob("*")) if path.is_file())
    image.write_bytes(image.read_bytes() + b"more")
    with pytest.raises(TrainingError, match="--no-resume"):
        train(recipe_file, data_folder, out, device="cpu", steps=3)


def test_the_largest_seed_is_trained_with_and_a_larger_one_is_refused(
    recipe_file: Path, data_folder: Path, tmp_path: Path
) -> None:
    train(recipe_file, data_folder, tmp_path / "run", device="cpu", steps=2, seed=2**63 - 1)
    with pytest.raises(TrainingError, match=r"seed.*less than"):
        train(recipe_file, data_folder, tmp_path / "other", device="cpu", steps=1, seed=2**63)


def test_what_cannot_be_trained_on_leaves_no_folder(recipe_file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="matches"):
        train(recipe_file, tmp_path / "empty", tmp_path / "run", device="cpu", steps=1)
    assert not (tmp_path / "run").exists()
    (tmp_path / "there").mkdir()
    with pytest.raises(TrainingError, match="matches"):
        train(recipe_file, tmp_path / "empty", tmp_path / "there", device="cpu", steps=1)
    assert (tmp_path / "there").exists()


def test_words_in_a_recipe_are_no_patterns_and_a_name_is_one(recipe: DenoiseRecipe, data_folder: Path) -> None:
    named = next(path for path in sorted(data_folder.rglob("*.*")) if path.is_file())
    told = recipe.model_copy(update={"summary": "of **all** cells"})
    source = told.clean[0].model_copy(update={"files": named.relative_to(data_folder).as_posix()})
    one = told.model_copy(update={"clean": (source,), "pairs": ()})
    before = origin_of(one, data_folder)
    assert before == origin_of(one.model_copy(update={"steps": 7}), data_folder)
    named.write_bytes(named.read_bytes() + b"more")
    assert before != origin_of(one, data_folder)


@pytest.mark.parametrize("text", ["garbage", "hello", "", "0"])
def test_a_damaged_checkpoint_is_an_error_in_words(
    recipe_file: Path, data_folder: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "checkpoint.pt").write_text(text)
    with pytest.raises(TrainingError, match="damaged"):
        train(recipe_file, data_folder, tmp_path, device="cpu")


@pytest.mark.parametrize("content", [{"weights": {}}, [1.0]])
def test_what_is_no_checkpoint_is_an_error_in_words(
    recipe_file: Path, data_folder: Path, tmp_path: Path, content: object
) -> None:
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match="damaged"):
        train(recipe_file, data_folder, tmp_path, device="cpu")


def test_a_folder_in_place_of_a_checkpoint_is_told(recipe_file: Path, data_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").mkdir()
    with pytest.raises(FileError, match="is a folder"):
        train(recipe_file, data_folder, tmp_path, device="cpu")


def test_a_device_or_folder_that_cannot_be_is_an_error_in_words(
    recipe_file: Path, data_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(DeviceError, match="gpux"):
        train(recipe_file, data_folder, tmp_path / "run", device="gpux")
    with pytest.raises(FileError, match=r"small\.yaml"):
        train(recipe_file, data_folder, recipe_file, device="cpu")
