"""How fine the detail is that an image shows, and how much of another one lies beyond that."""

from __future__ import annotations

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


def power_beyond(image: NDArray[np.floating], frequency: float) -> float:
    """Return the share of an image's power, without that of its mean brightness, beyond a spatial frequency.

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
    total = float(power.sum())
    return float(power[radius > frequency].sum() / total) if total > 0 else 0.0
