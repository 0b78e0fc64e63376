"""The best linear filter for an image, found from its own spectrum.

It is the classical bar for a denoiser, and the first guess that ours starts from: what a network has to learn is only
what no linear filter can do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .spectrum import BANDS, WINDOW, noise_floor

RADIUS = 24  # of the filter, in pixels
_GRID = 2 * WINDOW
_TRUST = 0.02  # of the standard deviation of the image
_SMALLEST = 1e-4  # error, so that it can be divided by


def wiener_kernel(powers: NDArray[np.floating], noise: float | None = None) -> NDArray[np.float32]:
    """Return the kernel of the Wiener filter of an image.

    Its transfer function is ``S / (S + N)`` with the signal's power ``S = P - N`` (Wiener 1949).

    Parameters
    ----------
    powers : ndarray, shape (BANDS,)
        Power ``P`` of each frequency band, of the `spectrum.Spectrum` of the image.
    noise : float, optional
        Standard deviation of the noise, in the units of the image that the powers are of; ``None`` takes the floor of
        the spectrum.

    Returns
    -------
    ndarray of float32, shape (2 RADIUS + 1, 2 RADIUS + 1)
        Sums to 1, so that brightness is kept.
    """
    transfer = _on_grid(_passed(powers, noise), 1.0)
    full = np.fft.fftshift(np.fft.ifft2(transfer).real)
    middle = _GRID // 2
    kernel = full[middle - RADIUS : middle + RADIUS + 1, middle - RADIUS : middle + RADIUS + 1]
    taper = np.hanning(2 * RADIUS + 3)[1:-1]
    kernel = kernel * np.outer(taper, taper) ** 0.25
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def wiener_error(powers: NDArray[np.floating], noise: float | None = None) -> float:
    """Return the root mean square error to be expected of the Wiener filter, in the units of the image.

    What it takes from the signal and what it lets through of the noise: the mean over all frequencies of
    ``(1 - H)^2 S + H^2 N`` for the transfer function ``H``.

    Parameters
    ----------
    powers, noise
        As for `wiener_kernel`.

    Notes
    -----
    Correlated noise is taken for signal, so that the error seems to vanish. A small share of the image's own contrast
    is added, below which no estimate from the spectrum can be trusted.
    """
    level = noise_floor(powers) if noise is None else noise
    passed = _passed(powers, level)
    signal = np.maximum(powers - level**2, 0)
    error = (1 - passed) ** 2 * signal + passed**2 * level**2
    contrast = float(_on_grid(signal, float(signal[0])).mean())
    return float(np.sqrt(_on_grid(error, float(error[0])).mean() + _TRUST**2 * contrast + _SMALLEST**2))


def _passed(powers: NDArray[np.floating], noise: float | None) -> NDArray[np.floating]:
    """Return the share of each band's amplitude that the filter lets through."""
    level = noise_floor(powers) if noise is None else noise
    passed = np.maximum(powers - level**2, 0) / np.maximum(powers, 1e-20)
    # Noise in the estimate of the spectrum must not open the filter where the signal has ended.
    return np.minimum.accumulate(passed)


def _on_grid(bands: NDArray[np.floating], at_zero: float) -> NDArray[np.float64]:
    """Spread what is known of each ring over the plane of frequencies; beyond the last ring its value holds."""
    centres = (np.arange(BANDS) + 0.5) / (2 * BANDS)
    frequency = np.fft.fftfreq(_GRID)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    return np.asarray(np.interp(radius, np.concatenate([[0], centres]), np.concatenate([[at_zero], bands])))
