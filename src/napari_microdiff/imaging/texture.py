"""What the content of an image looks like at several scales, in numbers that tell kinds of images apart.

The power spectrum says how much there is of each size; of two images with one spectrum, one may show bright filaments
on black and the other dark membranes on grey. What differs are moments of higher order: whether bright or dark is
rare, how sparse detail is, whether it lies in bright or in dark places, and whether it is made of lines or of spots
(after Portilla & Simoncelli 2000, Int. J. Comput. Vis. 40:49-71, who synthesise textures from such moments).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

LEVELS = 4  # each sees structure of twice the size of that before
PER_LEVEL = 7
TEXTURE_LENGTH = LEVELS * PER_LEVEL
_SMOOTH = 1.4  # pixels of a level; what is coarser is left to the next one
_NEVER_ALONE = 0.7  # pixels; noise of single pixels says nothing of the content
_SMALLEST_SIDE = 2 ** (LEVELS + 1)
_SMALLEST = 1e-12

Image = NDArray[np.floating]


def texture_vector(blocks: NDArray[np.floating]) -> NDArray[np.float32]:
    """Describe the content of an image; brightness, contrast and orientation make no difference.

    Parameters
    ----------
    blocks : ndarray, shape (count, y, x)
        Parts of the image; sides under 32 are reflected up to 32.

    Returns
    -------
    ndarray of float32, shape (TEXTURE_LENGTH,)
        For each level, from fine to coarse, see `_describe`.
    """
    blocks = np.asarray(blocks, dtype=np.float32)
    short = [(0, 0)] + [(0, max(0, _SMALLEST_SIDE - side)) for side in blocks.shape[1:]]
    image = _smoothed(np.pad(blocks, short, mode="symmetric"), _NEVER_ALONE)
    found = []
    for _ in range(LEVELS):
        coarse = _smoothed(image, _SMOOTH)
        found.append(_describe(image, coarse))
        image = np.ascontiguousarray(coarse[:, ::2, ::2])
    return np.concatenate(found).astype(np.float32)


def _smoothed(image: Image, sigma: float) -> Image:
    return np.asarray(ndimage.gaussian_filter(image, (0, sigma, sigma), mode="reflect", truncate=3))


def _describe(image: Image, coarse: Image) -> list[float]:
    """Return seven numbers about one level.

    They are the skewness of what is coarser and of the detail of this level, the sparseness of the detail, its
    correlation with brightness, how unevenly it is spread, whether ridges are bright or dark, and whether there are
    more lines or more spots.
    """
    detail = image - coarse
    energy = _smoothed(np.square(detail), _SMOOTH)
    skewness, kurtosis = _moments(detail)
    return [
        _compressed(_moments(coarse)[0]),
        _compressed(skewness),
        float(np.log(kurtosis + 1)),
        float(np.arctanh(0.99 * _correlation(coarse, energy))),
        float(np.log(energy.std() / max(float(energy.mean()), _SMALLEST) + 1e-3)),
        *_shapes(coarse),
    ]


def _shapes(image: Image) -> tuple[float, float]:
    """Return the balance of dark (1) and bright (-1) ridges, and which share of slopes runs along lines (0 to 1)."""
    down, along = np.gradient(image, axis=(1, 2))
    down_down, down_along = np.gradient(down, axis=(1, 2))
    mean, radius = _mean_and_radius(down_down, down_along, np.gradient(along, axis=2))
    # The larger one of the principal curvatures is that across a ridge.
    power = np.square(np.abs(mean) + radius)
    dark = float(power[mean > 0].sum()) / max(float(power.sum()), _SMALLEST)
    # Slopes around a place that all run one way are those of a line or an edge: the structure tensor of Bigün and
    # Granlund 1987 has one eigenvalue only.
    pairs = ((down, down), (down, along), (along, along))
    mean, radius = _mean_and_radius(*(_smoothed(np.multiply(one, other), _SMOOTH) for one, other in pairs))
    lines = float(radius.sum()) / max(float(mean.sum()), _SMALLEST)
    return 2 * dark - 1, lines


def _mean_and_radius(a: Image, b: Image, c: Image) -> tuple[Image, Image]:
    """Return half of the sum and of the difference of the eigenvalues of [[a, b], [b, c]]."""
    return (a + c) / 2, np.hypot((a - c) / 2, b)


def _moments(image: Image) -> tuple[float, float]:
    """Return skewness and kurtosis."""
    away = image - image.mean(dtype=np.float64).astype(np.float32)
    square = np.square(away)
    variance = max(float(square.mean(dtype=np.float64)), _SMALLEST)
    skewness = (square * away).mean(dtype=np.float64) / variance**1.5
    return float(skewness), float(np.square(square).mean(dtype=np.float64) / variance**2)


def _correlation(one: Image, other: Image) -> float:
    a, b = (image - image.mean(dtype=np.float64) for image in (one, other))
    return float((a * b).mean() / max(np.sqrt(np.square(a).mean() * np.square(b).mean()), _SMALLEST))


def _compressed(value: float) -> float:
    return float(np.sign(value) * np.log1p(abs(value)))
