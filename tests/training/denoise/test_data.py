from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_microdiff.imaging.spectrum import VECTOR_LENGTH
from napari_microdiff.training.denoise.data import CROP, DenoiseBatches, normalise
from napari_microdiff.training.denoise.recipe import DenoiseRecipe
from napari_microdiff.training.restore.sources import load_sources


@pytest.fixture(scope="module")
def batches(recipe: DenoiseRecipe, data_folder: Path) -> DenoiseBatches:
    return DenoiseBatches(recipe, load_sources(recipe, data_folder), seed=3)


def test_a_batch_has_two_crops_of_each_field(batches: DenoiseBatches) -> None:
    batch = batches[0]
    assert batch.noisy.shape == batch.clean.shape == batch.guess.shape == (8, 1, CROP, CROP)
    assert batch.vector.shape == (8, VECTOR_LENGTH)
    torch.testing.assert_close(batch.noise, (batch.noisy - batch.clean).pow(2).mean(dim=(1, 2, 3)))
    torch.testing.assert_close(batch.vector[0], batch.vector[1])
    assert all(torch.isfinite(part).all() for part in batch)


def test_a_run_can_be_resumed_at_any_batch(batches: DenoiseBatches) -> None:
    resumed = DenoiseBatches(batches.recipe, batches.sources, seed=3, first=5)
    for a, b in zip(batches[7], resumed[2], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_batches_and_seeds_differ(batches: DenoiseBatches) -> None:
    other = DenoiseBatches(batches.recipe, batches.sources, seed=4)
    assert not torch.equal(batches[0].noisy, batches[1].noisy)
    assert not torch.equal(batches[0].noisy, other[0].noisy)


def test_normalisation_of_both_is_that_of_the_noisy_one() -> None:
    rng = np.random.default_rng(0)
    clean = torch.from_numpy(50 + 200 * rng.random((192, 192)).astype(np.float32))
    noisy = clean + 5
    a, b, _, _, vector = normalise(noisy, clean, None)
    assert float(a.mean()) == pytest.approx(0, abs=0.2)
    difference = a - b
    assert float(difference.std()) < 1e-5
    assert float(vector[0]) == 1
