"""Planes across a stack are shown with what is known of them, and of their neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_microdiff.engine.tiles import Tile
from napari_microdiff.imaging.axes import full_region
from napari_microdiff.imaging.between import BESIDE, PLANE_MAPS, between_filter
from napari_microdiff.tasks.base import PlaneView, Source
from napari_microdiff.tasks.between import RowsBetween
from napari_microdiff.tasks.conditioning import between_rows, differences_beside
from napari_microdiff.tasks.statistics import measure_channel

FACTOR = 4
STACK = np.random.default_rng(0).normal(100, 20, (5, 24, 30)).astype(np.float32)
WHOLE = (0, (len(STACK) - 1) * FACTOR + 1)


@pytest.fixture(scope="module")
def between() -> RowsBetween:
    source = Source(STACK, "ZYX", full_region(STACK.shape))
    statistics = measure_channel(source, None)
    view = PlaneView(STACK, (slice(None),) * 3, STACK.shape)
    told = between_filter(statistics.spectrum.powers, FACTOR)
    return RowsBetween(view, FACTOR, statistics, told, BESIDE, ((0, 24), (0, 30)))


def normalised() -> np.ndarray:
    return measure_channel(Source(STACK, "ZYX", full_region(STACK.shape)), None).normalization.apply(STACK)


def plane(side: int, at: int) -> Tile:
    window = [WHOLE, (0, 24), (0, 30)]
    window[side] = (at, at + 1)
    return Tile(tuple(window), tuple(window))


@pytest.mark.parametrize("side", [1, 2])
@pytest.mark.parametrize("at", [0, 3, 12, 23])
def test_known_rows_of_a_plane_and_its_neighbours_are_shown(between: RowsBetween, side: int, at: int) -> None:
    condition = between.condition(plane(side, at))
    assert condition.maps is not None
    maps = condition.maps.squeeze(side + 2)[0].numpy()
    assert maps.shape == (PLANE_MAPS + len(BESIDE), WHOLE[1], 30 if side == 1 else 24)
    known = np.moveaxis(normalised(), side, 0)
    np.testing.assert_allclose(maps[1, ::FACTOR], known[at], atol=1e-6)  # the guess
    last = len(known) - 1
    for number, distance in enumerate(BESIDE):
        neighbour = known[min(max(at + distance, 0), last)]
        np.testing.assert_allclose(maps[PLANE_MAPS + number, ::FACTOR], neighbour - known[at], atol=1e-6)


def test_a_part_of_a_plane_is_shown_as_in_the_whole(between: RowsBetween) -> None:
    whole = between.condition(plane(1, 12)).maps
    window = ((3, 14), (12, 13), (9, 25))
    part = between.condition(Tile(window, window)).maps
    assert whole is not None
    assert part is not None
    torch.testing.assert_close(part, whole[:, :, 3:14, :, 9:25], atol=1e-6, rtol=0)


def test_differences_are_those_of_the_guesses() -> None:
    told = between_filter(np.geomspace(1, 0.01, 16), 3)
    rows = torch.randn(1 + len(BESIDE), 1, 4, 12)
    _, guesses = between_rows(rows, told)
    found = differences_beside(guesses[:, 0])
    assert found.shape == (1, len(BESIDE), 10, 12)
    torch.testing.assert_close(found[0, 2], guesses[3, 0] - guesses[0, 0])


@pytest.mark.parametrize("window", [(WHOLE, (0, 24), (0, 30)), ((3, 14), (5, 6), (2, 9)), ((4, 5), (0, 2), (0, 2))])
def test_slices_are_interpolated(between: RowsBetween, window: tuple[tuple[int, int], ...]) -> None:
    every = np.arange(WHOLE[1]) / FACTOR
    places = np.meshgrid(every, np.arange(24), np.arange(30), indexing="ij")
    expected = ndimage.map_coordinates(normalised(), places, order=1)
    here = tuple(slice(*span) for span in window)
    np.testing.assert_allclose(between.interpolated(Tile(window, window)), expected[here], atol=1e-5)
