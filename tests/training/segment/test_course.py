from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from napari_microdiff.diffusion.denoiser import Condition, Prediction
from napari_microdiff.imaging.instances import Depth, as_drawn, maps_of
from napari_microdiff.models.card import read_card
from napari_microdiff.models.model import Model, verify_model
from napari_microdiff.training.course import open_course
from napari_microdiff.training.fit import train
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.segment.course import SegmentCourse
from napari_microdiff.training.segment.loss import segmenting_loss
from napari_microdiff.training.segment.recipe import SegmentRecipe
from napari_microdiff.training.segment.sources import load_planes
from napari_microdiff.training.segment.validate import SegmentValidation


class Oracle(torch.nn.Module):
    """Answers with the true maps, to which it may add an error."""

    sigma_data, sigma_max = 0.8, 4.0

    def __init__(self, maps: Tensor, error: float = 0.0) -> None:
        super().__init__()
        self.network = torch.nn.Linear(1, 1)
        self.network.stride = 16  # type: ignore[assignment]
        self.maps, self.error = maps, error

    def forward(self, x: Tensor, sigma: float | Tensor, condition: Condition) -> Prediction:
        assert condition.maps is not None
        assert condition.maps.shape[1] == 4
        answer = torch.full_like(x, -1.0)
        answer[..., : self.maps.shape[-2], : self.maps.shape[-1]] = self.maps + self.error
        return Prediction(answer, torch.full_like(answer, 0.01))


def test_a_run_makes_a_model(segment_recipe: SegmentRecipe, outlined: Path, tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(segment_recipe.model_dump_json(), encoding="utf-8")
    assert read_recipe(file) == segment_recipe
    lines: list[str] = []
    folder = train(file, outlined, tmp_path / "run", device="cpu", progress=lines.append)
    card = read_card(folder)
    assert (card.id, card.task) == ("segment-small", "segment")
    assert {quality.data.split(": ")[1] for quality in card.quality} == {"bright", "stained"}
    verify_model(Model(card, folder, bundled=False))
    assert "bright AP" in lines[-1]


def test_the_course_follows_the_task(segment_recipe: SegmentRecipe, outlined: Path, tmp_path: Path) -> None:
    course = open_course(segment_recipe, outlined, tmp_path)
    assert isinstance(course, SegmentCourse)
    maps = torch.cat([course.batches(seed=0)[i].maps for i in range(8)])
    assert course.sigma_data() == pytest.approx(float(maps.pow(2).mean().sqrt()))


def test_true_maps_have_no_loss_and_errors_count_by_their_noise_level(
    segment_recipe: SegmentRecipe, outlined: Path, tmp_path: Path
) -> None:
    batch = open_course(segment_recipe, outlined, tmp_path).batches(seed=0)[0]
    losses = [
        float(segmenting_loss(Oracle(batch.maps, error), batch, torch.Generator().manual_seed(0), 4).mean)  # type: ignore[arg-type]
        for error in (0.0, 0.1, 0.2)
    ]
    assert losses[0] == 0
    assert losses[2] == pytest.approx(4 * losses[1], rel=1e-4)
    assert losses[1] >= 0.01 / 0.8**2  # at the highest level; more below


@pytest.mark.parametrize("depth", ["even", "steep"])
def test_true_maps_are_found_without_fault(segment_recipe: SegmentRecipe, outlined: Path, depth: Depth) -> None:
    plane = load_planes(segment_recipe, outlined, validation=True)[0]
    recipe = segment_recipe.model_copy(update={"diameter_px": plane.diameter, "depth": depth})
    validation = SegmentValidation([plane], recipe)
    maps = torch.from_numpy(as_drawn(maps_of(plane.labels), depth))
    figures = {error: validation.measure(Oracle(maps, error))["bright"] for error in (0.0, -2.0)}  # type: ignore[arg-type]
    assert figures[0.0] > 0.95
    assert figures[-2.0] == 0


def test_the_best_size_is_that_of_the_best_mean_over_kinds(
    segment_recipe: SegmentRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    precision = {1.0: (0.7, 0.4), 1.1: (0.6, 0.55), 1.2: (0.9, 0.1), 1.3: (0.5, 0.5), 1.4: (0.3, 0.3)}
    monkeypatch.setattr(
        SegmentValidation,
        "measure",
        lambda self, _, factor: dict(zip(("bright", "dark"), precision[factor], strict=True)),
    )
    validation = SegmentValidation([], segment_recipe.model_copy(update={"diameter_px": 24.0}))
    diameter, figures = validation.best_diameter(None)  # type: ignore[arg-type]
    assert diameter == pytest.approx(26.4)
    assert figures == {"bright": 0.6, "dark": 0.55}


def test_the_best_size_is_looked_for_at_the_end_of_a_run_only(
    segment_recipe: SegmentRecipe, outlined: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = open_course(segment_recipe, outlined, tmp_path)
    monkeypatch.setattr(SegmentValidation, "best_diameter", lambda self, _: (26.43, {"bright": 0.61}))
    early, late = course.card_fields(None, {"bright": 0.6}), course.last_fields(None)  # type: ignore[arg-type]
    assert (early["diameter_px"], late["diameter_px"]) == (segment_recipe.diameter_px, 26.4)
    assert [fields["quality"][0].value for fields in (early, late)] == [0.6, 0.61]


def test_objects_are_shown_as_large_as_is_asked_for(segment_recipe: SegmentRecipe, outlined: Path) -> None:
    plane = load_planes(segment_recipe, outlined, validation=True)[0]
    seen: list[tuple[int, ...]] = []

    class Looked(Oracle):
        def forward(self, x: Tensor, sigma: float | Tensor, condition: Condition) -> Prediction:
            seen.append(tuple(x.shape[2:]))
            return Prediction(torch.full_like(x, -1.0), torch.full_like(x, 0.01))

    validation = SegmentValidation([plane], segment_recipe.model_copy(update={"diameter_px": plane.diameter}))
    for factor in (1.0, 1.5):
        validation.measure(Looked(torch.zeros(2, 8, 8), 0.0), factor)  # type: ignore[arg-type]
    for side, (small, large) in zip(plane.labels.shape, zip(*seen, strict=True), strict=True):
        assert side <= small < side + 16
        assert 1.5 * side <= large < 1.5 * side + 17
