"""What a network that restores images is trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor

from ...imaging.intensity import Normalization


class Batch(NamedTuple):
    """Crops in normalised units.

    Attributes
    ----------
    noisy : Tensor, shape (batch, maps, y, x)
        What was recorded, on the pixels of what is wanted, and what else the network is shown.
    clean, guess : Tensor, shape (batch, 1, y, x)
        What is wanted, and the best that a linear filter makes of what was recorded.
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
    """A square in normalised units: recorded and wanted, the linear guess, that one's expected error, statistics.

    Images have the shape (y, x); where the network is shown more than the recorded one, that is (maps, y, x).
    """

    noisy: Tensor
    clean: Tensor
    guess: Tensor
    guess_error: float
    vector: Tensor

    @property
    def blank(self) -> bool:
        """Whether the same value is wanted everywhere: nothing can be judged by it, of which no peak is known."""
        return bool(self.clean.min() == self.clean.max())


def jitter(measured: Normalization, rng: np.random.Generator | None) -> tuple[Normalization, float]:
    """Return a normalisation and a factor of the noise level that miss the measured ones a little.

    At inference a tile is normalised by the whole image, in which it may be a dark corner; the jitter stands in for
    that, and it teaches that the noise level may be told a little wrong. Without ``rng`` nothing is missed.
    """
    if rng is None:
        return measured, 1.0
    wider = rng.uniform(1, 6) if rng.random() < 0.25 else np.exp(0.2 * rng.standard_normal())
    offset = measured.offset + (wider - 1) * measured.scale + 0.1 * measured.scale * rng.standard_normal()
    return Normalization(float(offset), float(measured.scale * wider)), float(np.exp(0.1 * rng.standard_normal()))
