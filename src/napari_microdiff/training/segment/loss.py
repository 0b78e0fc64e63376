"""What a model that outlines objects is asked to do at each step of training."""

from __future__ import annotations

import torch

from ...diffusion.denoiser import Preconditioned
from ...tasks.conditioning import object_condition
from ..course import Loss
from ..loss import diffusion_loss
from ..noise_levels import draw_sigmas
from .data import SegmentBatch


def segmenting_loss(denoiser: Preconditioned, batch: SegmentBatch, generator: torch.Generator, blind: int) -> Loss:
    """Evaluate the loss of one batch.

    As many crops in eight as ``blind`` says are seen at the highest noise level, as one evaluation sees them; the rest
    is for sampling.
    """
    scale = torch.full((len(batch.maps),), denoiser.sigma_data, device=batch.maps.device)
    sigmas = draw_sigmas(scale, denoiser.sigma_max / denoiser.sigma_data, generator, blind)
    condition = object_condition(batch.image, batch.strokes)
    return diffusion_loss(denoiser, batch.maps, sigmas, condition, generator)
