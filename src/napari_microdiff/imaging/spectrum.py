"""The radial power spectrum of an image, which tells its noise level and the band limit of its optics.

A microscope passes low spatial frequencies only, while the noise of its camera has all of them. Where the spectrum
falls to its floor is thus where signal ends; a denoiser that is told can be as good as the best linear filter before
it has looked at a single structure.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

WINDOW = 64
BANDS = 16
VECTOR_LENGTH = BANDS + 2
_FLOOR = 1e-12


@lru_cache(maxsize=1)
def _window_and_bands() -> tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.float64]]:
    hann = np.hanning(WINDOW + 2)[1:-1]
    window = np.outer(hann, hann)
    window /= np.sqrt((window**2).sum())
    fy = np.fft.fftfreq(WINDOW)[:, None]
    fx = np.fft.rfftfreq(WINDOW)[None, :]
    band = np.minimum((np.hypot(fy, fx) * 2 * BANDS).astype(int), BANDS)  # corners beyond Nyquist go to band BANDS
    # The real transform leaves out the mirror images of all but the first and last columns.
    weight = np.full(band.shape, 2.0)
    weight[:, 0] = weight[:, -1] = 1.0
    weight[0, 0] = 0.0
    return window.astype(np.float32), band.ravel(), weight.ravel()


def band_powers(blocks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the mean power in each of `BANDS` equal rings from zero to the Nyquist frequency.

    White noise of variance v has power v in every band (Welch's method with Hann windows of 64 pixels that overlap
    by half).

    Parameters
    ----------
    blocks : ndarray, shape (count, y, x)
        Parts of the image; sides under 64 are reflected up to 64.
    """
    window, band, weight = _window_and_bands()
    blocks = np.asarray(blocks, dtype=np.float32)
    short = [(0, 0)] + [(0, max(0, WINDOW - side)) for side in blocks.shape[1:]]
    blocks = np.pad(blocks, short, mode="symmetric")
    views = np.lib.stride_tricks.sliding_window_view(blocks, (WINDOW, WINDOW), axis=(1, 2))
    views = views[:, :: WINDOW // 2, :: WINDOW // 2].reshape(-1, WINDOW, WINDOW)
    power = np.zeros(band.size)
    for start in range(0, len(views), 64):
        part = views[start : start + 64]
        spectrum = np.fft.rfft2((part - part.mean(axis=(1, 2), keepdims=True)) * window)
        power += (np.abs(spectrum) ** 2).sum(axis=0).ravel()
    power /= len(views)
    total = np.bincount(band, power * weight, BANDS + 1)
    return np.asarray(total[:BANDS] / np.bincount(band, weight, BANDS + 1)[:BANDS])


def noise_floor(powers: NDArray[np.floating]) -> float:
    """Return the standard deviation of white noise that explains the lowest band."""
    return float(np.sqrt(max(float(powers.min()), _FLOOR)))


def statistics_vector(powers: NDArray[np.floating], noise: float | None = None) -> NDArray[np.float32]:
    """Summarise an image for a network, of about unit variance over images.

    Parameters
    ----------
    powers : ndarray, shape (BANDS,)
        From `band_powers` of the normalised image.
    noise : float, optional
        Standard deviation of the noise in normalised units where it is known better than from the spectrum.

    Returns
    -------
    ndarray of float32, shape (VECTOR_LENGTH,)
        A constant 1 (zero everywhere means "nothing known"), the noise level, and the signal-to-noise ratio of each
        band, both logarithmic.
    """
    level = np.log10(max(noise or noise_floor(powers), np.sqrt(_FLOOR)))
    ratios = np.log10(np.maximum(powers, _FLOOR)) - 2 * level
    return np.concatenate([[1.0], [(level + 1.0) / 0.6], (ratios - 1.0) / 1.5]).astype(np.float32)
