"""What models are shown of an image, at work and in training alike."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..diffusion.denoiser import Condition

_BRIGHTEST = 3.0  # normalised units; specks beyond it would drown all else in a network that does not normalise

_AROUND = 7  # pixels across
_SLACK = 0.25  # of the range


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


def range_around(condition: Condition) -> tuple[Tensor, Tensor]:
    """Return the range of the noisy image around each pixel, and some more: the clean image does not leave it.

    Noise goes both ways, so that of a few dozen pixels of one brightness some are brighter and some are darker.

    Parameters
    ----------
    condition : Condition
        From `noisy_condition`.

    Returns
    -------
    low, high : Tensor, shape (batch, 1, y, x)
    """
    assert condition.maps is not None
    noisy = condition.maps[:, :1]
    high, low = _highest(noisy), -_highest(-noisy)
    slack = _SLACK * (high - low)
    return low - slack, high + slack


def _highest(image: Tensor) -> Tensor:
    rows = F.max_pool2d(image, (_AROUND, 1), stride=1, padding=(_AROUND // 2, 0))
    return F.max_pool2d(rows, (1, _AROUND), stride=1, padding=(0, _AROUND // 2))


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
