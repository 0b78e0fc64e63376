"""Simulated nuclei, an image and a mask of them, which a viewer can show without importing torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.filters import gaussian, threshold_otsu
from skimage.measure import label

from napari_microdiff.imaging.camera import simulate
from napari_microdiff.imaging.samples import SAMPLES, nuclei

PHOTONS = 0.2  # of the bright sample, as in the sample image of the viewer


def nuclei_image(side: int) -> NDArray[Any]:
    """Return nuclei as a camera sees them, uint16, shape (side, side)."""
    camera, rng = SAMPLES["nuclei"].camera, np.random.default_rng((0, 1))
    seen = simulate(PHOTONS * nuclei((side, side), 0), camera, rng, quantise=True, saturation=65535)
    return seen.astype(np.uint16)


def nuclei_mask(side: int) -> NDArray[np.int32]:
    """Return the objects of such an image, shape (side, side)."""
    clean = gaussian(nuclei((side, side), 0), 1)
    return np.asarray(label(clean > threshold_otsu(clean)), dtype=np.int32)
