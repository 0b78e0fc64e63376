"""Files of training images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage import io

from ..errors import TrainingError
from ..files import read_image
from ..files.faults import reading


def read_pixels(path: Path) -> NDArray[np.generic]:
    """Read a whole image.

    Raises
    ------
    FileError
        If it cannot be read, or is damaged.
    TrainingError
        If it is empty, or a pixel is not a finite number: all weights would become so, too.
    """
    if path.suffix.lower() in {".tif", ".tiff"}:  # as they are read where the model is used
        pixels: NDArray[np.generic] = np.asarray(read_image(path).array)
    else:
        with reading(path):
            pixels = np.asarray(io.imread(path))
    if not pixels.size:
        raise TrainingError(f"{path} holds no pixels. Leave it out, or export it again from its source.")
    if not np.isfinite(pixels).all():
        raise TrainingError(f"{path} has pixels that are not finite numbers (NaN). Mend them, or leave the image out.")
    return pixels
