from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tifffile
import torch
from torch import Tensor

from napari_microdiff.diffusion.denoiser import Condition, Prediction
from napari_microdiff.errors import RequestError
from napari_microdiff.models.card import read_card
from napari_microdiff.models.model import Model, verify_model
from napari_microdiff.models.originals import read_originals
from napari_microdiff.models.store import FOLDER_VARIABLE, add_model
from napari_microdiff.tasks import synthesize
from napari_microdiff.training.course import open_course
from napari_microdiff.training.fit import train
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.segment.sources import load_planes
from napari_microdiff.training.synthesize.course import SynthesizeCourse
from napari_microdiff.training.synthesize.data import magnify_plane, normalise_planes
from napari_microdiff.training.synthesize.recipe import SynthesizeRecipe
from napari_microdiff.training.synthesize.validate import SynthesizeValidation


class Linear(torch.nn.Module):
    """The best guess that knows nothing but powers; or, told a share, some of the way from there to the truth."""

    sigma_data, sigma_max = 0.8, 10.0

    def __init__(self, truth: Tensor | None = None, share: float = 0.0) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.truth, self.share = truth, share

    def forward(self, x: Tensor, sigma: float | Tensor, condition: Condition) -> Prediction:
        wide = torch.as_tensor(sigma).view(-1, 1, 1, 1)
        mean = x * self.sigma_data**2 / (self.sigma_data**2 + wide**2)
        if self.truth is not None:
            mean = mean + self.share * (self.truth - mean)
        return Prediction(mean, torch.full_like(mean, 0.01))


def test_a_run_makes_a_model(synthesize_recipe: SynthesizeRecipe, masked: Path, tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(synthesize_recipe.model_dump_json(), encoding="utf-8")
    assert read_recipe(file) == synthesize_recipe
    lines: list[str] = []
    folder = train(file, masked, tmp_path / "run", device="cpu", progress=lines.append)
    card = read_card(folder)
    assert (card.id, card.task, card.architecture.injection) == ("synth-small", "synthesize", "modulate")
    assert card.diameter_px == 16
    assert [quality.unit for quality in card.quality] == ["dB"]
    verify_model(Model(card, folder, bundled=False))
    assert card.originals is not None
    originals = read_originals(Model(card, folder, bundled=False))
    assert originals is not None
    assert len(originals.prints) == card.originals.count
    course = open_course(synthesize_recipe, masked, tmp_path)
    for plane in course.planes:  # type: ignore[attr-defined]
        assert originals.nearest(*magnify_plane(plane, synthesize_recipe)).min() > 0.98
    assert card.originals.limit < 0.98
    assert "bright" in lines[-1]
    assert "dB" in lines[-1]


def test_a_run_on_images_in_colours_makes_a_model_that_draws_them(
    coloured_recipe: SynthesizeRecipe, stained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "store"))
    file = tmp_path / "recipe.yaml"
    file.write_text(coloured_recipe.model_dump_json(), encoding="utf-8")
    folder = train(file, stained, tmp_path / "run", device="cpu")
    id = add_model(folder).card.id
    labels = tifffile.imread(stained / "labels" / "0.tif")
    drawn = synthesize(labels, model=id, steps=2, device="cpu").sample
    assert drawn is not None
    assert drawn.shape == (*labels.shape, 3)


def test_a_run_on_classes_makes_a_model_that_names_them(
    classes_recipe: dict[str, Any], classified: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "store"))
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(classes_recipe), encoding="utf-8")
    card = add_model(train(file, classified, tmp_path / "run", device="cpu")).card
    assert card.classes == ("small", "large")
    labels = tifffile.imread(classified / "labels" / "0.tif")
    drawn = synthesize(labels, model=card.id, kinds={int(labels.max()): 2}, steps=2, device="cpu").sample
    assert drawn is not None
    assert drawn.shape == labels.shape
    with pytest.raises(RequestError, match=r"knows 2 classes of objects: 1 \(small\), 2 \(large\)"):
        synthesize(labels, model=card.id, kinds={1: 3}, steps=2, device="cpu")


def test_the_course_follows_the_task(synthesize_recipe: SynthesizeRecipe, masked: Path, tmp_path: Path) -> None:
    course = open_course(synthesize_recipe, masked, tmp_path)
    assert isinstance(course, SynthesizeCourse)
    images = torch.cat([course.batches(seed=0)[i].image for i in range(8)])
    assert course.sigma_data() == pytest.approx(float(images.pow(2).mean().sqrt()))


def test_the_truth_has_no_loss(synthesize_recipe: SynthesizeRecipe, masked: Path, tmp_path: Path) -> None:
    course = open_course(synthesize_recipe, masked, tmp_path)
    batch = course.batches(seed=0)[0]
    losses = [
        float(course.loss(Linear(batch.image, share), batch, torch.Generator().manual_seed(0)).mean)  # type: ignore[arg-type]
        for share in (0.0, 0.5, 1.0)
    ]
    assert losses[2] == pytest.approx(0, abs=1e-9)
    assert losses[1] == pytest.approx(losses[0] / 4, rel=1e-3)


def test_what_knows_only_powers_gains_nothing_and_half_of_the_error_is_six_decibels(
    synthesize_recipe: SynthesizeRecipe, masked: Path
) -> None:
    planes = normalise_planes(load_planes(synthesize_recipe, masked, validation=True)[:1])
    validation = SynthesizeValidation(planes, synthesize_recipe)
    truth = validation._sets["bright"][0]
    linear = Linear()
    linear.sigma_data = float(truth.pow(2).mean().sqrt())
    assert validation.measure(linear)["bright"] == pytest.approx(0, abs=0.1)  # type: ignore[arg-type]
    nearer = Linear(truth, 0.5)
    nearer.sigma_data = linear.sigma_data
    gain = validation.measure(nearer)["bright"] - validation.measure(linear)["bright"]  # type: ignore[arg-type]
    assert gain == pytest.approx(6.02, abs=0.01)
