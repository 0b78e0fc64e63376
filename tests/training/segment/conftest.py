"""A few simulated images of discs, outlined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_microdiff.models.card import Architecture
from napari_microdiff.training.segment.recipe import Labelled, SegmentRecipe


def touching_discs(seed: int, side: int = 160, count: int = 24) -> np.ndarray:
    """Return labels of discs, some of which touch."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    away = np.stack([np.hypot(y - a, x - b) for a, b in rng.uniform(0, side, (count, 2))]) / rng.uniform(
        6, 11, (count, 1, 1)
    )
    return np.where(away.min(axis=0) <= 1, away.argmin(axis=0) + 1, 0).astype(np.uint16)


@pytest.fixture(scope="session")
def outlined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with four bright and four stained images and their labels."""
    folder = tmp_path_factory.mktemp("outlined")
    for kind in ("bright", "stained"):
        for part in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True)
        for number in range(4):
            labels = touching_discs(number)
            rng = np.random.default_rng(number)
            image = np.where(labels > 0, 180, 30) + rng.normal(0, 8, labels.shape)
            if kind == "stained":
                image = np.stack([230 - image, 120 + 0 * image, 200 + 0 * image], axis=-1)
            tifffile.imwrite(folder / kind / "images" / f"{number}.tif", image.clip(0, 255).astype(np.uint8))
            tifffile.imwrite(folder / kind / "labels" / f"{number}.tif", labels)
    return folder


@pytest.fixture(scope="session")
def segment_recipe() -> SegmentRecipe:
    """A recipe for a network of a few thousand parameters."""
    return SegmentRecipe(
        id="segment-small",
        task="segment",
        title="Small",
        summary="for tests",
        architecture=Architecture(channels=2, condition_channels=4, widths=(8, 8), blocks=1),
        labelled=(
            Labelled(images="bright/images/*", labels="bright/labels/*", hold_out=2, weight=3),
            Labelled(images="stained/images/*", labels="stained/labels/*", shown="stained", hold_out=2),
        ),
        diameter_px=16,
        steps=3,
        batch_fields=1,
    )
