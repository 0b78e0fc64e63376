"""The best linear estimate of what lies between the slices of a stack, if tissue looks alike from all sides.

How alike two pixels are that lie a distance apart is told by the power spectrum of a slice. Where structure has no
preferred direction, pixels of different slices are as alike as pixels of one slice at the same distance, so that the
weights of the slices around a place follow without a volume to learn them from (kriging, Matheron 1963). Linear
interpolation is what is left of it where only two slices are looked at and noise is not thought of.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .spectrum import CENTRES

SLICES = 4  # that are looked at, half of them on each side
ACROSS = 4  # pixels to each side along a slice
PLANE_MAPS = 3  # that models which fill in rows are shown of a plane across the slices
BESIDE = (-4, -2, -1, 1, 2, 4)  # pixels from it to the neighbouring planes that they may be shown, too
_SIDE = 128  # of the table of covariances
_RIDGE = 1e-6  # of the variance; smooth images leave their covariances next to singular
_TRUST = 0.02  # of the standard deviation of the image
_SMALLEST = 1e-4  # error, so that it can be divided by


class BetweenFilter(NamedTuple):
    """A linear filter from some rows of a plane to those between them.

    Attributes
    ----------
    kernels : ndarray of float32, shape (factor - 1, SLICES, 2 ACROSS + 1)
        Weights for each row between two, from the first to the last; each sums to 1, so that brightness is kept.
    errors : ndarray of float32, shape (factor - 1,)
        Root mean square error to be expected in each, noise of the slice itself included; in the units of the image.
    contrast : float
        Standard deviation of pixels about the mean of what is around them.
    """

    kernels: NDArray[np.float32]
    errors: NDArray[np.float32]
    contrast: float

    @property
    def error(self) -> float:
        """Root mean square of the errors."""
        return float(np.sqrt(np.mean(np.square(self.errors, dtype=np.float64))))


def between_filter(powers: NDArray[np.floating], factor: int) -> BetweenFilter:
    """Return the best linear filter to the rows between known ones.

    Parameters
    ----------
    powers : ndarray, shape (BANDS,)
        Power of each frequency band of the slices, see `spectrum.Spectrum`.
    factor : int
        Distance of known rows in pixels; at least 2.
    """
    covariance = _covariance(powers)
    rows, columns = np.mgrid[1 - SLICES // 2 : SLICES // 2 + 1, -ACROSS : ACROSS + 1]
    at = np.stack([factor * rows.ravel(), columns.ravel()])
    among = covariance[tuple(np.abs(at[:, :, None] - at[:, None, :]))]
    among = among + _RIDGE * covariance[0, 0] * np.eye(len(among))
    # The last unknown is Lagrange's multiplier of the weights' sum.
    system = np.block([[among, np.ones((len(among), 1))], [np.ones((1, len(among))), np.zeros((1, 1))]])
    kernels, squares = [], []
    for row in range(1, factor):
        towards = covariance[np.abs(at[0] - row), np.abs(at[1])]
        weights = np.linalg.solve(system, np.append(towards, 1.0))[:-1]
        kernels.append(weights.reshape(rows.shape))
        squares.append(covariance[0, 0] - 2 * weights @ towards + weights @ among @ weights)
    least = _TRUST**2 * covariance[0, 0] + _SMALLEST**2
    errors = np.sqrt(np.maximum(squares, 0) + least)
    return BetweenFilter(
        np.stack(kernels).astype(np.float32), errors.astype(np.float32), float(np.sqrt(covariance[0, 0]))
    )


def _covariance(powers: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the covariance of two pixels by their distance along two axes, shape (_SIDE, _SIDE)."""
    frequency = np.fft.fftfreq(_SIDE)
    # Below the first band, whose windows lose what is slower, the spectrum is flat.
    radius = np.maximum(np.hypot(frequency[:, None], frequency[None, :]), CENTRES[0])
    spectrum = np.exp(np.interp(np.log(radius), np.log(CENTRES), np.log(np.maximum(powers, 1e-12))))
    return np.asarray(np.fft.ifft2(spectrum).real)
