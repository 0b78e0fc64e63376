"""The best linear estimate of an image on finer pixels than those that it was recorded on.

It is the classical bar for a network that makes pixels finer, and the first guess that ours starts from. What the
camera saw is blurred and binned; how much power the sharp image has at each frequency is told by the spectrum of the
recorded one up to where its pixels end, and by the power law that this follows beyond.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .optics import PointSpread
from .spectrum import CENTRES, WINDOW, noise_floor

FINER_RADIUS = 16  # of the filter, in recorded pixels
_PASSED = 0.05  # of a band's power; where optics let less through, its signal cannot be told from the noise
_SLOPES = (-5.0, -1.5)  # of the power of natural images over frequency, at least and at most
_USUAL = -3.0
_TRUST = 0.02  # of the standard deviation of the image
_SMALLEST = 1e-4  # error, so that it can be divided by
_KEPT = 0.5  # of brightness, by a filter that finds more than noise in the lowest frequencies


class FinerFilter(NamedTuple):
    """A linear filter that makes pixels finer.

    Attributes
    ----------
    kernels : ndarray of float32, shape (factor**2, 2 FINER_RADIUS + 1, 2 FINER_RADIUS + 1)
        One for each fine pixel within a recorded one, row by row; each sums to 1, so that brightness is kept.
    error : float
        Root mean square error to be expected of it, in the units of the image.
    """

    kernels: NDArray[np.float32]
    error: float


def finer_filter(
    powers: NDArray[np.floating], psf: PointSpread, factor: int, noise: float | None = None
) -> FinerFilter:
    """Return the Wiener filter from recorded pixels to finer ones.

    With the transfer function ``A`` of blur and binning, the power ``S`` of the sharp image and that of the noise,
    ``N``, the estimate is ``A* S / (sum |A|^2 S / factor^2 + N)``, where the sum goes over all frequencies that look
    the same on the recorded pixels.

    Parameters
    ----------
    powers : ndarray, shape (BANDS,)
        Power of each frequency band of the recorded image, see `spectrum.Spectrum`.
    psf : PointSpread
        Of the optics.
    factor : int
        Fine pixels along a recorded one.
    noise : float, optional
        Standard deviation of the noise; ``None`` takes the floor of the spectrum.
    """
    level = noise_floor(powers) if noise is None else noise
    side = WINDOW * factor
    transfer = _transfer(psf, factor, side)
    signal = sharp_power(powers, psf, factor, level, side)
    seen = np.abs(transfer) ** 2 * signal / factor**2
    recorded = seen.reshape(factor, WINDOW, factor, WINDOW).sum(axis=(0, 2)) + max(level, 1e-6) ** 2
    recorded = np.tile(recorded, (factor, factor))
    response = np.fft.ifft2(transfer.conj() * signal / recorded).real
    left = signal * (1 - seen / recorded)
    contrast = float(np.partition(signal.ravel(), -2)[:-1].mean())  # without that of the mean brightness
    error = float(np.sqrt(left.mean() + _TRUST**2 * contrast + _SMALLEST**2))
    return FinerFilter(_phases(response, factor), error)


def sharp_power(
    powers: NDArray[np.floating], psf: PointSpread, factor: int, noise: float, side: int
) -> NDArray[np.float64]:
    """Return the power that the sharp image is thought to have at each frequency of a square of ``side`` fine pixels.

    Parameters
    ----------
    powers, psf, factor
        As for `finer_filter`.
    noise : float
        Standard deviation of the noise.
    """
    passed = np.abs(_along_axis(psf, factor, CENTRES / factor)) ** 2
    signal = np.maximum(powers - noise**2, 0)
    sharp = factor**2 * signal / np.maximum(passed, _PASSED)
    clear = (signal > noise**2) & (passed > _PASSED)
    last = int(np.flatnonzero(clear).max(initial=0))
    x, y = np.log(CENTRES[: last + 1]), np.log(np.maximum(sharp[: last + 1], 1e-12))
    slope = _USUAL if last < 3 else float(np.clip(np.polyfit(x[1:], y[1:], 1)[0], *_SLOPES))
    frequency = np.fft.fftfreq(side) * factor  # cycles per recorded pixel
    radius = np.maximum(np.hypot(frequency[:, None], frequency[None, :]), CENTRES[0])
    within = np.exp(np.interp(np.log(radius), x, y))
    return np.asarray(within * np.maximum(radius / CENTRES[last], 1) ** slope)


def _along_axis(psf: PointSpread, factor: int, frequency: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return the transfer function of blur and binning at frequencies along an axis, in cycles per fine pixel."""
    kernel = psf.kernel(factor).sum(axis=0)
    at = np.arange(len(kernel)) - len(kernel) // 2
    blurred = np.cos(2 * np.pi * np.outer(frequency, at)) @ kernel
    return np.asarray(blurred * _binned(factor, frequency))


def _binned(factor: int, frequency: NDArray[np.floating]) -> NDArray[np.complex128]:
    return np.asarray(np.exp(2j * np.pi * np.outer(frequency, np.arange(factor))).mean(axis=1))


def _transfer(psf: PointSpread, factor: int, side: int) -> NDArray[np.complex128]:
    frequency = np.fft.fftfreq(side)
    binned = _binned(factor, frequency)
    kernel = psf.kernel(factor)
    at = np.arange(len(kernel)) - len(kernel) // 2
    waves = np.cos(2 * np.pi * np.outer(frequency, at))
    return np.asarray((waves @ kernel @ waves.T) * np.outer(binned, binned))


def _phases(response: NDArray[np.float64], factor: int) -> NDArray[np.float32]:
    """Cut the answer to one recorded pixel into a kernel for each fine pixel."""
    taper = np.hanning(2 * FINER_RADIUS + 3)[1:-1] ** 0.25
    at = factor * np.arange(-FINER_RADIUS, FINER_RADIUS + 1)
    kernels = []
    for row in range(factor):
        for column in range(factor):
            kernels.append(_summing_to_one(response[np.ix_(at + row, at + column)] * np.outer(taper, taper)))
    return np.stack(kernels).astype(np.float32)


def _summing_to_one(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale a kernel so that it keeps brightness; one that is far from it, for it takes all for noise, is filled up."""
    kept = kernel / max(float(kernel.sum()), _KEPT)
    return np.asarray(kept + (1 - kept.sum()) / kept.size)
