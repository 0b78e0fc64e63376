from __future__ import annotations

import math

import pytest
import torch

from napari_microdiff.diffusion.denoiser import NOTHING, Condition, Prediction
from napari_microdiff.training.average import PowerAverage
from napari_microdiff.training.data import Batch
from napari_microdiff.training.loss import denoising_loss, draw_sigmas


def _batch(count: int = 8) -> Batch:
    clean = torch.randn(count, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    noisy = clean + 0.1
    return Batch(noisy, clean, noisy, torch.ones(count, 18), torch.full((count,), 0.01))


def test_half_of_the_noise_levels_are_the_highest_and_the_rest_log_normal() -> None:
    sigmas = draw_sigmas(4096, 0.5, 2.5, torch.Generator().manual_seed(0))
    assert (sigmas[:2048] == 2.5).all()
    rest = sigmas[2048:]
    assert (rest < 2.5).all()
    assert float(rest.log().median()) == pytest.approx(math.log(0.25), abs=0.03)


def test_stratified_levels_fill_every_stratum() -> None:
    sigmas = draw_sigmas(16, 0.5, 100.0, torch.Generator().manual_seed(1))[8:]
    place = 0.5 * (1 + torch.erf((sigmas.log() - math.log(0.25)) / (1.2 * math.sqrt(2))))
    assert sorted((place * 8).floor().int().tolist()) == list(range(8))


def test_a_perfect_denoiser_has_no_loss_and_the_condition_is_shown_to_three_quarters() -> None:
    batch = _batch()
    seen: list[Condition] = []

    def perfect(x: torch.Tensor, sigma: torch.Tensor, condition: Condition = NOTHING) -> Prediction:
        seen.append(condition)
        return Prediction(batch.clean, torch.full_like(x, 1e-2))

    loss = denoising_loss(perfect, batch, 0.5, 2.5, torch.Generator())  # type: ignore[arg-type]
    assert float(loss.mean) == 0
    assert seen[0].maps is not None
    assert [bool(maps.any()) for maps in seen[0].maps] == [True] * 6 + [False] * 2


def test_the_spread_is_best_where_it_is_the_error() -> None:
    batch = _batch()

    def spread_loss(factor: float) -> float:
        def off_by_tenth(x: torch.Tensor, sigma: torch.Tensor, condition: Condition = NOTHING) -> Prediction:
            return Prediction(batch.clean + 0.1, torch.full_like(x, factor * 0.01))

        return float(denoising_loss(off_by_tenth, batch, 0.5, 2.5, torch.Generator()).spread)  # type: ignore[arg-type]

    assert spread_loss(1.0) < min(spread_loss(0.7), spread_loss(1.4))


def test_the_average_of_constant_weights_is_these_and_it_forgets_the_start() -> None:
    module = torch.nn.Linear(1, 1)
    average = PowerAverage(module)
    for step in range(1, 101):
        torch.nn.init.constant_(module.weight, 1.0 if step <= 50 else 2.0)
        average.update(module, step)
    assert 1.99 < float(average.module.weight.detach()) <= 2.0
