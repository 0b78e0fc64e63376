"""Is an image as fine as another one? What it says of itself, not whether both agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_microdiff.imaging import quality
from napari_microdiff.imaging.spectrum import measure_spectrum

Image = NDArray[np.floating]


def spectra_apart(truth: Image, image: Image) -> float:
    """Return by how many decibels the powers of two images differ, on average over spatial frequencies."""
    powers = [measure_spectrum(pixels[None]).powers for pixels in (truth, image)]
    return float(np.abs(10 * np.log10(np.maximum(powers[1], 1e-20) / np.maximum(powers[0], 1e-20))).mean())


def own_correlation(image: Image) -> NDArray[np.float64]:
    """Return the Fourier ring correlation of an image by itself: of every second pixel with those between.

    Two pairs of halves are averaged, of which each holds one pixel of four (Koho et al. 2019, Nature Communications
    10, 3103). It falls where there is no more than noise or grain.
    """
    height, width = (length // 2 * 2 for length in image.shape)
    even = image[:height, :width]
    pairs = ((even[0::2, 0::2], even[1::2, 1::2]), (even[0::2, 1::2], even[1::2, 0::2]))
    return np.mean([quality.fourier_ring_correlation(*pair)[1] for pair in pairs], axis=0)


def correlations_apart(truth: Image, image: Image) -> float:
    """Return by how much the Fourier ring correlations of two images by themselves differ, on average over rings."""
    return float(np.abs(own_correlation(image) - own_correlation(truth)).mean())
