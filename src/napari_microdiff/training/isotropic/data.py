"""Batches for training to fill in rows.

What a stack shows along z is learned along the axes of its slices, where all pixels are there (after vEMDiffuse-a, Lu
et al. 2024, Nature Communications 15:4677).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...imaging.between import between_filter
from ...imaging.intensity import Normalization
from ...imaging.spectrum import measure_spectrum, statistics_vector
from ...tasks.conditioning import between_rows
from ..recipes import IsotropicRecipe
from ..recording import record
from ..restore.batch import Field, jittered
from ..restore.batches import CROP, Draws, RestoreBatches
from ..restore.fields import clean_field
from ..restore.sources import CleanPlane

FIELD = 256


class Gaps(NamedTuple):
    """Which rows are shown: ``first``, ``first + factor`` and so on."""

    factor: int
    first: int


class IsotropicBatches(RestoreBatches):
    """Squares of 256 pixels of which some rows are left out."""

    recipe: IsotropicRecipe

    def recorded(self, draws: Draws) -> Tensor:
        """Draw an image as it may have been recorded, shape (y, x)."""
        rng = draws.numbers
        procedural = self.is_procedural(rng, self.recipe.simulated)
        plane = self.sources.draw_clean(rng, procedural=procedural)
        return recorded_field(self.recipe, plane, rng, draws.noise, procedural=procedural)

    def field(self, draws: Draws) -> Field:
        """Draw a square, normalise it and leave out rows."""
        return normalise(self.recorded(draws), draw_gaps(self.recipe, draws.numbers), draws.numbers)

    def corner(self, field: Field, rng: np.random.Generator) -> tuple[int, int]:
        """Draw where a crop begins."""
        top, left = (int(rng.integers(n - CROP + 1)) for n in field.guess.shape)
        return top, left


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
