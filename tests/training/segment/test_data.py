from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_microdiff.imaging.instances import diameters
from napari_microdiff.training.recipes import SegmentRecipe
from napari_microdiff.training.segment.data import CROP, SegmentBatches, draw_field
from napari_microdiff.training.segment.sources import load_planes


@pytest.fixture(scope="module")
def batches(segment_recipe: SegmentRecipe, outlined: Path) -> SegmentBatches:
    return SegmentBatches(segment_recipe, load_planes(segment_recipe, outlined, validation=False), seed=0)


def test_a_batch_is_normalised_and_always_the_same(batches: SegmentBatches) -> None:
    batch, again = batches[3], batches[3]
    assert batch.image.shape == (2, 1, CROP, CROP)
    assert batch.strokes.shape == (2, 3, CROP, CROP)
    assert batch.maps.shape == (2, 2, CROP, CROP)
    for part, same in zip(batch, again, strict=True):
        assert torch.equal(part, same)
    assert all(torch.isfinite(part).all() for part in batch)
    assert float(batch.maps.abs().max()) <= 1


def test_a_resumed_run_sees_the_same_batches(batches: SegmentBatches) -> None:
    later = SegmentBatches(batches.recipe, batches.planes, seed=0, first=3)
    assert torch.equal(later[0].image, batches[3].image)


def test_half_of_the_crops_are_drawn_on(batches: SegmentBatches) -> None:
    drawn = torch.cat([batches[i].strokes.sum(dim=(1, 2, 3)) > 0 for i in range(30)]).float()
    assert 0.25 < float(drawn.mean()) < 0.75


def test_objects_are_as_large_as_the_recipe_wants_them(batches: SegmentBatches) -> None:
    recipe = batches.recipe.model_copy(update={"zoom": 0.0, "diameter_px": 24.0})
    found = []
    for seed in range(8):
        image, labels = draw_field(batches.planes[0], recipe, np.random.default_rng(seed))
        assert image.shape == labels.shape
        found.append(np.median(diameters(labels)))
    assert np.median(found) == pytest.approx(24, rel=0.15)


def test_bright_pixels_are_where_the_objects_are(batches: SegmentBatches) -> None:
    batch = batches[0]
    inside = batch.maps[:, :1] > 0
    assert float(batch.image[inside].mean()) > float(batch.image[~inside].mean()) + 0.3
