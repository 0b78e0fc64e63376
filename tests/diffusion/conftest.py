"""Denoisers that are known exactly, and samplers carried out on plain tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from napari_microdiff.diffusion.denoiser import NOTHING, Condition, Prediction
from napari_microdiff.diffusion.samplers import Step

BLIND_FROM = 2.5


@dataclass(frozen=True)
class Mixture:
    """Exact denoiser of a mixture of Gaussians, every pixel for itself; blind from ``blind_from`` on."""

    means: tuple[float, ...]
    stds: tuple[float, ...]
    blind_from: float = math.inf

    @property
    def mean(self) -> float:
        return sum(self.means) / len(self.means)

    @property
    def std(self) -> float:
        second = sum(m**2 + s**2 for m, s in zip(self.means, self.stds, strict=True)) / len(self.means)
        return math.sqrt(second - self.mean**2)

    def __call__(self, x: Tensor, sigma: float | Tensor, condition: Condition = NOTHING) -> Prediction:
        level = float(torch.as_tensor(sigma, dtype=torch.float64))
        if level >= self.blind_from:
            return Prediction(torch.full_like(x, self.mean), torch.full_like(x, self.std**2))
        means = x.new_tensor(self.means).view(-1, *([1] * x.ndim))
        totals = (x.new_tensor(self.stds).square() + level**2).view(means.shape)
        share = torch.softmax(-((x - means) ** 2) / (2 * totals) - totals.log() / 2, dim=0)
        kept = x.new_tensor(self.stds).square().view(means.shape) / totals
        centres = means + kept * (x - means)
        mean = (share * centres).sum(0)
        return Prediction(mean, (share * (kept * level**2 + (centres - mean) ** 2)).sum(0))


def carry_out(
    steps: Sequence[Step], denoiser: Callable[..., Prediction], x: Tensor, draw: Callable[[Tensor], Tensor]
) -> Tensor:
    """Follow a sampler's table on a tensor; ``draw`` makes the noise."""
    memory = torch.zeros_like(x)
    for step in steps:
        mean, variance = denoiser(x, step.sigma)
        new = step.x.x * x + step.x.denoised * mean + step.x.memory * memory
        spread = step.noise**2 + (step.variance * variance if variance is not None else torch.zeros_like(x))
        if step.noise or step.variance:
            new = new + torch.sqrt(spread) * draw(x)
        if step.memory is not None:
            memory = step.memory.x * x + step.memory.denoised * mean + step.memory.memory * memory
        x = new
    return x


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """Small tensors everywhere in here."""


@pytest.fixture
def gaussian() -> Callable[..., Mixture]:
    """Make the denoiser of data that are N(0.3, 0.5^2)."""
    return lambda blind=False: Mixture((0.3,), (0.5,), BLIND_FROM if blind else math.inf)


@pytest.fixture
def two_points() -> Callable[..., Mixture]:
    """Make the denoiser of data that are -0.5 or 0.5."""
    return lambda blind=False: Mixture((-0.5, 0.5), (0.0, 0.0), BLIND_FROM if blind else math.inf)


@pytest.fixture
def mixture() -> Callable[..., Mixture]:
    """Make the denoiser of data from two well separated Gaussians."""
    return lambda blind=False: Mixture((-0.6, 0.4), (0.1, 0.15), BLIND_FROM if blind else math.inf)


@pytest.fixture
def follow() -> Callable[..., Tensor]:
    """Carry out a table from a start, with seeded noise."""

    def run(steps: Sequence[Step], denoiser: Callable[..., Prediction], x: Tensor, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return carry_out(
            steps, denoiser, x, lambda like: torch.randn(like.shape, generator=generator, dtype=like.dtype)
        )

    return run


@pytest.fixture
def noise_start() -> Callable[..., Tensor]:
    """Draw ``count`` noisy values at a noise level from a mixture."""

    def start(denoiser: Mixture, sigma: float, count: int, seed: int = 1) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        which = torch.randint(len(denoiser.means), (count,), generator=generator)
        means = torch.tensor(denoiser.means, dtype=torch.float64)[which]
        stds = torch.tensor(denoiser.stds, dtype=torch.float64)[which]
        draws = torch.randn(2, count, generator=generator, dtype=torch.float64)
        return means + stds * draws[0] + sigma * draws[1]

    return start
