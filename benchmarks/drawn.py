"""Images that a model drew under the masks of real ones and in their styles, kept in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import tifffile
from common import Image
from outlined import Outlined

import napari_microdiff
from napari_microdiff.files.convert import convert
from napari_microdiff.tasks.reference import reference_of

STEPS = 16


def seed_of(item: Outlined) -> int:
    """Return the seed of an image, which is the same whatever others are drawn with it."""
    return crc32(item.name.encode())


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
    for item in images:
        path = folder / f"{item.name}.tif"
        if not path.exists():
            reference = reference_of(item.image, axes="YXS" if item.image.ndim == 3 else "YX")
            result = napari_microdiff.synthesize(
                item.labels, reference=reference, steps=STEPS, seed=seed_of(item), **fields
            )
            assert result.sample is not None
            image = convert(result.sample, np.dtype(np.uint8))
            tifffile.imwrite(path, image, compression="zlib", photometric="rgb" if image.ndim == 3 else "minisblack")
        found.append(tifffile.imread(path))
    return found
