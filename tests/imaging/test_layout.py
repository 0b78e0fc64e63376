from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.draw import disk, ellipse
from skimage.measure import regionprops

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.layout import deformed, random_layout
from napari_microdiff.imaging.population import Outline, Population, population_of


def one_disc(radius: int = 8, touching: float = 0.0, density: float = 1e-3) -> Population:
    mask = np.zeros((2 * radius + 1,) * 2, bool)
    mask[disk((radius, radius), radius + 0.5)] = True
    return Population((Outline(mask),), (density,), touching)


def test_what_does_not_bend_is_turned_and_magnified_exactly() -> None:
    mask = np.zeros((41, 21), bool)
    mask[ellipse(20, 10, 20.5, 10.5, shape=mask.shape)] = True
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(deformed(mask, rng, strength=0), mask)
    np.testing.assert_array_equal(deformed(mask, rng, strength=0, angle=np.pi / 2), mask.T)
    twice = deformed(mask, rng, strength=0, zoom=2)
    assert np.count_nonzero(twice) == pytest.approx(4 * np.count_nonzero(mask), rel=0.05)
    assert twice.shape == pytest.approx((82, 42), abs=2)


def test_bending_keeps_the_area_and_the_outline_not() -> None:
    mask = one_disc(radius=12).outlines[0].mask
    rng = np.random.default_rng(0)
    bent = [deformed(mask, rng, strength=0.1) for _ in range(40)]
    assert {np.count_nonzero(each) for each in bent} == {np.count_nonzero(mask)}
    assert len({each.tobytes() for each in bent}) == 40


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 2), (3, 3), (1, 20), (3, 12), (4, 16), (30, 30)])
@pytest.mark.parametrize(("zoom", "strength"), [(0.8, 0.0), (1.0, 0.0), (1.0, 0.1), (3.0, 0.04)])
def test_what_is_thin_or_small_keeps_its_area_too(shape: tuple[int, int], zoom: float, strength: float) -> None:
    made = deformed(np.ones(shape, bool), np.random.default_rng(3), zoom=zoom, angle=0.3, strength=strength)
    assert np.count_nonzero(made) == pytest.approx(max(1, zoom**2 * shape[0] * shape[1]), abs=0.6)
    assert ndimage.label(made, np.ones((3, 3)))[1] == 1


def test_a_filament_that_is_magnified_becomes_as_much_longer_and_thicker() -> None:
    made = deformed(np.ones((1, 20), bool), np.random.default_rng(0), zoom=3, strength=0)
    assert made.shape == pytest.approx((3, 60), abs=2)


def test_spots_of_a_layout_are_as_large_as_those_of_its_population() -> None:
    population = one_disc(radius=1, density=2e-3)
    labels = random_layout(population, (300, 300), np.random.default_rng(0), sizes=0).labels
    inside = np.bincount(labels.ravel())[1:]
    assert np.mean(inside) == pytest.approx(np.count_nonzero(population.outlines[0].mask), rel=0.03)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 4), st.floats(0, 0.5), st.integers(1, 6), st.integers(1, 6))
def test_an_outline_stays_in_one_piece_whatever_is_done_to_it(
    seed: int, zoom: float, strength: float, height: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) < 0.6
    made = deformed(mask, rng, zoom=zoom, angle=1.0, strength=strength)
    assert ndimage.label(made, np.ones((3, 3)))[1] == 1
    assert made.any(axis=0).all()
    assert made.any(axis=1).all()


def test_outlines_stay_as_smooth_as_they_were() -> None:
    """Solidity is 1 for what has no dents; edges of pixels alone make it less for small objects."""
    mask = np.zeros((19, 15), bool)
    mask[ellipse(9, 7, 9.5, 7.5, shape=mask.shape)] = True
    before = regionprops(mask.astype(int))[0].solidity
    labels = random_layout(Population((Outline(mask),), (2e-3,), 0.0), (500, 500), np.random.default_rng(0)).labels
    after = [found.solidity for found in regionprops(labels) if found.area > 60]
    assert len(after) > 100
    assert np.median(after) > before - 0.02


def test_a_layout_has_the_density_and_the_sizes_of_its_population() -> None:
    population = one_disc(density=4e-4)
    made = [
        random_layout(population, (256, 256), np.random.default_rng(seed), sizes=0, strength=0) for seed in range(20)
    ]
    assert np.mean([len(layout.kinds) for layout in made]) == pytest.approx(4e-4 * 256**2, rel=0.1)
    areas = np.concatenate([np.bincount(layout.labels.ravel())[1:] for layout in made])
    assert np.median(areas) == pytest.approx(np.count_nonzero(population.outlines[0].mask), rel=0.03)
    for layout in made:
        np.testing.assert_array_equal(np.unique(layout.labels), np.arange(len(layout.kinds) + 1))


@pytest.mark.parametrize("touching", [0.0, 0.3, 0.7])
def test_as_many_objects_touch_as_did(touching: float) -> None:
    population = one_disc(radius=5, touching=touching, density=1.2e-3)
    made = [random_layout(population, (256, 256), np.random.default_rng(seed)) for seed in range(8)]
    found = population_of([layout.labels for layout in made]).touching
    assert found == pytest.approx(touching, abs=0.01 if touching == 0 else 0.12)


def test_objects_never_cover_each_other() -> None:
    population = one_disc(radius=6, touching=0.5, density=2e-3)
    layout = random_layout(population, (200, 200), np.random.default_rng(1), sizes=0, strength=0)
    inside = [np.count_nonzero(outline.mask) for outline in population_of([layout.labels]).outlines]
    assert len(inside) > 30
    assert inside == pytest.approx([np.count_nonzero(population.outlines[0].mask)] * len(inside), rel=0.05)


def test_no_more_is_laid_than_fits() -> None:
    crowd = one_disc(radius=10, density=1.0)
    layout = random_layout(crowd, (60, 60), np.random.default_rng(0), density=0.05)
    assert 2 <= len(layout.kinds) <= 60 * 60 / 300


def test_classes_come_with_their_outlines() -> None:
    small, large = one_disc(3).outlines[0].mask, one_disc(9).outlines[0].mask
    population = Population((Outline(small, 2), Outline(large, 7)), (1e-3,), 0.0)
    layout = random_layout(population, (300, 300), np.random.default_rng(0), sizes=0, strength=0)
    areas = np.bincount(layout.labels.ravel())[1:]
    assert set(layout.kinds.tolist()) == {2, 7}
    for kind, mask in ((2, small), (7, large)):
        assert np.median(areas[layout.kinds == kind]) == pytest.approx(np.count_nonzero(mask), rel=0.15)


def test_the_same_seed_gives_the_same_layout() -> None:
    population = one_disc(touching=0.4)
    one, other = (random_layout(population, (128, 128), np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.labels, other.labels)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000))
def test_the_smallest_images_hold_what_they_can(height: int, width: int, seed: int) -> None:
    layout = random_layout(one_disc(4, touching=0.5), (height, width), np.random.default_rng(seed), density=0.2)
    assert layout.labels.shape == (height, width)
    assert layout.labels.max(initial=0) == len(layout.kinds)


def test_no_image_is_refused() -> None:
    with pytest.raises(ImageError, match="0 x 5"):
        random_layout(one_disc(), (0, 5), np.random.default_rng(0))
