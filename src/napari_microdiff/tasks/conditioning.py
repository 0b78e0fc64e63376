"""What models are shown of an image, at work and in training alike."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional as F

from ..diffusion.denoiser import Condition
from ..imaging.wiener import RADIUS

_BRIGHTEST = 3.0  # normalised units; specks beyond it would drown all else in a network that does not normalise
_AROUND = 7  # pixels across
_SLACK = 0.25  # of the range


def filtered(images: Tensor, kernel: NDArray[np.float32]) -> Tensor:
    """Filter images that are wider by `RADIUS` on each side than what is wanted, where they are.

    Parameters
    ----------
    images : Tensor of float32, shape (..., y + 2 RADIUS, x + 2 RADIUS)
    kernel : ndarray, shape (2 RADIUS + 1, 2 RADIUS + 1)
        See `imaging.wiener.wiener_kernel`.

    Returns
    -------
    Tensor, shape (..., y, x)
    """
    height, width = images.shape[-2:]
    rows, columns = next_fast_len(height, real=True), next_fast_len(width, real=True)
    # Memory of its own, so that the result does not depend on where that of the images begins.
    padded = images.new_zeros(*images.shape[:-2], rows, columns)
    padded[..., :height, :width] = images
    transfer = torch.fft.rfft2(torch.from_numpy(kernel).to(images.device), s=(rows, columns))
    whole = torch.fft.irfft2(torch.fft.rfft2(padded) * transfer, s=(rows, columns))
    wanted: Tensor = whole[..., 2 * RADIUS : height, 2 * RADIUS : width]
    return wanted.contiguous()


def reflected(images: Tensor) -> Tensor:
    """Return whole images wider by `RADIUS` on each side, as at their borders a filter sees them."""
    return F.pad(images, (RADIUS,) * 4, mode="reflect")


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
    """Return the maximum of the square around each pixel, of windows that grow by what is known of smaller ones."""
    image = F.pad(image, (_AROUND // 2,) * 4, value=-torch.inf)
    for axis in (-2, -1):
        known = 1
        while known < _AROUND:
            step = min(known, _AROUND - known)
            length = image.shape[axis] - step
            image = torch.maximum(image.narrow(axis, 0, length), image.narrow(axis, step, length))
            known += step
    return image


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
