"""Images that a model drew under the masks of real ones and in their styles, kept in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile
from common import Image
from outlined import Outlined

import napari_microdiff
from napari_microdiff.files.convert import convert
from napari_microdiff.tasks.reference import reference_of

STEPS = 16


def drawn_under(images: Sequence[Outlined], folder: Path, **fields: object) -> list[Image]:
    """Draw an image for each real one; those in the folder are not drawn again.

    Parameters
    ----------
    images : sequence of Outlined
    folder : Path
        For one model and one set of fields.
    fields
        Of the request.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, item in enumerate(images):
        path = folder / f"{item.name}.tif"
        if not path.exists():
            reference = reference_of(item.image, axes="YXS" if item.image.ndim == 3 else "YX")
            result = napari_microdiff.synthesize(item.labels, reference=reference, steps=STEPS, seed=number, **fields)
            assert result.sample is not None
            image = convert(result.sample, np.dtype(np.uint8))
            tifffile.imwrite(path, image, compression="zlib", photometric="rgb" if image.ndim == 3 else "minisblack")
        found.append(tifffile.imread(path))
    return found
