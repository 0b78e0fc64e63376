"""The radial power spectrum of an image, which tells its noise level and the band limit of its optics.

A microscope passes low spatial frequencies only, while the noise of its camera has all of them. Where the spectrum
falls to its floor is thus where signal ends; a denoiser that is told can be as good as the best linear filter before
it has looked at a single structure. Where the noise is not white, as that of a scanning detector, the floor says too
little; what is left in the quietest places of the image shows how much of each frequency is noise.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WINDOW = 64
BANDS = 16
CENTRES = (np.arange(BANDS) + 0.5) / (2 * BANDS)  # of the bands, in cycles per pixel
VECTOR_LENGTH = 2 * BANDS + 2
# The part of the vector by which the likeness of images is judged; how quiet the quietest place of an image is depends
# on how much of it was recorded.
LIKENESS = slice(1, BANDS + 2)
_FLOOR = 1e-12
_QUIET = 8  # the quietest of so many windows
_CELL, _BLANK_SHARE = 8, 0.25
_HIGHEST = 4  # bands, that have most frequencies
_SURE = 256  # frequencies in all windows, of which half mirror the others: their mean power is right to about a tenth


class Spectrum(NamedTuple):
    """Power of each of `BANDS` equal rings of spatial frequency, from zero to the Nyquist frequency.

    White noise of variance v has power v in every band.

    Attributes
    ----------
    powers : ndarray, shape (BANDS,)
        Mean over the image.
    quiet : ndarray, shape (BANDS,)
        Mean over the eighth of the image that has least power in all: an upper bound of the noise's own spectrum.
    windows : float
        How many windows were measured; a share of one where an image is smaller.
    """

    powers: NDArray[np.float64]
    quiet: NDArray[np.float64]
    windows: float = math.inf

    def plus(self, noise: NDArray[np.float64]) -> Spectrum:
        """Return the spectrum of the image with noise of the given powers added, shape (BANDS,)."""
        return self._replace(powers=self.powers + noise, quiet=self.quiet + noise)

    def floor(self) -> float:
        """Return `noise_floor`, but not of a band that has little power by chance, as low ones of small images may."""
        _, member, weight = _window_and_bands()
        sure = self.windows * (weight @ (member > 0)) >= _SURE
        sure[-_HIGHEST:] = True
        return noise_floor(self.powers[sure])


@lru_cache(maxsize=1)
def _window_and_bands() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return the window, the share of each frequency in the mean of each band, and its share in the whole power."""
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
    member = (band.ravel()[:, None] == np.arange(BANDS)) * weight.ravel()[:, None]
    share = member / member.sum(axis=0)
    return window.astype(np.float32), share.astype(np.float32), weight.ravel().astype(np.float32)


def measure_spectrum(blocks: NDArray[np.floating]) -> Spectrum:
    """Measure the spectrum by Welch's method, with Hann windows of 64 pixels that overlap by half.

    Windows that are blank in part are left out, unless all are: margins and masks tell nothing of the noise.

    Parameters
    ----------
    blocks : ndarray, shape (count, y, x)
        Parts of the image; sides under 64 are reflected up to 64.
    """
    window, member, weight = _window_and_bands()
    blocks = np.asarray(blocks, dtype=np.float32)
    height, width = blocks.shape[1:]
    short = [(0, 0)] + [(0, max(0, WINDOW - side)) for side in blocks.shape[1:]]
    blocks = np.pad(blocks, short, mode="symmetric")
    views = np.lib.stride_tricks.sliding_window_view(blocks, (WINDOW, WINDOW), axis=(1, 2))
    views = views[:, :: WINDOW // 2, :: WINDOW // 2].reshape(-1, WINDOW, WINDOW)
    bands, totals = np.empty((len(views), BANDS)), np.empty(len(views))
    for start in range(0, len(views), 64):
        part = views[start : start + 64]
        transform = np.fft.rfft2((part - part.mean(axis=(1, 2), keepdims=True)) * window)
        power = (np.abs(transform) ** 2).reshape(len(part), -1)
        bands[start : start + 64], totals[start : start + 64] = power @ member, power @ weight
    blank = _blank_windows(blocks)
    if not blank.all():
        bands, totals = bands[~blank], totals[~blank]
    quietest = np.argsort(totals, kind="stable")[: max(1, len(totals) // _QUIET)]
    seen = len(bands) * min(1.0, height / WINDOW) * min(1.0, width / WINDOW)
    return Spectrum(bands.mean(axis=0), bands[quietest].mean(axis=0), seen)


def _blank_windows(blocks: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return in which windows more than a quarter of the area consists of cells of equal pixels."""
    count, height, width = (length // step for length, step in zip(blocks.shape, (1, _CELL, _CELL), strict=True))
    cells = blocks[:, : height * _CELL, : width * _CELL].reshape(count, height, _CELL, width, _CELL)
    equal = (cells == cells[:, :, :1, :, :1]).all(axis=(2, 4))
    side, step = WINDOW // _CELL, WINDOW // _CELL // 2
    views = np.lib.stride_tricks.sliding_window_view(equal, (side, side), axis=(1, 2))[:, ::step, ::step]
    return np.asarray(views.mean(axis=(3, 4)).ravel() > _BLANK_SHARE)


def noise_floor(powers: NDArray[np.floating]) -> float:
    """Return the standard deviation of white noise that explains the lowest band."""
    return float(np.sqrt(max(float(powers.min()), _FLOOR)))


def statistics_vector(spectrum: Spectrum, noise: float | None = None) -> NDArray[np.float32]:
    """Summarise an image for a network, of about unit variance over images.

    Parameters
    ----------
    spectrum : Spectrum
        Of the normalised image.
    noise : float, optional
        Standard deviation of the noise in normalised units where it is known better than from the spectrum.

    Returns
    -------
    ndarray of float32, shape (VECTOR_LENGTH,)
        A constant 1 (zero everywhere means "nothing known"), the noise level, the signal-to-noise ratio of each band,
        and the share of each band's power that is left in quiet places, all logarithmic.
    """
    level = np.log10(max(noise or noise_floor(spectrum.powers), np.sqrt(_FLOOR)))
    powers, quiet = (np.log10(np.maximum(part, _FLOOR)) for part in (spectrum.powers, spectrum.quiet))
    shares = quiet - powers
    return np.concatenate(
        [[1.0], [(level + 1.0) / 0.6], (powers - 2 * level - 1.0) / 1.5, (shares + 0.6) / 0.7]
    ).astype(np.float32)


def powers_in(vector: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the logarithms to base 10 of the powers of the bands that a vector of `statistics_vector` tells of."""
    level = float(vector[1]) * 0.6 - 1.0
    return np.asarray(vector[2 : 2 + BANDS], dtype=np.float64) * 1.5 + 2 * level + 1.0
