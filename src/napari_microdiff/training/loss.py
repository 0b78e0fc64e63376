"""What a denoiser is asked to do at each step of training, whatever it is conditioned on."""

from __future__ import annotations

import torch
from torch import Tensor

from ..diffusion.denoiser import Condition, Preconditioned
from .course import Loss


def diffusion_loss(
    denoiser: Preconditioned, clean: Tensor, sigmas: Tensor, condition: Condition, generator: torch.Generator
) -> Loss:
    """Evaluate the loss of one batch.

    The weight of a noise level is that of Karras et al. 2022 (arXiv:2206.00364, table 1); only the squared error makes
    the denoiser a posterior mean. The spread is a negative log-likelihood that the mean does not feel.

    Parameters
    ----------
    clean : Tensor, shape (batch, channels, y, x)
        What is diffused.
    sigmas : Tensor, shape (batch,)
        Noise levels.
    """
    s = denoiser.sigma_data
    wide = sigmas.view(-1, 1, 1, 1)
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    mean, variance = denoiser(clean + wide * noise, sigmas, condition)
    assert variance is not None
    squared = (mean - clean) ** 2
    weight = (wide**2 + s**2) / (wide * s) ** 2
    spread = 0.5 * (squared.detach() / variance + variance.log())
    return Loss((weight * squared).mean(), spread.mean())
