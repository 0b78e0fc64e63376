"""Conditions of tiles are made once, as long as there is room."""

from __future__ import annotations

import torch

from napari_microdiff.diffusion.denoiser import Condition
from napari_microdiff.engine.tiles import Tile
from napari_microdiff.tasks.remember import Remembered

TILES = [Tile(((i, i + 4), (0, 4)), ((i, i + 4), (0, 4))) for i in (0, 4, 8)]


class Maker:
    def __init__(self) -> None:
        self.made: list[Tile] = []

    def __call__(self, tile: Tile) -> Condition:
        self.made.append(tile)
        return Condition(maps=torch.full((1, 1, 4, 4), float(tile.window[0][0])), vector=torch.ones(1, 2))


def test_each_tile_is_made_once_and_keeps_its_own() -> None:
    maker = Maker()
    remembered = Remembered(maker)
    for _ in range(3):
        for tile in TILES:
            maps = remembered(tile).maps
            assert maps is not None
            assert float(maps.mean()) == tile.window[0][0]
    assert maker.made == TILES


def test_what_is_kept_does_not_fill_the_memory_of_a_gpu() -> None:
    maker = Maker()
    elsewhere = Remembered(lambda tile: maker(tile).to(torch.device("meta")), room=0)
    assert elsewhere(TILES[0]).maps.device.type == "meta"  # type: ignore[union-attr]
    remembered = Remembered(maker)
    remembered(TILES[0])
    assert remembered(TILES[0]).maps.device.type == "cpu"  # type: ignore[union-attr]


def test_what_does_not_fit_is_made_again() -> None:
    maker = Maker()
    remembered = Remembered(maker, room=2 * (16 + 2) * 4)
    for _ in range(2):
        for tile in TILES:
            remembered(tile)
    assert maker.made == [*TILES, TILES[2]]
