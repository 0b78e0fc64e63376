"""What a network makes of a whole image in one evaluation, for validation."""

from __future__ import annotations

import torch

from ...diffusion.denoiser import Preconditioned, Prediction
from ...tasks.conditioning import noisy_condition
from .batch import Field


def blind_prediction(
    denoiser: Preconditioned, noisy: torch.Tensor, guess: torch.Tensor, guess_error: float, vector: torch.Tensor
) -> Prediction:
    """Return the posterior mean and variance of an image given what was recorded of it, from one evaluation.

    All images have shape (y, x), or (maps, y, x) where more is shown than the recorded one; the vector is
    one-dimensional.
    """
    shown = noisy.view(1, -1, *guess.shape)
    condition = noisy_condition(shown, guess[None, None], torch.tensor([guess_error]), vector[None])
    mean, variance = denoiser(torch.zeros_like(guess)[None, None], denoiser.blind_from(guess_error), condition)
    return Prediction(mean[0, 0], None if variance is None else variance[0, 0])


@torch.inference_mode()
def predict_field(denoiser: Preconditioned, field: Field) -> Prediction:
    """Return the same of a field, brought back to the processor."""
    noisy, guess, vector = (part.to(denoiser.device) for part in (field.noisy, field.guess, field.vector))
    mean, variance = blind_prediction(denoiser, noisy, guess, field.guess_error, vector)
    return Prediction(mean.cpu(), None if variance is None else variance.cpu())
