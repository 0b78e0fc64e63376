"""Batches for training a denoiser. Batch number n of a seed is always the same, so that a run can be resumed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...imaging.intensity import Normalization
from ...imaging.spectrum import measure_spectrum, noise_floor, statistics_vector
from ...imaging.wiener import wiener_error, wiener_kernel
from ...tasks.conditioning import filtered, reflected
from ..recipes import DenoiseRecipe
from ..recording import record
from ..restore.batch import Batch, Field, jittered
from ..restore.fields import clean_field, pair_field
from ..restore.sources import SMALLEST_PAIR, Sources

FIELD = SMALLEST_PAIR
CROP = 128


class DenoiseBatches(Dataset[Batch]):
    """The endless list of batches of a recipe.

    Each item draws ``batch_fields`` squares of 192 pixels, records them, normalises them as the whole image would be
    and cuts two crops of 128 from each.
    """

    def __init__(
        self, recipe: DenoiseRecipe, sources: Sources, *, seed: int, first: int = 0, length: int = 10**9
    ) -> None:
        self.recipe = recipe
        self.sources = sources
        self.seed = seed
        self.first = first
        self.length = length
        shares = np.array(recipe.shares) * [bool(sources.pairs), bool(sources.clean), bool(sources.procedural)]
        self._shares = shares / shares.sum()

    def __len__(self) -> int:
        """Return how many batches are left."""
        return self.length - self.first

    def __getitem__(self, index: int) -> Batch:
        """Make the batch of this number after ``first``."""
        number = self.first + index
        rng = np.random.default_rng([self.seed, number])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        noisy, clean, guess, errors, vectors = [], [], [], [], []
        for _ in range(self.recipe.batch_fields):
            field_noisy, field_clean = self._field(rng, generator)
            field = normalise(field_noisy, field_clean, rng)
            for here in _crops(rng):
                noisy.append(field.noisy[here])
                clean.append(field.clean[here])
                guess.append(field.guess[here])
                errors.append(field.guess_error)
                vectors.append(field.vector)
        stacked_noisy, stacked_clean, stacked_guess = (torch.stack(part)[:, None] for part in (noisy, clean, guess))
        noise = (stacked_noisy - stacked_clean).pow(2).mean(dim=(1, 2, 3))
        return Batch(stacked_noisy, stacked_clean, stacked_guess, torch.tensor(errors), torch.stack(vectors), noise)

    def _field(self, rng: np.random.Generator, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        kind = rng.choice(3, p=self._shares)
        if kind == 0:
            return pair_field(self.sources.pairs[rng.integers(len(self.sources.pairs))], FIELD, rng)
        clean = clean_field(self.recipe, self.sources.draw_clean(rng, procedural=kind == 2), FIELD, rng)
        return record(self.recipe.noise, clean, rng, generator), clean


def normalise(noisy: Tensor, clean: Tensor, rng: np.random.Generator | None) -> Field:
    """Normalise a field as at inference, and jitter it if ``rng`` is given."""
    normal, hint = jittered(Normalization.fit(noisy[None].numpy()), rng)
    noisy, clean = (noisy - normal.offset) / normal.scale, (clean - normal.offset) / normal.scale
    spectrum = measure_spectrum(noisy[None].numpy())
    level = noise_floor(spectrum.powers) * hint
    guess = filtered(reflected(noisy[None, None]), wiener_kernel(spectrum.powers, level))[0, 0]
    error = wiener_error(spectrum.powers, level)
    return Field(noisy, clean, guess, error, torch.from_numpy(statistics_vector(spectrum, level)))


def _crops(rng: np.random.Generator) -> Iterator[tuple[slice, slice]]:
    for _ in range(2):
        top, left = (int(corner) for corner in rng.integers(FIELD - CROP + 1, size=2))
        yield slice(top, top + CROP), slice(left, left + CROP)
