"""How fine the detail is that an image shows, and how much of another one lies beyond that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .quality import resolution
from .spectrum import BANDS

_INDEPENDENT = 1 / 7  # correlation of two recordings of one scene, below which nothing is resolved


def resolved_period(powers: NDArray[np.floating], noise: float) -> float:
    """Return the finest period, in pixels, at which an image shows more than its noise.

    Two recordings of the scene would correlate by ``(P - N) / P`` at a frequency where the image has the power ``P``
    and its noise ``N``; the period is where this falls below 1/7, as for the Fourier ring correlation.

    Parameters
    ----------
    powers : ndarray, shape (BANDS,)
        Of the image, see `spectrum.Spectrum`.
    noise : float
        Standard deviation of its noise.
    """
    centres = (np.arange(BANDS) + 0.5) / (2 * BANDS)
    shown = np.maximum(powers - noise**2, 0) / np.maximum(powers, 1e-20)
    return resolution(centres, shown, threshold=_INDEPENDENT)


class Beyond(NamedTuple):
    """The power of an image, without that of its mean brightness, and how much of it lies beyond a frequency."""

    power: float
    beyond: float


def share_of(parts: Sequence[Beyond]) -> float:
    """Return which share of the power of all parts of an image lies beyond; a dark part has little say in it."""
    power = sum(part.power for part in parts)
    return sum(part.beyond for part in parts) / power if power > 0 else 0.0


def power_beyond(image: NDArray[np.floating], frequency: float) -> Beyond:
    """Return the power of a part of an image, and how much of it lies beyond a spatial frequency.

    Parameters
    ----------
    image : ndarray, shape (y, x)
    frequency : float
        In periods per pixel.
    """
    height, width = image.shape
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    pixels = np.asarray(image, dtype=np.float64)
    power = np.abs(np.fft.fft2((pixels - pixels.mean()) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    return Beyond(float(power.sum()) / power.size, float(power[radius > frequency].sum()) / power.size)
