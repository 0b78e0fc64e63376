"""Images that a model drew under the masks of real ones and in their styles, kept in a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import tifffile
from common import Image
from outlined import Outlined

import napari_microdiff
from napari_microdiff.engine.events import Result
from napari_microdiff.engine.request import build_request
from napari_microdiff.files.convert import convert
from napari_microdiff.tasks.judge import Judge
from napari_microdiff.tasks.reference import Reference, reference_of
from napari_microdiff.tasks.variations import Variations, variations

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

    def draw(item: Outlined) -> Result:
        return napari_microdiff.synthesize(
            item.labels, reference=_reference(item), steps=STEPS, seed=seed_of(item), **fields
        )

    return _kept_in(folder, images, draw)


def best_drawn_under(images: Sequence[Outlined], folder: Path, count: int, **fields: object) -> list[Image]:
    """Draw several variations for each real image, and keep the one that our judge likes best, as users of them do.

    Those that it rejects are taken only if it rejects all; of the others the one in which it finds most of the mask.
    The first variation is what `drawn_under` draws.
    """

    def draw(item: Outlined) -> Result:
        reference = _reference(item)
        options = {"style": reference.style, "levels": reference.levels}
        asked = {"task": "synthesize", "steps": STEPS, "seed": seed_of(item), "axes": "YX", "options": options}
        *_, made = variations(build_request({**asked, **fields}), item.labels, count, judge=Judge())
        assert isinstance(made, Variations)
        return max(made.all, key=lambda one: (not one.reasons, one.scores.mask)).result

    return _kept_in(folder, images, draw)


def _reference(item: Outlined) -> Reference:
    return reference_of(item.image, axes="YXS" if item.image.ndim == 3 else "YX")


def _kept_in(folder: Path, images: Sequence[Outlined], draw: Callable[[Outlined], Result]) -> list[Image]:
    """Return an image for each real one; what is not in the folder is drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for item in images:
        path = folder / f"{item.name}.tif"
        if not path.exists():
            sample = draw(item).sample
            assert sample is not None
            image = convert(sample, np.dtype(np.uint8))
            tifffile.imwrite(path, image, compression="zlib", photometric="rgb" if image.ndim == 3 else "minisblack")
        found.append(tifffile.imread(path))
    return found
