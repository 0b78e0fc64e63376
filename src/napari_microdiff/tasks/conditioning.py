"""What a denoising model is shown of an image, at work and in training alike."""

from __future__ import annotations

import torch
from torch import Tensor

from ..diffusion.denoiser import Condition


def noisy_condition(noisy: Tensor, guess: Tensor, guess_error: Tensor, vector: Tensor) -> Condition:
    """Return the condition of a denoising model: the noisy image, its Wiener filter and its statistics.

    Parameters
    ----------
    noisy, guess : Tensor, shape (batch, 1, y, x)
        In normalised units.
    guess_error : Tensor, shape (batch,)
        Error to be expected of the guess.
    vector : Tensor, shape (batch, VECTOR_LENGTH)
        See `imaging.spectrum.statistics_vector`.
    """
    return Condition(maps=torch.cat([noisy, guess], dim=1), vector=vector, guess=guess, guess_error=guess_error)
