"""What a network that restores images is asked to do at each step of training."""

from __future__ import annotations

import torch

from ...diffusion.denoiser import Preconditioned
from ...tasks.conditioning import noisy_condition
from ..course import Loss
from ..noise_levels import draw_sigmas
from .batch import Batch

# Crops in eight that see the condition: four at the highest noise level, three to refine; the last is for a prior.
_TOLD = 7
_FAINTEST = 1e-3  # of the error before denoising; what is below counts no more
_STRONGEST = 30.0  # mean residual of a crop, in predicted variances


def restoring_loss(denoiser: Preconditioned, batch: Batch, generator: torch.Generator) -> Loss:
    """Evaluate the loss of one batch.

    The logarithm of each crop's mean squared error is what the decibels of its result are made of: a faint noise
    counts as much as a heavy one, a smooth image as much as a busy one, and a freak does not throw the network off
    its course. Within a crop it is the squared error that decides, so that the estimate stays the posterior mean as
    far as a crop of many pixels can tell. The spread is fitted by a Gaussian likelihood of the residual with its
    gradient stopped.
    """
    count = len(batch.clean)
    told = torch.arange(count, device=batch.clean.device) < count * _TOLD // 8
    shown = told.float().view(-1, 1, 1, 1)
    scale = torch.where(told, batch.guess_error, denoiser.sigma_data)
    sigmas = draw_sigmas(scale, denoiser.sigma_max / denoiser.sigma_data, generator)
    noise = torch.randn(batch.clean.shape, generator=generator).to(batch.clean)
    condition = noisy_condition(batch.noisy * shown, batch.guess * shown, scale, batch.vector * told[:, None])
    mean, variance = denoiser(batch.clean + sigmas.view(-1, 1, 1, 1) * noise, sigmas, condition)
    assert variance is not None
    squared = (mean - batch.clean) ** 2
    per_image = squared.mean(dim=(1, 2, 3))
    before = sigmas**2 * denoiser.sigma_data**2 / (sigmas**2 + denoiser.sigma_data**2)
    before = torch.where(told, torch.minimum(before, batch.noise), before)
    residual = squared.detach() / variance
    # A crop whose error is far from what was predicted pulls no harder than one that is moderately off.
    pull = (_STRONGEST / residual.detach().mean(dim=(1, 2, 3), keepdim=True)).clamp_max(1)
    spread = 0.5 * (residual * pull + variance.log())
    return Loss((per_image + _FAINTEST * before + 1e-9).log().mean(), spread.mean())
