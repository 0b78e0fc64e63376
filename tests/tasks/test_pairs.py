from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_microdiff.files import Picture
from napari_microdiff.tasks.pairs import own_images


def named(*paths: str | None) -> list[Picture]:
    return [Picture(np.zeros((4, 4), np.uint8), "YX", path=None if path is None else Path(path)) for path in paths]


def test_a_mask_belongs_to_the_image_of_its_name() -> None:
    masks = named("masks/b.tif", "masks/a.ome.tif", "masks/c.tif", None)
    assert own_images(masks, named("images/a.png", "images/b.ome.tif", None)) == [1, 0, None, None]
    assert own_images(masks, []) == [None] * 4
