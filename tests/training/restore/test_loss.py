from __future__ import annotations

import math

import pytest
import torch

from napari_microdiff.diffusion.denoiser import NOTHING, Condition, Prediction
from napari_microdiff.training.average import PowerAverage
from napari_microdiff.training.restore.batch import Batch
from napari_microdiff.training.restore.loss import Loss, restoring_loss


class Answer(torch.nn.Module):
    """A denoiser that is off by a given error, and says which variance it expects."""

    sigma_data, sigma_max = 0.5, 2.5

    def __init__(self, batch: Batch, error: float | torch.Tensor = 0.0, variance: float = 1e-2) -> None:
        super().__init__()
        self.clean, self.error, self.variance = batch.clean, error, variance
        self.seen: list[tuple[torch.Tensor, Condition]] = []

    def forward(self, x: torch.Tensor, sigma: torch.Tensor, condition: Condition = NOTHING) -> Prediction:
        self.seen.append((sigma, condition))
        return Prediction(self.clean + self.error, torch.full_like(x, self.variance))


class Stretched(Answer):
    """The same with a variance that can be learned."""

    def __init__(self, inner: Answer, log_variance: torch.Tensor) -> None:
        torch.nn.Module.__init__(self)
        self.inner, self.log_variance = inner, log_variance

    def forward(self, x: torch.Tensor, sigma: torch.Tensor, condition: Condition = NOTHING) -> Prediction:
        mean, variance = self.inner(x, sigma, condition)
        assert variance is not None
        return Prediction(mean, variance * self.log_variance.exp())


def _batch(count: int = 8) -> Batch:
    clean = torch.randn(count, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    noisy = clean + 0.1
    return Batch(
        noisy, clean, noisy, torch.full((count,), 0.05), torch.ones(count, 18), noise=torch.full((count,), 0.01)
    )


def _loss(denoiser: Answer, batch: Batch) -> Loss:
    return restoring_loss(denoiser, batch, torch.Generator().manual_seed(0))  # type: ignore[arg-type]


def test_the_condition_is_shown_to_seven_in_eight_and_the_last_is_a_prior() -> None:
    batch = _batch()
    denoiser = Answer(batch)
    _loss(denoiser, batch)
    ((sigmas, condition),) = denoiser.seen
    assert condition.maps is not None
    assert condition.guess_error is not None
    assert [bool(maps.any()) for maps in condition.maps] == [True] * 7 + [False]
    torch.testing.assert_close(condition.guess_error, torch.tensor([0.05] * 7 + [0.5]))
    torch.testing.assert_close(sigmas[:4], torch.full((4,), 5 * 0.05))


def test_a_decibel_counts_as_much_in_every_image() -> None:
    batch = _batch()
    errors = torch.logspace(-2, 0, 8).view(-1, 1, 1, 1)
    loss = _loss(Answer(batch, errors), batch).mean
    for image in range(8):
        worse = errors.clone()
        worse[image] *= math.sqrt(10)
        assert float(_loss(Answer(batch, worse), batch).mean - loss) == pytest.approx(math.log(10) / 8, rel=0.1)


def test_the_spread_is_best_where_it_is_the_error() -> None:
    batch = _batch()

    def spread_loss(factor: float) -> float:
        return float(_loss(Answer(batch, 0.1, factor * 0.01), batch).spread)

    assert spread_loss(1.0) < min(spread_loss(0.7), spread_loss(1.4))


def test_a_freak_pulls_no_harder_on_the_spread_than_a_moderate_miss() -> None:
    batch = _batch()
    gradients = []
    for error in (1.0, 1000.0):
        denoiser = Answer(batch, error)
        log_variance = torch.tensor(math.log(0.01), requires_grad=True)
        denoiser.variance = 1.0
        stretched = Stretched(denoiser, log_variance)
        _loss(stretched, batch).spread.backward()  # type: ignore[arg-type,no-untyped-call]
        assert log_variance.grad is not None
        gradients.append(float(log_variance.grad))
    assert gradients[0] == pytest.approx(gradients[1])
    assert gradients[0] < 0  # more variance is wanted


def test_the_average_of_constant_weights_is_these_and_it_forgets_the_start() -> None:
    module = torch.nn.Linear(1, 1)
    average = PowerAverage(module)
    for step in range(1, 101):
        torch.nn.init.constant_(module.weight, 1.0 if step <= 50 else 2.0)
        average.update(module, step)
    assert 1.99 < float(average.module.weight.detach()) <= 2.0
