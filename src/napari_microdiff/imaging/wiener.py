"""The best linear filter for an image, found from its own spectrum.

It is the classical bar for a denoiser, and the first guess that ours starts from: what a network has to learn is only
what no linear filter can do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from .spectrum import BANDS, WINDOW, noise_floor

RADIUS = 24  # of the filter, in pixels
_GRID = 2 * WINDOW


def wiener_kernel(powers: NDArray[np.floating], noise: float | None = None) -> NDArray[np.float32]:
    """Return the kernel of the Wiener filter of an image.

    Its transfer function is ``S / (S + N)`` with the signal's power ``S = P - N`` (Wiener 1949).

    Parameters
    ----------
    powers : ndarray, shape (BANDS,)
        Power ``P`` of each frequency band, from `spectrum.band_powers`.
    noise : float, optional
        Standard deviation of the noise, in the units of the image that the powers are of; ``None`` takes the floor of
        the spectrum.

    Returns
    -------
    ndarray of float32, shape (2 RADIUS + 1, 2 RADIUS + 1)
        Sums to 1, so that brightness is kept.
    """
    level = noise_floor(powers) if noise is None else noise
    passed = np.maximum(powers - level**2, 0) / np.maximum(powers, 1e-20)
    # Noise in the estimate of the spectrum must not open the filter where the signal has ended.
    passed = np.minimum.accumulate(passed)
    centres = (np.arange(BANDS) + 0.5) / (2 * BANDS)
    frequency = np.fft.fftfreq(_GRID)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    transfer = np.interp(radius, np.concatenate([[0], centres]), np.concatenate([[1.0], passed]))
    full = np.fft.fftshift(np.fft.ifft2(transfer).real)
    middle = _GRID // 2
    kernel = full[middle - RADIUS : middle + RADIUS + 1, middle - RADIUS : middle + RADIUS + 1]
    taper = np.hanning(2 * RADIUS + 3)[1:-1]
    kernel = kernel * np.outer(taper, taper) ** 0.25
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def filtered(image: NDArray[np.floating], kernel: NDArray[np.floating]) -> NDArray[np.float32]:
    """Filter a plane that is wider by `RADIUS` on each side than what is wanted.

    Parameters
    ----------
    image : ndarray, shape (y + 2 RADIUS, x + 2 RADIUS)

    Returns
    -------
    ndarray of float32, shape (y, x)
    """
    return np.asarray(oaconvolve(image, kernel, mode="valid"), dtype=np.float32)
