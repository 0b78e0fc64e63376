from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_microdiff.imaging.instances import diameters
from napari_microdiff.training.segment.augment import other_microscope, unequal_objects
from napari_microdiff.training.segment.data import SegmentBatches, draw_field
from napari_microdiff.training.segment.recipe import SegmentRecipe
from napari_microdiff.training.segment.sources import LabelledPlane, load_planes
from napari_microdiff.training.squares import CROP


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


def _plane(labels: np.ndarray, diameter: float) -> LabelledPlane:
    return LabelledPlane((labels > 0).astype(np.float32), labels, diameter, 1.0, "bright")


@pytest.mark.parametrize("diameter", [8.0, 16.0, 40.0])
@pytest.mark.parametrize("seed", range(4))
def test_image_and_labels_are_turned_alike(batches: SegmentBatches, diameter: float, seed: int) -> None:
    plane = _plane(batches.planes[0].labels, diameter)
    image, labels = draw_field(plane, batches.recipe, np.random.default_rng(seed))
    assert labels.any()
    assert np.mean((image.numpy() > 0.5) != (labels > 0)) < 0.02


def test_squares_are_turned_by_any_angle(batches: SegmentBatches) -> None:
    rows = np.zeros((400, 400), dtype=np.int64)
    rows[::40] = rows[1::40] = 1
    along = []
    for seed in range(12):
        image, _ = draw_field(_plane(rows, 16.0), batches.recipe, np.random.default_rng(seed))
        by_y, by_x = np.gradient(image.numpy())
        along.append(np.arctan2(2 * (by_y * by_x).sum(), (by_x**2 - by_y**2).sum()) / 2)
    away_from_right_angles = np.abs((np.array(along) + np.pi / 4) % (np.pi / 2) - np.pi / 4)
    assert np.sum(away_from_right_angles > np.radians(5)) >= 6


def test_an_object_and_its_reflection_are_two(batches: SegmentBatches) -> None:
    labels = np.zeros((140, 140), dtype=np.int64)
    labels[6:16, 6:16] = 1
    counts = []
    for seed in range(12):
        image, found = draw_field(_plane(labels, 12.0), batches.recipe, np.random.default_rng(seed))
        pieces = ndimage.label(image.numpy() > 0.5, np.ones((3, 3)))[1]
        counts.append(pieces)
        assert abs(int(found.max()) - pieces) <= 1  # a sliver at the rim may be seen in one of them only
    assert max(counts) >= 2


def test_some_objects_become_brighter_and_others_dimmer() -> None:
    labels = np.repeat(np.repeat(np.array([[1, 0], [0, 2]]), 40, axis=0), 40, axis=1)
    image = torch.from_numpy(10 + 5.0 * (labels > 0)).float()
    changed = [unequal_objects(image, labels, np.random.default_rng(seed)) for seed in range(20)]
    same = [torch.equal(one, image) for one in changed]
    assert 4 <= sum(same) <= 16
    for one in (one for one, is_same in zip(changed, same, strict=True) if not is_same):
        assert one[:30, 50:] == pytest.approx(10)
        inside = [float(one[10, 10]), float(one[70, 70])]
        assert min(inside) > 10
        assert abs(inside[0] - inside[1]) > 1e-3
    bare = np.zeros_like(labels)
    assert all(unequal_objects(image, bare, np.random.default_rng(seed)) is image for seed in range(5))


def test_what_is_not_altered_is_only_normalised(batches: SegmentBatches) -> None:
    image, _ = draw_field(batches.planes[0], batches.recipe, np.random.default_rng(1))
    rng, generator = np.random.default_rng(2), torch.Generator().manual_seed(2)
    shown = other_microscope(image, rng, generator, altered=False)
    assert np.corrcoef(shown.flatten(), image.flatten())[0, 1] == pytest.approx(1, abs=1e-5)
    assert 0.2 < float(shown.std()) < 3


def test_bright_pixels_are_where_the_objects_are(batches: SegmentBatches) -> None:
    batch = batches[0]
    inside = batch.maps[:, :1] > 0
    assert float(batch.image[inside].mean()) > float(batch.image[~inside].mean()) + 0.3
