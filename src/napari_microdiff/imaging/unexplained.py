"""Where an image differs from what would be recorded of a result by more than noise explains.

What a model made up, or left out, is a structure in what is left over. Over all of an image it hardly counts; where it
is, it stands out from noise once this is averaged over the size of the structure: a round one, or a piece of a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Deviations. Noise reaches 6 in an image of millions of pixels; the mean of a model, which is a little too dim where
# small bright things are, left 9 on training images.
UNLIKELY = 10.0
_SIZES = (1.0, 2.0, 4.0)  # of round structures, as standard deviations of Gaussians in pixels
_DIRECTIONS = ((0, 1), (1, 2), (1, 1), (2, 1), (1, 0), (2, -1), (1, -1), (1, -2))  # of lines, as wide as the smallest
_HALF_LINE = 8  # pixels
_TRUNCATE = 4.0  # standard deviations at which scipy ends a Gaussian
_LEVELS = 16  # of brightness, on which noise depends
_FEWEST = 64  # pixels that a level has
_MAD = 1.4826  # standard deviation of a Gaussian over its median absolute deviation
_SOME = 3  # every so many rows and columns tell what is usual
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
    # What sticks out of one slope is one place: rays of a spot, which lines at all angles touch, are not several.
    slopes, _ = ndimage.label(scores > UNLIKELY / 2, structure=np.ones((3, 3)))
    return Unexplained(np.unique(slopes[scores > UNLIKELY]).size, float(scores.max(initial=0.0)))


def deviations(residual: NDArray[np.floating], seen: NDArray[np.floating], noise: float, span: float) -> _Array:
    """Return how far each place deviates, in standard deviations of what noise makes there; see `unexplained`."""
    least = max(noise / 2, _EXACT * span, 1e-30)
    # Noise is that of what was there: something bright that was made up is not, which the residual tells.
    bright = np.asarray(seen + np.minimum(0.0, _smooth(residual, _SIZES[0])))
    score = np.asarray(residual, dtype=np.float64) / np.maximum(_spread(residual, bright), least)
    found = np.zeros(score.shape)
    for averaged in chain(_over_spots(score), _over_lines(score)):  # one at a time: each is as large as the image
        # Where neighbours are alike all over the image, as with a blur told a little wrong, that is not one structure.
        usual = max(1.0, _MAD * float(np.median(np.abs(averaged[::_SOME, ::_SOME]))))
        np.maximum(found, np.abs(averaged) / usual, out=found)
    return found


def _smooth(image: NDArray[np.floating], size: float) -> _Array:
    return np.asarray(ndimage.gaussian_filter(np.asarray(image, dtype=np.float64), size, mode="reflect"))


def _over_spots(score: _Array) -> Iterator[_Array]:
    """Yield scores averaged over round structures, in units of what is left of white noise."""
    for size in _SIZES:
        yield _smooth(score, size) / (_left(score.shape[0], size)[:, None] * _left(score.shape[1], size))


def _over_lines(score: _Array) -> Iterator[_Array]:
    """Yield scores averaged along short lines, in units of what is left of white noise."""
    thin = _smooth(score, _SIZES[0])
    for step in _DIRECTIONS:
        count = round(_HALF_LINE / float(np.hypot(*step)))
        rows, columns = (_alike(length, part, count) for length, part in zip(score.shape, step, strict=True))
        left = _stretched(np.sqrt(rows @ columns.T), score.shape[0])
        yield _along(thin, step, count) / _stretched(left.T, score.shape[1]).T


def _along(image: _Array, step: tuple[int, int], count: int) -> _Array:
    """Return the sum of so many pixels to both sides, one step apart; beyond the borders there is nothing."""
    (rows, columns), (down, right) = image.shape, (count * abs(part) for part in step)
    padded = np.pad(image, ((down, down), (right, right)))
    total = np.zeros(image.shape)
    for number in range(-count, count + 1):
        top, start = down + number * step[0], right + number * step[1]
        total += padded[top : top + rows, start : start + columns]
    return total


def _left(length: int, size: float) -> _Array:
    """Return the standard deviation of white noise of deviation 1 along one axis, once it is smoothed.

    At the borders, where pixels are mirrored and so count twice, it is larger than in the middle.
    """
    few = _few(length, size, 0)
    return np.sqrt(_stretched(np.square(_smoothing(few, size)).sum(axis=1), length))


def _alike(length: int, step: int, count: int) -> _Array:
    """Return the covariances of all pairs of the pixels that `_along` sums up, along one axis, shape (few, pairs).

    They are those of smoothed white noise. As it is smoothed along one axis after the other, the variance of a sum is
    the scalar product of those of both axes; see `_left` for the borders, where some pixels of a line are missing, too.
    """
    few = _few(length, _SIZES[0], count * abs(step))
    smoothing = _smoothing(few, _SIZES[0])
    at = np.arange(few)[:, None] + step * np.arange(-count, count + 1)
    there, at = (at >= 0) & (at < few), at.clip(0, few - 1)
    pairs = (smoothing @ smoothing.T)[at[:, :, None], at[:, None, :]]
    return np.where(there[:, :, None] & there[:, None, :], pairs, 0).reshape(few, -1)


def _few(length: int, size: float, more: int) -> int:
    """Return how many pixels of an axis tell of all: half of them each end, where borders count."""
    return min(length, 2 * (int(np.ceil(2 * _TRUNCATE * size)) + 1 + more))


def _smoothing(length: int, size: float) -> _Array:
    return np.asarray(ndimage.gaussian_filter1d(np.eye(length), size, axis=0, mode="reflect"))


def _stretched(near: _Array, length: int) -> _Array:
    """Repeat the middle row of what `_few` pixels tell."""
    middle = len(near) // 2
    repeated = np.repeat(near[middle : middle + 1], length - len(near), axis=0)
    return np.concatenate([near[:middle], repeated, near[middle:]])


def _spread(residual: NDArray[np.floating], seen: NDArray[np.floating]) -> _Array:
    """Return the standard deviation of what is left over at the brightness of each pixel, whatever a few of them do."""
    order = np.argsort(seen, axis=None, kind="stable")
    levels = np.array_split(order, max(1, min(_LEVELS, residual.size // _FEWEST)))
    left, bright = np.abs(residual).ravel(), seen.ravel()
    at = np.array([np.median(bright[level]) for level in levels], dtype=np.float64)
    deviation = np.array([_MAD * np.median(left[level]) for level in levels], dtype=np.float64)
    return np.asarray(np.interp(seen, at, deviation))
