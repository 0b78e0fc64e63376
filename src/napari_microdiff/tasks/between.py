"""What a network is shown of the planes that cut across the slices of a stack."""

from __future__ import annotations

import numpy as np
import torch

from ..diffusion.denoiser import Condition
from ..engine.tiles import Box, Tile, read_window
from ..imaging.between import ACROSS, SLICES, BetweenFilter
from .base import Image, PlaneView
from .conditioning import between_rows, noisy_condition
from .statistics import Statistics

_BEYOND = SLICES // 2 - 1  # slices beyond the two around a place that its guess is made of


class Between:
    """Known and missing rows of planes across y and across x.

    Parameters
    ----------
    view : PlaneView
        The slices, shape (z, y, x).
    factor : int
        Distance of slices in pixels.
    told : BetweenFilter
        The linear filter for this distance.
    within : ((start, stop), (start, stop))
        Part of the slices, along y and x, that windows lie in as far as there is anything.
    """

    def __init__(self, view: PlaneView, factor: int, statistics: Statistics, told: BetweenFilter, within: Box) -> None:
        self._view, self._factor, self._told, self._within = view, factor, told, within
        self._normalization = statistics.normalization
        self._vector = torch.from_numpy(statistics.vector())[None]
        self._slab: tuple[Box, Image] | None = None

    def condition(self, tile: Tile) -> Condition:
        """Return the condition of a window that is one pixel thick along y or along x."""
        side = 1 if tile.window[1][1] - tile.window[1][0] == 1 else 2
        (top, bottom), (left, right) = tile.window[0], tile.window[3 - side]
        length = self._view.shape[3 - side]
        first = max(0, top // self._factor - _BEYOND)
        last = min(self._view.shape[0], -(-bottom // self._factor) + 1 + _BEYOND)
        wider = (max(0, left - ACROSS), min(length, right + ACROSS))
        spans = ((first, last), tile.window[1], wider) if side == 1 else ((first, last), wider, tile.window[2])
        rows = torch.from_numpy(self._read(spans).squeeze(side))[None, None]
        shown, guess = between_rows(rows, self._told)
        made = torch.cat([shown, guess], dim=1)[0].numpy()
        # More was made than the window has, so that the filter is right in it; what it lacks lies beyond the stack.
        window = ((0, len(made)), (top, bottom), (left, right))
        cut = read_window(made, window, (0, first * self._factor, wider[0]))
        maps = torch.from_numpy(np.ascontiguousarray(cut))[None]
        shown, guess = maps[:, :-1], maps[:, -1:]
        condition = noisy_condition(shown, guess, torch.tensor([self._told.error]), self._vector)
        assert condition.maps is not None
        thick = (part.unsqueeze(side + 2) for part in (condition.maps, guess, (shown[:, 1:2] == 0).float()))
        told, values, known = thick
        return Condition(
            maps=told,
            vector=condition.vector,
            guess=values,
            guess_error=condition.guess_error,
            known=values,
            known_mask=known,
        )

    def _read(self, spans: Box) -> Image:
        """Return a part of the slices; they are read from where they lie a slab at a time, slice by slice."""
        if self._slab is None or self._slab[0][0] != spans[0]:
            box = (spans[0], *self._within)
            pixels = np.empty(tuple(stop - start for start, stop in box), dtype=np.float32)
            inside = tuple(slice(*span) for span in self._within)
            for number, pixels_of in zip(range(*spans[0]), pixels, strict=True):
                recorded = self._view[(slice(number, number + 1), *inside)][0]
                pixels_of[...] = self._normalization.apply(recorded)
            self._slab = box, pixels
        box, pixels = self._slab
        here = tuple(slice(a - first, b - first) for (a, b), (first, _) in zip(spans, box, strict=True))
        return np.ascontiguousarray(pixels[here])
