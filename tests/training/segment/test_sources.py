from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_microdiff.errors import TrainingError
from napari_microdiff.training.segment.recipe import SegmentRecipe
from napari_microdiff.training.segment.sources import load_planes


def test_training_and_validation_share_no_image(segment_recipe: SegmentRecipe, outlined: Path) -> None:
    parts = [load_planes(segment_recipe, outlined, validation=which) for which in (False, True)]
    first, second = ({plane.labels.tobytes() for plane in part} for part in parts)
    assert first
    assert second
    assert not first & second


def test_objects_are_bright_and_weights_are_those_of_the_entries(segment_recipe: SegmentRecipe, outlined: Path) -> None:
    planes = load_planes(segment_recipe, outlined, validation=False)
    for plane in planes:
        assert plane.image[plane.labels > 0].mean() > plane.image[plane.labels == 0].mean() + 50
    assert sum(p.weight for p in planes if p.kind == "bright") == pytest.approx(0.75)
    assert sum(p.weight for p in planes) == pytest.approx(1)


@pytest.fixture
def copied(outlined: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(outlined, tmp_path / "copy"))


def test_an_image_without_labels_is_said(segment_recipe: SegmentRecipe, copied: Path) -> None:
    (copied / "bright/labels/0.tif").unlink()
    with pytest.raises(TrainingError, match="each image needs its labels"):
        load_planes(segment_recipe, copied, validation=False)


@pytest.mark.parametrize(
    ("part", "content", "words"),
    [
        ("labels", np.ones((9, 9), np.uint8), "of shape"),
        ("labels", np.zeros((160, 160), np.uint8), "no objects"),
        ("labels", np.full((160, 160), 0.5), "whole numbers"),
        ("images", np.ones((160, 160, 2), np.uint8), "3 or 4 samples"),
    ],
)
def test_what_cannot_be_learned_from_is_said(
    part: str, content: np.ndarray, words: str, segment_recipe: SegmentRecipe, copied: Path
) -> None:
    tifffile.imwrite(copied / "bright" / part / "0.tif", content)
    with pytest.raises(TrainingError, match=words):
        load_planes(segment_recipe, copied, validation=False)
