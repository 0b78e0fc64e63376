"""What models are shown of an image, at work and in training alike."""

from __future__ import annotations

import torch
from torch import Tensor

from ..diffusion.denoiser import Condition

_BRIGHTEST = 3.0  # normalised units; specks beyond it would drown all else in a network that does not normalise


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


def object_condition(image: Tensor, strokes: Tensor | None = None) -> Condition:
    """Return the condition of a model that finds objects: the image and what a user drew.

    Parameters
    ----------
    image : Tensor, shape (batch, 1, y, x)
        In normalised units, with bright objects.
    strokes : Tensor, shape (batch, 3, y, x), optional
        1 where a stroke on an object, on the background or along a cut is; ``None`` for none.
    """
    if strokes is None:
        strokes = image.new_zeros(len(image), 3, *image.shape[2:])
    return Condition(maps=torch.cat([image.clamp(-_BRIGHTEST, _BRIGHTEST), strokes], dim=1))
