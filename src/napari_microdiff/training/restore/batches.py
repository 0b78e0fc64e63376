"""Batches for training to restore. Batch number n of a seed is always the same, so that a run can be resumed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from .batch import Batch, Field
from .recipe import RestoreRecipe
from .sources import Sources

CROP = 128
_CROPS = 2  # of each field


class Draws(NamedTuple):
    """Where the random choices of one batch come from."""

    numbers: np.random.Generator
    noise: torch.Generator


class RestoreBatches(Dataset[Batch]):
    """The endless list of batches of a recipe.

    Each item draws ``batch_fields`` squares, records them, normalises them as the whole image would be and cuts two
    crops of 128 pixels from each. What is drawn and recorded is told by those who inherit it.
    """

    def __init__(
        self, recipe: RestoreRecipe, sources: Sources, *, seed: int, first: int = 0, length: int = 10**9
    ) -> None:
        self.recipe, self.sources = recipe, sources
        self.seed, self.first, self.length = seed, first, length

    def __len__(self) -> int:
        """Return how many batches are left."""
        return self.length - self.first

    def __getitem__(self, index: int) -> Batch:
        """Make the batch of this number after ``first``."""
        draws = self.draws(index)
        made = [crop for _ in range(self.recipe.batch_fields) for crop in self._crops(self.field(draws), draws)]
        noisy, clean, guess, errors, vector = (torch.stack(part) for part in zip(*made, strict=True))
        return Batch(noisy, clean, guess, errors, vector, (noisy[:, :1] - clean).pow(2).mean(dim=(1, 2, 3)))

    def draws(self, index: int) -> Draws:
        """Return where the choices of the batch of this number after ``first`` come from."""
        numbers = np.random.default_rng([self.seed, self.first + index])
        return Draws(numbers, torch.Generator().manual_seed(int(numbers.integers(2**62))))

    def draw_recording(self, draws: Draws) -> Tensor:
        """Draw an image as it may have been recorded, shape (y, x)."""
        raise NotImplementedError

    def field(self, draws: Draws) -> Field:
        """Draw a square, and normalise it."""
        raise NotImplementedError

    def corner(self, field: Field, rng: np.random.Generator) -> tuple[int, int]:
        """Draw where a crop begins."""
        raise NotImplementedError

    def is_procedural(self, rng: np.random.Generator, share: float) -> bool:
        """Draw whether the next image is a procedural one, of which there is a share."""
        return not self.sources.clean or bool(rng.random() < share)

    def _crops(self, field: Field, draws: Draws) -> Iterator[tuple[Tensor, ...]]:
        for _ in range(_CROPS):
            top, left = self.corner(field, draws.numbers)
            here = (..., slice(top, top + CROP), slice(left, left + CROP))
            noisy = field.noisy[here] if field.noisy.ndim == 3 else field.noisy[here][None]
            yield noisy, field.clean[here][None], field.guess[here][None], torch.tensor(field.guess_error), field.vector
