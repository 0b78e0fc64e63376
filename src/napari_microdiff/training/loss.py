"""What a denoiser is asked to do at each step of training."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..diffusion.denoiser import Condition, Preconditioned
from .data import Batch

# Shares of a batch, in eighths: half is trained as a regression network is (at the highest noise level, where the
# condition is all that is known), a quarter to refine with the condition, a quarter as a prior without it.
_BLIND, _REFINE = 4, 6
_VARIANCE = 0.2  # of a clean image in normalised units, about


class Loss(NamedTuple):
    """Weighted squared error of the mean, negative log-likelihood of the spread, plain error at the start."""

    mean: Tensor
    spread: Tensor
    blind_error: Tensor


def draw_sigmas(count: int, sigma_data: float, sigma_max: float, generator: torch.Generator) -> Tensor:
    """Draw noise levels, shape (count,): ``sigma_max`` for the first half, then log-normal and stratified."""
    blind = count * _BLIND // 8
    rest = count - blind
    place = (torch.arange(rest) + torch.rand(rest, generator=generator)) / rest
    place = place[torch.randperm(rest, generator=generator)]
    normal = torch.erfinv((2 * place - 1).clamp(-0.9999, 0.9999)) * math.sqrt(2)
    sigmas = (math.log(0.5 * sigma_data) + 1.2 * normal).exp().clamp(0.002 * sigma_data, 0.999 * sigma_max)
    return torch.cat([torch.full((blind,), sigma_max), sigmas])


def denoising_loss(
    denoiser: Preconditioned, batch: Batch, sigma_data: float, sigma_max: float, generator: torch.Generator
) -> Loss:
    """Evaluate the loss of one batch.

    The squared error keeps the estimate a posterior mean whatever factor depends on the noise level and on the
    condition only; ours makes a faint noise count as much as a heavy one. The spread is fitted by a Gaussian
    likelihood of the residual with its gradient stopped.
    """
    device = batch.clean.device
    count = len(batch.clean)
    sigmas = draw_sigmas(count, sigma_data, sigma_max, generator).to(device)
    noise = torch.randn(batch.clean.shape, generator=generator).to(device)
    x = batch.clean + sigmas.view(-1, 1, 1, 1) * noise
    told = (torch.arange(count, device=device) < count * _REFINE // 8).float()
    shown = told.view(-1, 1, 1, 1)
    condition = Condition(
        maps=torch.cat([batch.noisy, batch.guess], dim=1) * shown,
        vector=batch.vector * told[:, None],
        guess=batch.guess * shown,
    )
    mean, variance = denoiser(x, sigmas, condition)
    assert variance is not None
    squared = (mean - batch.clean) ** 2
    prior_error = sigmas**2 * _VARIANCE / (sigmas**2 + _VARIANCE)
    contrast = batch.noisy.var(dim=(1, 2, 3))
    condition_error = 0.03 * batch.noise**0.75 + 3e-3 * contrast + 3e-4
    expected = torch.where(told > 0, torch.minimum(prior_error, condition_error), prior_error)
    per_image = squared.mean(dim=(1, 2, 3))
    residual = squared.detach().clamp_min(1e-8)
    spread = 0.5 * (residual / variance + variance.log())
    blind = count * _BLIND // 8
    return Loss((per_image / expected).mean(), spread.mean(), per_image[:blind].detach().mean())
