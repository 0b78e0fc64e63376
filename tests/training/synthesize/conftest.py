"""A few simulated images of discs with their masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_microdiff.imaging.mask_maps import EXTRA_MAPS
from napari_microdiff.imaging.style import style_length
from napari_microdiff.models.card import Architecture
from napari_microdiff.training.segment.recipe import Labelled
from napari_microdiff.training.synthesize.recipe import SynthesizeRecipe


@pytest.fixture(scope="session")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with four images of bright discs and their labels."""
    folder = tmp_path_factory.mktemp("masked")
    for part in ("images", "labels"):
        (folder / part).mkdir()
    y, x = np.mgrid[:160, :176]
    for number in range(4):
        rng = np.random.default_rng(number)
        labels = np.zeros(y.shape, np.uint16)
        for label, (a, b) in enumerate(rng.uniform(0, 160, (20, 2)), start=1):
            labels[np.hypot(y - a, x - b) <= rng.uniform(6, 11)] = label
        light = ndimage.gaussian_filter(np.where(labels > 0, 180.0, 30.0), 1)
        image = light + rng.normal(0, 6, labels.shape)
        tifffile.imwrite(folder / "images" / f"{number}.tif", image.clip(0, 255).astype(np.uint8))
        tifffile.imwrite(folder / "labels" / f"{number}.tif", labels)
    return folder


@pytest.fixture(scope="session")
def stained(masked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in colours: discs that take red light away, on white."""
    folder = tmp_path_factory.mktemp("stained")
    for part in ("images", "labels"):
        (folder / part).mkdir()
    for path in sorted((masked / "images").iterdir()):
        light = tifffile.imread(path)
        image = np.stack([255 - light, 255 - light // 3, 255 - light // 9], axis=-1)
        tifffile.imwrite(folder / "images" / path.name, image, photometric="rgb")
        tifffile.imwrite(folder / "labels" / path.name, tifffile.imread(masked / "labels" / path.name))
    return folder


@pytest.fixture(scope="session")
def coloured_recipe(synthesize_recipe: SynthesizeRecipe) -> SynthesizeRecipe:
    """A recipe for images in colours."""
    architecture = synthesize_recipe.architecture.model_copy(update={"channels": 3, "vector_length": style_length(3)})
    labelled = (Labelled(images="images/*", labels="labels/*", hold_out=2, shown="stained"),)
    changes = {"id": "synth-coloured", "architecture": architecture, "labelled": labelled}
    return synthesize_recipe.model_copy(update=changes)


@pytest.fixture(scope="session")
def synthesize_recipe() -> SynthesizeRecipe:
    """A recipe for a network of a few thousand parameters."""
    return SynthesizeRecipe(
        id="synth-small",
        task="synthesize",
        title="Small",
        summary="for tests",
        architecture=Architecture(
            condition_channels=1 + EXTRA_MAPS,
            vector_length=style_length(),
            widths=(8, 8),
            blocks=1,
            injection="modulate",
        ),
        labelled=(Labelled(images="images/*", labels="labels/*", hold_out=2),),
        diameter_px=16,
        sigma_max=10,
        steps=3,
        batch_fields=1,
    )


@pytest.fixture
def classes_recipe(synthesize_recipe: SynthesizeRecipe) -> dict[str, Any]:
    """What a recipe says whose discs are small or large."""
    facts = synthesize_recipe.model_dump()
    facts["architecture"]["condition_channels"] = 2 + EXTRA_MAPS
    facts["labelled"] = [{**facts["labelled"][0], "objects": "objects/*.csv"}]
    return {**facts, "classes": ("small", "large")}


@pytest.fixture
def classified(masked: Path, tmp_path: Path) -> Path:
    """The folder of discs with a table of their classes for each image."""
    for part in ("images", "labels"):
        (tmp_path / part).symlink_to(masked / part)
    (tmp_path / "objects").mkdir()
    for path in sorted((masked / "labels").iterdir()):
        areas = np.bincount(tifffile.imread(path).ravel())
        rows = [f"{label},{'large' if areas[label] > 200 else 1}" for label in np.flatnonzero(areas) if label]
        (tmp_path / "objects" / f"{path.stem}.csv").write_text("\n".join(["label,class", *rows]))
    return tmp_path
