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
from ...tasks.conditioning import between_rows, differences_beside
from ..recording import simulate_recording
from ..restore.batch import Field, jitter
from ..restore.batches import CROP, Draws, RestoreBatches
from ..restore.fields import clean_fields
from ..restore.sources import CleanPlane
from .recipe import IsotropicRecipe

FIELD = 256


class Gaps(NamedTuple):
    """Which rows are shown: ``first``, ``first + factor`` and so on."""

    factor: int
    first: int


class IsotropicBatches(RestoreBatches):
    """Squares of which some rows are left out."""

    recipe: IsotropicRecipe
    side = FIELD

    def draw_recording(self, draws: Draws) -> Tensor:
        """Draw an image as it may have been recorded, shape (y, x)."""
        return self._draw(draws)[0]

    def field(self, draws: Draws) -> Field:
        """Draw a square, normalise it and leave out rows."""
        return normalise(self.recipe, self._draw(draws), draw_gaps(self.recipe, draws.numbers), draws.numbers)

    def _draw(self, draws: Draws) -> Tensor:
        rng = draws.numbers
        procedural = self.is_procedural(rng, self.recipe.simulated)
        plane = self.sources.draw_clean(rng, procedural=procedural)
        return recorded_field(self.recipe, plane, rng, draws.noise, procedural=procedural, side=self.side)

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
    side: int = FIELD,
) -> Tensor:
    """Draw a square as it may have been recorded, and those beside it if they are shown; shape (planes, y, x)."""
    shown = plane.volume is not None and bool(recipe.beside) and rng.random() >= recipe.alone
    images = clean_fields(recipe, plane, side, rng, recipe.beside if shown else ())
    if procedural or rng.random() < recipe.noisier:
        return simulate_recording(recipe.noise, images, rng, generator)
    return images


def normalise(recipe: IsotropicRecipe, images: Tensor, gaps: Gaps, rng: np.random.Generator | None) -> Field:
    """Normalise squares by the first of them as at inference, jitter if ``rng`` is given, and leave out rows.

    The field begins and ends with a row that is shown.
    """
    normal, _ = jitter(Normalization.fit(images[:1].numpy()), rng)
    images = (images - normal.offset) / normal.scale
    spectrum = measure_spectrum(images[:1].numpy())
    told = between_filter(spectrum.powers, gaps.factor)
    rows = images[:, None, gaps.first :: gaps.factor]
    shown, guesses = between_rows(rows, told)
    guess = guesses[0, 0]
    unseen = torch.zeros(1, len(recipe.beside), *guess.shape)
    noisy = torch.cat([shown[:1], differences_beside(guesses[:, 0]) if len(images) > 1 else unseen], dim=1)[0]
    clean = images[0, gaps.first :][: len(guess)]
    return Field(noisy, clean, guess, told.error, torch.from_numpy(statistics_vector(spectrum)))
