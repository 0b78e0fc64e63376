"""Batches for training to fill in rows. Batch number n of a seed is always the same, so that a run can be resumed.

What a stack shows along z is learned along the axes of its slices, where all pixels are there (after vEMDiffuse-a, Lu
et al. 2024, Nature Communications 15:4677).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...imaging.between import between_filter
from ...imaging.intensity import Normalization
from ...imaging.spectrum import measure_spectrum, statistics_vector
from ...tasks.conditioning import between_rows
from ..recipes import IsotropicRecipe
from ..recording import record
from ..restore.batch import Batch, Field, jittered
from ..restore.fields import clean_field
from ..restore.sources import CleanPlane, Sources

FIELD, CROP = 256, 128


class Gaps(NamedTuple):
    """Which rows are shown: ``first``, ``first + factor`` and so on."""

    factor: int
    first: int


class IsotropicBatches(Dataset[Batch]):
    """The endless list of batches of a recipe.

    Each item draws ``batch_fields`` squares of 256 pixels, normalises them as the whole image would be, leaves out
    rows, and cuts two crops of 128 from each.
    """

    def __init__(
        self, recipe: IsotropicRecipe, sources: Sources, *, seed: int, first: int = 0, length: int = 10**9
    ) -> None:
        self.recipe, self.sources = recipe, sources
        self.seed, self.first, self.length = seed, first, length

    def __len__(self) -> int:
        """Return how many batches are left."""
        return self.length - self.first

    def __getitem__(self, index: int) -> Batch:
        """Make the batch of this number after ``first``."""
        rng = np.random.default_rng([self.seed, self.first + index])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        made: list[list[Tensor]] = []
        for _ in range(self.recipe.batch_fields):
            procedural = not self.sources.clean or bool(rng.random() < self.recipe.simulated)
            image = recorded_field(
                self.recipe, self.sources.draw_clean(rng, procedural=procedural), rng, generator, procedural=procedural
            )
            field = normalise(image, draw_gaps(self.recipe, rng), rng)
            for _ in range(2):
                top, left = (int(rng.integers(n - CROP + 1)) for n in field.guess.shape)
                here = (..., slice(top, top + CROP), slice(left, left + CROP))
                images = [field.noisy[here], field.clean[here][None], field.guess[here][None]]
                made.append([*images, torch.tensor(field.guess_error), field.vector])
        noisy, clean, guess, errors, vector = (torch.stack(part) for part in zip(*made, strict=True))
        return Batch(noisy, clean, guess, errors, vector, (noisy[:, :1] - clean).pow(2).mean(dim=(1, 2, 3)))


def draw_gaps(recipe: IsotropicRecipe, rng: np.random.Generator) -> Gaps:
    """Draw which rows are shown."""
    factor = int(rng.integers(recipe.factors[0], recipe.factors[1] + 1))
    return Gaps(factor, int(rng.integers(factor)))


def recorded_field(
    recipe: IsotropicRecipe,
    plane: CleanPlane,
    rng: np.random.Generator,
    generator: torch.Generator,
    *,
    procedural: bool,
) -> Tensor:
    """Draw a square as it may have been recorded."""
    image = clean_field(recipe, plane, FIELD, rng)
    return record(recipe.noise, image, rng, generator) if procedural or rng.random() < recipe.noisier else image


def normalise(image: Tensor, gaps: Gaps, rng: np.random.Generator | None) -> Field:
    """Normalise a square as at inference, jitter it if ``rng`` is given, and leave out rows.

    The field begins and ends with a row that is shown.
    """
    normal, _ = jittered(Normalization.fit(image[None].numpy()), rng)
    image = (image - normal.offset) / normal.scale
    spectrum = measure_spectrum(image[None].numpy())
    told = between_filter(spectrum.powers, gaps.factor)
    rows = image[gaps.first :: gaps.factor]
    shown, guess = between_rows(rows[None, None], told)
    clean = image[gaps.first :][: guess.shape[-2]]
    return Field(shown[0], clean, guess[0, 0], told.error, torch.from_numpy(statistics_vector(spectrum)))
