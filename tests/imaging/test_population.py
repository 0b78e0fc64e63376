from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import disk

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.instances import diameters
from napari_microdiff.imaging.population import census_of, kindred, pooled, population_of


def discs(*middles: tuple[int, int], radius: int = 8, shape: tuple[int, int] = (100, 120)) -> np.ndarray:
    labels = np.zeros(shape, np.uint16)
    for number, middle in enumerate(middles, 1):
        labels[disk(middle, radius, shape=shape)] = 3 * number
    return labels


def test_a_population_is_counted() -> None:
    apart = discs((20, 20), (20, 60), (60, 60))
    touching = discs((30, 30), (30, 45), (60, 90))
    found = population_of([apart, touching], [{3: 2}, {}])
    assert len(found.outlines) == 6
    assert [outline.kind for outline in found.outlines] == [2, 1, 1, 1, 1, 1]
    assert found.density == (3 / apart.size, 3 / apart.size)
    assert found.touching == pytest.approx(2 / 6)
    assert {outline.mask.shape for outline in found.outlines} == {(15, 15)}


def test_objects_that_the_border_cuts_are_no_outlines_unless_there_are_no_others() -> None:
    cut = discs((2, 20), (40, 119))
    assert {outline.mask.shape for outline in population_of([cut]).outlines} == {(10, 15), (15, 8)}
    both = population_of([cut, discs((50, 50))])
    assert {outline.mask.shape for outline in both.outlines} == {(15, 15)}
    assert sum(both.density) * cut.size == pytest.approx(3)


@pytest.mark.parametrize("labels", [np.zeros((5, 5), int), np.zeros((0, 4), int)])
def test_labels_without_objects_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(ImageError, match="no objects"):
        population_of([labels])


def test_masks_are_kindred_whose_objects_are_about_as_large() -> None:
    small, also_small = discs((20, 20), (60, 60), radius=8), discs((40, 40), radius=9)
    large, empty = discs((50, 50), radius=20), np.zeros((30, 30), int)
    assert kindred([small, large, also_small, empty]) == [(0, 2), (1,), (0, 2), ()]
    assert kindred([]) == []


def test_images_that_were_counted_one_by_one_are_pooled_as_all_together() -> None:
    images = [discs((20, 20), (20, 35)), np.zeros((0, 4), int), discs((2, 20), (50, 50), radius=5)]
    kinds = [{3: 2}, {}, {6: 4}]
    one_by_one = pooled([census_of(image, named) for image, named in zip(images, kinds, strict=True)])
    together = population_of(images, kinds)
    assert one_by_one.density == together.density == (2 / 12000, 2 / 12000)
    assert one_by_one.touching == together.touching == 0.5
    assert [outline.kind for outline in one_by_one.outlines] == [2, 1, 4]


@pytest.mark.parametrize("background", [0, 7])
def test_very_large_label_numbers_take_no_more_memory(background: int) -> None:
    labels = np.full((40, 40), background, np.int64)
    labels[5:15, 5:15], labels[20:30, 20:30] = 4_000_000_000, 3
    found = census_of(labels, {4_000_000_000: 2, 3: 1})
    assert sorted(outline.kind for outline in found.whole) == [1, 2]
    np.testing.assert_allclose(np.sort(diameters(labels))[:2], 2 * np.sqrt(100 / np.pi))
