from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from napari_microdiff.errors import TrainingError
from napari_microdiff.imaging.mask_maps import EXTRA_MAPS
from napari_microdiff.imaging.style import style_length
from napari_microdiff.training.segment.sources import load_planes
from napari_microdiff.training.squares import CROP, draw_square
from napari_microdiff.training.synthesize.data import SynthesizeBatches, draw_field, magnify_plane, normalise_planes
from napari_microdiff.training.synthesize.recipe import SynthesizeRecipe


@pytest.fixture(scope="module")
def batches(synthesize_recipe: SynthesizeRecipe, masked: Path) -> SynthesizeBatches:
    planes = normalise_planes(load_planes(synthesize_recipe, masked, validation=False))
    return SynthesizeBatches(synthesize_recipe, planes, seed=0)


def test_a_batch_is_always_the_same(batches: SynthesizeBatches) -> None:
    batch, again = batches[3], batches[3]
    assert batch.image.shape == (2, 1, CROP, CROP)
    assert batch.maps.shape == (2, 1 + EXTRA_MAPS, CROP, CROP)
    assert batch.style.shape == (2, style_length())
    for part, same in zip(batch, again, strict=True):
        assert torch.equal(part, same)
        assert torch.isfinite(part).all()
    assert not torch.equal(batches[4].image, batch.image)


def test_a_resumed_run_gets_the_batches_that_come_next(batches: SynthesizeBatches) -> None:
    later = SynthesizeBatches(batches.recipe, batches.planes, seed=0, first=2)
    assert torch.equal(later[1].maps, batches[3].maps)


def test_image_and_mask_lie_on_one_another(batches: SynthesizeBatches, synthesize_recipe: SynthesizeRecipe) -> None:
    for seed in range(4):
        image, maps, style = draw_field(batches.planes[0], synthesize_recipe, np.random.default_rng(seed))
        background, inside, _, depth = maps
        np.testing.assert_array_equal(background + inside, 1)
        assert image[0][depth > 0.7].mean() > 0.6
        assert image[0][background > 0].mean() < -0.4
        assert style[0] == 1


def test_images_in_colours_stay_so(coloured_recipe: SynthesizeRecipe, stained: Path) -> None:
    planes = normalise_planes(load_planes(coloured_recipe, stained, validation=False, coloured=True))
    image, maps, style = draw_field(planes[0], coloured_recipe, np.random.default_rng(0))
    assert image.shape == (3, *maps.shape[1:])
    assert style.shape == (style_length(3),)
    red, _, blue = (channel[maps[3] > 0.7].mean() for channel in image)  # deep in discs
    assert red < blue - 0.5
    whole, labels = magnify_plane(planes[0], coloured_recipe)
    assert whole.shape == (*labels.shape, 3)


def test_grey_images_do_not_teach_colours(coloured_recipe: SynthesizeRecipe, masked: Path) -> None:
    with pytest.raises(TrainingError, match="3 or 4 samples"):
        load_planes(coloured_recipe, masked, validation=False, coloured=True)


def test_as_many_crops_are_cut_from_a_square_as_the_recipe_says(
    synthesize_recipe: SynthesizeRecipe, batches: SynthesizeBatches
) -> None:
    more = synthesize_recipe.model_copy(update={"crops": 5})
    batch = SynthesizeBatches(more, batches.planes, seed=0)[0]
    assert {len(part) for part in batch} == {5}


def test_neither_or_no_style_is_told_as_often_as_the_recipe_says(
    synthesize_recipe: SynthesizeRecipe, masked: Path
) -> None:
    often = synthesize_recipe.model_copy(update={"untold": 0.25, "batch_fields": 30})
    batch = SynthesizeBatches(often, normalise_planes(load_planes(often, masked, validation=False)), seed=0)[0]
    blank_maps, blank_style = ((part == 0).flatten(1).all(dim=1) for part in (batch.maps, batch.style))
    assert (blank_style | ~blank_maps).all()  # who is not told the mask is not told the style
    assert 4 <= int(blank_maps.sum()) <= 28
    assert 14 <= int(blank_style.sum()) <= 46


def test_images_are_normalised_as_a_whole(synthesize_recipe: SynthesizeRecipe, masked: Path) -> None:
    for plane in normalise_planes(load_planes(synthesize_recipe, masked, validation=True)):
        assert -1.6 < plane.image.min() < -0.8
        assert 0.8 < plane.image.max() < 1.6


def test_every_class_has_a_map_of_its_own(classes_recipe: dict[str, Any], classified: Path) -> None:
    recipe = SynthesizeRecipe.model_validate(classes_recipe)
    planes = normalise_planes(load_planes(recipe, classified, validation=False))
    assert {kind for plane in planes for kind in plane.classes.values()} == {1, 2}
    seen = np.zeros(2)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        _, maps, _ = draw_field(planes[0], recipe, rng)
        background, small, large, _, _ = maps
        np.testing.assert_array_equal(background + small + large, 1)
        square = draw_square(
            planes[0].labels.shape,
            recipe.diameter_px / planes[0].diameter,
            recipe.zoom,
            np.random.default_rng(seed),
        )
        before = square.of_image((np.isin(planes[0].labels, [k for k, v in planes[0].classes.items() if v == 2])) * 1.0)
        assert (large == (before > 0.5)).mean() > 0.99  # but for pixels at borders, which of_image interpolates
        seen += [small.sum(), large.sum()]
    assert (seen > 0).all()


def test_recipes_and_tables_of_classes_have_to_fit(
    classes_recipe: dict[str, Any], classified: Path, synthesize_recipe: SynthesizeRecipe
) -> None:
    for changes, words in (
        ({"classes": ("small", "small")}, "name of its own"),
        ({"classes": ("small",)}, "condition_channels must be 4"),
        ({"labelled": synthesize_recipe.model_dump()["labelled"]}, "needs the tables"),
    ):
        with pytest.raises(ValidationError, match=words):
            SynthesizeRecipe.model_validate({**classes_recipe, **changes})
    recipe = SynthesizeRecipe.model_validate(classes_recipe)
    table = classified / "objects" / "0.csv"
    table.write_text("label,class\n1,small\n")
    with pytest.raises(TrainingError, match=r"0\.csv: Object \d+ has no class"):
        load_planes(recipe, classified, validation=False)
    table.write_text("label,class\n1,huge\n")
    with pytest.raises(TrainingError, match="class 'huge'"):
        load_planes(recipe, classified, validation=False)
    table.unlink()
    with pytest.raises(TrainingError, match="3 files match"):
        load_planes(recipe, classified, validation=False)
