"""What a network is shown of the planes that cut across the slices of a stack."""

from __future__ import annotations

import numpy as np
import torch

from ..diffusion.denoiser import Condition
from ..engine.memory import blank_array
from ..engine.request import Span
from ..engine.tiles import Box, Tile, read_window
from ..imaging.between import ACROSS, SLICES, BetweenFilter
from .base import Image, PlaneView
from .conditioning import between_rows, differences_beside, noisy_condition
from .statistics import Statistics

_BEYOND = SLICES // 2 - 1  # slices beyond the two around a place that its guess is made of


class RowsBetween:
    """Known and missing rows of planes across y and across x.

    Parameters
    ----------
    view : PlaneView
        The slices, shape (z, y, x).
    factor : int
        Distance of slices in pixels.
    told : BetweenFilter
        The linear filter for this distance.
    beside : tuple of int
        Distances of the neighbouring planes that the network is shown, too.
    within : ((start, stop), (start, stop))
        Part of the slices, along y and x, that windows and what they need around them lie in.
    """

    def __init__(
        self,
        view: PlaneView,
        factor: int,
        statistics: Statistics,
        told: BetweenFilter,
        beside: tuple[int, ...],
        within: Box,
    ) -> None:
        self.view, self._factor, self._told, self._within = view, factor, told, within
        self._planes = (0, *beside)
        self._normalization = statistics.normalization
        self._vector = torch.from_numpy(statistics.vector())[None]
        self._slab: tuple[Box, Image] | None = None

    def condition(self, tile: Tile) -> Condition:
        """Return the condition of a window that is one pixel thick along y or along x."""
        side = 1 if tile.window[1][1] - tile.window[1][0] == 1 else 2
        (top, bottom), (left, right) = tile.window[0], tile.window[3 - side]
        length = self.view.shape[3 - side]
        first = max(0, top // self._factor - _BEYOND)
        last = min(self.view.shape[0], -(-bottom // self._factor) + 1 + _BEYOND)
        wider = (max(0, left - ACROSS), min(length, right + ACROSS))
        shown, guesses = between_rows(self._rows(side, tile.window[side][0], (first, last), wider), self._told)
        further = (differences_beside(guesses[:, 0]),) if len(guesses) > 1 else ()
        made = torch.cat([shown[:1], *further, guesses[:1]], dim=1)[0].numpy()
        # More was made than the window has, so that the filter is right in it; what it lacks lies beyond the stack.
        window = ((0, len(made)), (top, bottom), (left, right))
        cut = read_window(made, window, (0, first * self._factor, wider[0]))
        maps = torch.from_numpy(np.ascontiguousarray(cut))[None]
        noisy, guess = maps[:, :-1], maps[:, -1:]
        condition = noisy_condition(noisy, guess, torch.tensor([self._told.error]), self._vector)
        assert condition.maps is not None
        thick = (part.unsqueeze(side + 2) for part in (condition.maps, guess, (noisy[:, 1:2] == 0).float()))
        told, values, known = thick
        return Condition(
            maps=told,
            vector=condition.vector,
            guess=values,
            guess_error=condition.guess_error,
            known=values,
            known_mask=known,
        )

    def interpolated(self, tile: Tile) -> Image:
        """Return a part of the volume, linear between the slices, shape (z, y, x)."""
        (top, bottom), *inside = tile.window
        first, last = top // self._factor, min(-(-(bottom - 1) // self._factor) + 1, self.view.shape[0])
        slices = self._normalization.apply(self.view[tuple(slice(*span) for span in ((first, last), *inside))])
        places = np.arange(top, bottom) / self._factor - first
        below = np.floor(places).astype(int)
        share = (places - below).astype(np.float32)[:, None, None]
        return np.asarray(slices[below] * (1 - share) + slices[np.minimum(below + 1, len(slices) - 1)] * share)

    def _rows(self, side: int, at: int, slices: Span, across: Span) -> torch.Tensor:
        """Return the known rows of a plane and of those beside it, shape (planes, 1, slices, across).

        Beyond the border the last plane stands for those that are not there.
        """
        length = self.view.shape[side]
        places = np.clip([at + distance for distance in self._planes], 0, length - 1)
        nearest, furthest = int(places.min()), int(places.max()) + 1
        spans = (slices, (nearest, furthest), across) if side == 1 else (slices, across, (nearest, furthest))
        rows = np.moveaxis(self._read(spans), side, 0)[places - nearest]
        return torch.from_numpy(np.ascontiguousarray(rows))[:, None]

    def _read(self, spans: Box) -> Image:
        """Return a part of the slices; they are read from where they lie a slab at a time, slice by slice."""
        if self._slab is None or self._slab[0][0] != spans[0]:
            box = (spans[0], *self._within)
            pixels = blank_array([stop - start for start, stop in box])
            inside = tuple(slice(*span) for span in self._within)
            for number, pixels_of in zip(range(*spans[0]), pixels, strict=True):
                recorded = self.view[(slice(number, number + 1), *inside)][0]
                pixels_of[...] = self._normalization.apply(recorded)
            self._slab = box, pixels
        box, pixels = self._slab
        assert all(first <= a and b <= last for (a, b), (first, last) in zip(spans, box, strict=True))
        return pixels[tuple(slice(a - first, b - first) for (a, b), (first, _) in zip(spans, box, strict=True))]
