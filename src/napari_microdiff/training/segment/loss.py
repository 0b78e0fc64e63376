"""What a model that outlines objects is asked to do at each step of training."""

from __future__ import annotations

import torch

from ...diffusion.denoiser import Preconditioned
from ...tasks.conditioning import object_condition
from ..course import Loss
from ..noise_levels import draw_sigmas
from .data import SegmentBatch


def segmenting_loss(denoiser: Preconditioned, batch: SegmentBatch, generator: torch.Generator) -> Loss:
    """Evaluate the loss of one batch.

    Half of the crops are seen blind, at the highest noise level, as one evaluation sees them; the rest is for
    sampling. The weight of a noise level is that of Karras et al. 2022 (arXiv:2206.00364, table 1); only the squared
    error makes the denoiser a posterior mean.
    """
    s = denoiser.sigma_data
    scale = torch.full((len(batch.maps),), s, device=batch.maps.device)
    sigmas = draw_sigmas(scale, denoiser.sigma_max / s, generator)
    wide = sigmas.view(-1, 1, 1, 1)
    noise = torch.randn(batch.maps.shape, generator=generator).to(batch.maps)
    mean, variance = denoiser(batch.maps + wide * noise, sigmas, object_condition(batch.image, batch.strokes))
    assert variance is not None
    squared = (mean - batch.maps) ** 2
    weight = (wide**2 + s**2) / (wide * s) ** 2
    spread = 0.5 * (squared.detach() / variance + variance.log())
    return Loss((weight * squared).mean(), spread.mean())
