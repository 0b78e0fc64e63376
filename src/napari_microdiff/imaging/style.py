"""The style of an image in a few numbers: its noise, its texture and sharpness, and how its grey levels are spread.

A network that draws images from masks is told the style of a reference. The numbers say nothing of where objects lie:
they are those of spatial frequencies (see `spectrum`) and of grey levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from .spectrum import BANDS, VECTOR_LENGTH, measure_spectrum, powers_in, statistics_vector

# Of pixels that are less bright. The median is where all but empty images have their background, the upper ones tell
# how bright objects are and how unlike each other.
QUANTILES = (0.02, 0.25, 0.5, 0.75, 0.9, 0.98)


def style_length(channels: int = 1) -> int:
    """Return how many numbers the style of an image of so many channels has."""
    return VECTOR_LENGTH + len(QUANTILES) * channels


def style_vector(blocks: NDArray[np.floating]) -> NDArray[np.float32]:
    """Summarise the style of an image for a network, of about unit variance over images.

    Parameters
    ----------
    blocks : ndarray, shape (count, channels, y, x)
        Parts of the image, spread over all of it, in normalised units (about -1 to 1). Channels are colours.

    Returns
    -------
    ndarray of float32, shape (style_length(channels),)
        The vector of `spectrum.statistics_vector` of the mean over channels, whose first number is a constant 1 (zero
        everywhere means "any style"); then the `QUANTILES` of each channel.
    """
    spectrum = measure_spectrum(blocks.mean(axis=1))
    levels = np.quantile(blocks, QUANTILES, axis=(0, 2, 3)).T
    return np.concatenate([statistics_vector(spectrum), levels.ravel()]).astype(np.float32)


class Unlikeness(NamedTuple):
    """How far two styles are apart; all are 0 for an image and itself.

    Attributes
    ----------
    spectrum_db : float
        Root mean square, over the bands of spatial frequency, of the ratio of the powers in dB.
    fine_db : float
        Mean ratio of the powers of the upper half of the bands in dB, where noise is and what makes an image sharp: how
        much more of it the first style has than the second; negative if it has less.
    levels : float
        Mean difference of the grey levels between which as large a part of either image lies (the Wasserstein-1
        distance of their histograms, told by a few quantiles), as a share of the range from dark to bright.
    """

    spectrum_db: float
    fine_db: float
    levels: float


def unlikeness(one: Sequence[float], other: Sequence[float]) -> Unlikeness:
    """Compare two styles of `style_vector`, both measured in the same normalised units.

    Raises
    ------
    ImageError
        If they are of images with different numbers of colours.
    """
    first, second = (np.asarray(style, dtype=np.float64) for style in (one, other))
    if first.shape != second.shape:
        raise ImageError("The styles are of images with different numbers of colours. Compare images of one kind.")
    ratio = 10 * (powers_in(first) - powers_in(second))
    apart = np.abs(first[VECTOR_LENGTH:] - second[VECTOR_LENGTH:])
    return Unlikeness(
        spectrum_db=float(np.sqrt(np.mean(ratio**2))),
        fine_db=float(ratio[BANDS // 2 :].mean()),
        levels=float(apart.mean()) / 2,
    )
