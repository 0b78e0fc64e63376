"""Pixels of the camera that show nothing of the image: hot ones, and dead ones.

One such pixel can be hundreds of times as bright as all else, and then it is what noise, spectrum and range of an image
seem to be. No optics can have drawn it: even a point is spread over its neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_USUAL = 99.5  # percentile of how far pixels lie from their neighbours, up to which hot ones do not matter
_FAR = 10.0  # times as far; 28 standard deviations of Gaussian noise
_SPREAD = 0.1  # of how far it stands out; a point would spread more of itself over its neighbours


def hot_limit(blocks: NDArray[np.floating]) -> float:
    """Return by how much a pixel has to stand out of its eight neighbours to be none of the image.

    Parameters
    ----------
    blocks : ndarray, shape (count, y, x)
        Parts of an image, all finite.

    Returns
    -------
    float
        In the units of the image; infinite if no pixel of the blocks stands out so far.
    """
    if min(blocks.shape[1:]) < 3:
        return np.inf
    padded = _padded(blocks)
    parts = _neighbours(padded)
    # Without the extremes the mean of its neighbours does not feel that one of them is hot.
    around = (sum(parts) - np.minimum.reduce(parts) - np.maximum.reduce(parts)) / 6
    usual = float(np.percentile(np.abs(blocks - around), _USUAL))
    limit = _FAR * usual
    return limit if usual and _stands_out(blocks, padded, limit).any() else np.inf


def without_hot_pixels(pixels: NDArray[Any], limit: float) -> NDArray[Any]:
    """Return an image in which hot and dead pixels have the median of their neighbours.

    Parameters
    ----------
    pixels : ndarray, shape (..., y, x)
        Of any type, which is kept.
    limit : float
        See `hot_limit`.
    """
    if not np.isfinite(limit) or min(pixels.shape[-2:]) < 2:
        return pixels
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    padded = _padded(planes)
    hot = _stands_out(planes, padded, limit)
    if not hot.any():
        return pixels
    mended = planes.copy()
    mended[hot] = np.median([part[hot] for part in _neighbours(padded)], axis=0).astype(pixels.dtype)
    return mended.reshape(pixels.shape)


def _padded(planes: NDArray[Any]) -> NDArray[np.floating]:
    numbers = planes if planes.dtype.kind == "f" else planes.astype(np.float64)
    return np.pad(numbers, ((0, 0), (1, 1), (1, 1)), mode="reflect")


def _neighbours(padded: NDArray[np.floating]) -> list[NDArray[np.floating]]:
    """Return for each pixel its eight neighbours, as views."""
    height, width = (n - 2 for n in padded.shape[1:])
    shifts = [(y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    return [padded[:, y : y + height, x : x + width] for y, x in shifts]


def _stands_out(planes: NDArray[Any], padded: NDArray[np.floating], limit: float) -> NDArray[np.bool_]:
    parts = _neighbours(padded)
    lowest, highest = np.minimum.reduce(parts), np.maximum.reduce(parts)
    middle = padded[:, 1:-1, 1:-1]
    out = np.maximum(middle - highest, lowest - middle)
    return np.asarray((out > limit) & (highest - lowest <= _SPREAD * out + limit / _FAR))
