"""A camera over a synthesised image: blur, photons and read noise that are known exactly.

Noise belongs to positions, as that of sampling does: a part of an image has the noise of that part of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr, pdtr, pdtrik

from ..diffusion.noise import Stream, positional_noise
from ..engine.options import SynthesizeOptions

_REACH = 4.0  # standard deviations of a Gaussian that count
_NORMAL_FROM = 1e6  # photons from which on Poisson and normal numbers differ by less than float32 tells


def blur_margin(options: SynthesizeOptions) -> int:
    """Return how many pixels around a part of an image its blur depends on."""
    return math.ceil(_REACH * options.blur)


def expose(
    image: NDArray[np.float32],
    options: SynthesizeOptions,
    *,
    seed: int,
    plane: int,
    start: Sequence[int],
    margin: Sequence[tuple[int, int]] = ((0, 0), (0, 0)),
) -> NDArray[np.float32]:
    """Blur an image and record it by a camera.

    Parameters
    ----------
    image : ndarray, shape (channels, y, x)
        In grey levels, with a margin.
    options : SynthesizeOptions
        Says blur, photons, read noise and the levels of no light and of all these photons.
    seed : int
        Of the image.
    plane : int
        Number of the first channel's plane within the array.
    start : sequence of int
        Where the image without its margin begins in the plane.
    margin : sequence of (int, int)
        Pixels before and after it, along y and x, that were added for the blur.

    Returns
    -------
    ndarray of float32, shape (channels, y, x)
        In grey levels, without the margin.
    """
    if options.blur:
        image = np.stack([ndimage.gaussian_filter(c, options.blur, mode="reflect", truncate=_REACH) for c in image])
    inner = tuple(slice(before, n - after) for (before, after), n in zip(margin, image.shape[1:], strict=True))
    image = image[(slice(None), *inner)]
    stop = [first + n for first, n in zip(start, image.shape[1:], strict=True)]

    def noise(stream: int, channel: int) -> NDArray[np.float32]:
        return positional_noise(seed, stream, plane + channel, start, stop)

    dark, bright = options.levels
    if options.photons is not None:
        per_photon = (bright - dark) / options.photons
        counted = [
            _counted(np.maximum(channel - dark, 0) / per_photon, noise(Stream.PHOTONS, number))
            for number, channel in enumerate(image)
        ]
        image = (dark + per_photon * np.stack(counted)).astype(np.float32)
    if options.read_noise:
        image = image + np.float32(options.read_noise) * np.stack([noise(Stream.READ, n) for n in range(len(image))])
    return np.asarray(image, dtype=np.float32)


def _counted(expected: NDArray[np.floating], normal: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return Poisson numbers of given means, by inverting their distribution at normal numbers."""
    mean = np.asarray(expected, dtype=np.float64)
    if mean.size and mean.max() > _NORMAL_FROM:
        many = np.maximum(np.round(mean + np.sqrt(mean) * normal), 0)
        few = _counted(np.minimum(mean, _NORMAL_FROM), normal)
        return np.where(mean > _NORMAL_FROM, many, few)
    portion = ndtr(normal.astype(np.float64))
    number = np.ceil(pdtrik(portion, np.maximum(mean, 1e-12)))
    below = np.maximum(number - 1, 0)
    number = np.where(pdtr(below, mean) >= portion, below, number)
    return np.where(mean > 0, number, 0.0)
