"""A small recipe and simulated data for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.imaging.spectrum import VECTOR_LENGTH
from napari_microdiff.models.card import Architecture
from napari_microdiff.training.denoise.recipe import DenoiseRecipe, Pairs
from napari_microdiff.training.restore.recipe import Clean


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recorded pairs and two clean images, simulated."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for kind in ("noisy", "clean", "alone"):
        (folder / kind).mkdir()
    for number in range(2):
        clean = 100 * filaments_and_blobs((448, 320), seed=number).astype(np.float32)
        noisy = 0.5 * clean + 20 + 8 * rng.standard_normal(clean.shape).astype(np.float32)
        tifffile.imwrite(folder / "clean" / f"{number}.tif", clean)
        tifffile.imwrite(folder / "noisy" / f"{number}.tif", noisy)
        tifffile.imwrite(folder / "alone" / f"{number}.tif", np.round(clean).astype(np.uint8))
    return folder


@pytest.fixture(scope="session")
def recipe() -> DenoiseRecipe:
    """A recipe for a network of a few thousand parameters."""
    return DenoiseRecipe(
        id="denoise-small",
        title="Small",
        summary="for tests",
        architecture=Architecture(condition_channels=2, vector_length=VECTOR_LENGTH, widths=(8, 8), blocks=1),
        pairs=(Pairs(noisy="noisy/*.tif", clean="clean/*.tif"),),
        clean=(Clean(files="alone/*.tif", shrink=(1.0, 2.0)),),
        procedural="fluorescence",
        procedural_count=2,
        shares=(1.0, 1.0, 1.0),
        steps=4,
        batch_fields=4,
    )
