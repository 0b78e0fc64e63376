"""What a network that restores images is trained on."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Crops in normalised units.

    Attributes
    ----------
    noisy, clean, guess : Tensor, shape (batch, 1, y, x)
        What was recorded, on the pixels of what is wanted; what is wanted; and the best that a linear filter makes of
        the former.
    guess_error : Tensor, shape (batch,)
        Root mean square error that is expected of the guess.
    vector : Tensor, shape (batch, length)
        Statistics of the larger field that a crop comes from, as of a whole image.
    noise : Tensor, shape (batch,)
        Mean square difference between the first two.
    """

    noisy: Tensor
    clean: Tensor
    guess: Tensor
    guess_error: Tensor
    vector: Tensor
    noise: Tensor


class Field(NamedTuple):
    """A square in normalised units: recorded and wanted, the linear guess, that one's expected error, statistics."""

    noisy: Tensor
    clean: Tensor
    guess: Tensor
    guess_error: float
    vector: Tensor
