"""Where an image differs from what would be recorded of a result by more than noise explains.

What a model made up, or left out, is a structure in what is left over. Over all of an image it hardly counts; where it
is, it stands out from noise once this is averaged over the size of the structure.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Deviations. Noise reaches 6 in an image of millions of pixels; the mean of a model, which is a little too dim where
# small bright things are, left 9 on training images.
UNLIKELY = 10.0
_SIZES = (1.0, 2.0, 4.0)  # of structures, as standard deviations of Gaussians in pixels
_TRUNCATE = 4.0  # standard deviations at which scipy ends a Gaussian
_LEVELS = 16  # of brightness, on which noise depends
_FEWEST = 64  # pixels that a level has
_MAD = 1.4826  # standard deviation of a Gaussian over its median absolute deviation
_EXACT = 1e-3  # of the range; less is arithmetic

_Array = NDArray[np.float64]


class Unexplained(NamedTuple):
    """What noise does not explain.

    Attributes
    ----------
    places : int
        In how many places.
    strongest : float
        Largest deviation from 0, in standard deviations of what noise makes.
    """

    places: int
    strongest: float


def unexplained(residual: NDArray[np.floating], seen: NDArray[np.floating], noise: float, span: float) -> Unexplained:
    """Look for structures in what is left over.

    Parameters
    ----------
    residual : ndarray, shape (y, x)
        The image less what would be recorded of the result.
    seen : ndarray, shape (y, x)
        What would be recorded, on whose brightness the noise may depend.
    noise, span : float
        Standard deviation of the noise, and range of the image.
    """
    scores = deviations(residual, seen, noise, span)
    return Unexplained(int(ndimage.label(scores > UNLIKELY)[1]), float(scores.max(initial=0.0)))


def deviations(residual: NDArray[np.floating], seen: NDArray[np.floating], noise: float, span: float) -> _Array:
    """Return how far each place deviates, in standard deviations of what noise makes there; see `unexplained`."""
    least = max(noise / 2, _EXACT * span, 1e-30)
    score = np.asarray(residual, dtype=np.float64) / np.maximum(_spread(residual, seen), least)
    found = np.zeros(score.shape)
    for size in _SIZES:
        smooth = ndimage.gaussian_filter(score, size, mode="reflect")
        # In units of what smoothing leaves of white noise.
        smooth /= _left(score.shape[0], size)[:, None] * _left(score.shape[1], size)
        # Where neighbours are alike all over the image, as with a blur told a little wrong, that is not one structure.
        usual = max(1.0, _MAD * float(np.median(np.abs(smooth))))
        np.maximum(found, np.abs(smooth) / usual, out=found)
    return found


def _left(length: int, size: float) -> _Array:
    """Return the standard deviation of white noise of deviation 1 along one axis, once it is smoothed.

    At the borders, where pixels are mirrored and so count twice, it is larger than in the middle.
    """
    reach = int(np.ceil(2 * _TRUNCATE * size)) + 1
    few = min(length, 2 * reach)
    near = np.sqrt(np.square(ndimage.gaussian_filter1d(np.eye(few), size, axis=0, mode="reflect")).sum(axis=1))
    return np.concatenate([near[: few // 2], np.full(length - few, near[few // 2]), near[few // 2 :]])


def _spread(residual: NDArray[np.floating], seen: NDArray[np.floating]) -> _Array:
    """Return the standard deviation of what is left over at the brightness of each pixel, whatever a few of them do."""
    order = np.argsort(seen, axis=None, kind="stable")
    levels = np.array_split(order, max(1, min(_LEVELS, residual.size // _FEWEST)))
    left, bright = np.abs(residual).ravel(), seen.ravel()
    at = np.array([np.median(bright[level]) for level in levels], dtype=np.float64)
    deviation = np.array([_MAD * np.median(left[level]) for level in levels], dtype=np.float64)
    return np.asarray(np.interp(seen, at, deviation))
