"""What is the same at every step of a sampler is computed once, as far as memory allows."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ..diffusion.denoiser import Condition
from ..engine.tiles import Box, Tile

_ROOM = 2**28  # bytes
_PROCESSOR = torch.device("cpu")


class Remembered:
    """The conditions of a plane's tiles, kept for the next step or sample.

    They are kept in the memory of the processor: that of a GPU is for the network. The first that fit are kept and the
    rest are made anew each time: tiles are visited in turn, so that to forget the oldest would be to forget each just
    before it is needed.

    Parameters
    ----------
    make : callable
        Returns the condition of a tile's window.
    room : int
        Bytes that may be kept.
    """

    def __init__(self, make: Callable[[Tile], Condition], room: int = _ROOM) -> None:
        self._make = make
        self._room = room
        self._kept: dict[Box, Condition] = {}

    def __call__(self, tile: Tile) -> Condition:
        """Return the condition of a tile's window."""
        known = self._kept.get(tile.window)
        if known is None:
            known = self._make(tile)
            size = known.nbytes()
            if size <= self._room:
                self._room -= size
                self._kept[tile.window] = known.to(_PROCESSOR)
        return known
