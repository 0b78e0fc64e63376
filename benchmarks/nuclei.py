"""A simulated image of nuclei, which a viewer can show without importing torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_microdiff.imaging.camera import simulate
from napari_microdiff.imaging.samples import SAMPLES, nuclei

PHOTONS = 0.2  # of the bright sample, as in the sample image of the viewer


def nuclei_image(side: int) -> NDArray[Any]:
    """Return nuclei as a camera sees them, uint16, shape (side, side)."""
    camera, rng = SAMPLES["nuclei"].camera, np.random.default_rng((0, 1))
    seen = simulate(PHOTONS * nuclei((side, side), 0), camera, rng, quantise=True, saturation=65535)
    return seen.astype(np.uint16)
