"""Batches for training a denoiser."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...imaging.intensity import Normalization
from ...imaging.spectrum import measure_spectrum, noise_floor, statistics_vector
from ...imaging.wiener import wiener_error, wiener_kernel
from ...tasks.conditioning import filtered, reflected
from ..recording import simulate_recording
from ..restore.batch import Field, jitter
from ..restore.batches import CROP, Draws, RestoreBatches
from ..restore.fields import clean_field, pair_field
from ..restore.sources import SMALLEST_PAIR
from .recipe import DenoiseRecipe

FIELD = SMALLEST_PAIR


class DenoiseBatches(RestoreBatches):
    """Squares of 192 pixels: recorded pairs, and clean images with the noise of a simulated camera."""

    recipe: DenoiseRecipe

    def draw_recording(self, draws: Draws) -> Tensor:
        """Draw an image as it may have been recorded, shape (y, x)."""
        return self._draw(draws)[0]

    def field(self, draws: Draws) -> Field:
        """Draw a square, and normalise it."""
        return normalise(*self._draw(draws), draws.numbers)

    def corner(self, field: Field, rng: np.random.Generator) -> tuple[int, int]:
        """Draw where a crop begins."""
        top, left = (int(corner) for corner in rng.integers(FIELD - CROP + 1, size=2))
        return top, left

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        there = [bool(self.sources.pairs), bool(self.sources.clean), bool(self.sources.procedural)]
        shares = np.array(self.recipe.shares) * there
        return np.asarray(shares / shares.sum())

    def _draw(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """Draw what was recorded, and the clean image."""
        rng = draws.numbers
        kind = rng.choice(3, p=self._shares)
        if kind == 0:
            return pair_field(self.sources.pairs[rng.integers(len(self.sources.pairs))], FIELD, rng)
        clean = clean_field(self.recipe, self.sources.draw_clean(rng, procedural=kind == 2), FIELD, rng)
        return simulate_recording(self.recipe.noise, clean, rng, draws.noise), clean


def normalise(noisy: Tensor, clean: Tensor, rng: np.random.Generator | None) -> Field:
    """Normalise a field as at inference, and jitter it if ``rng`` is given."""
    normal, hint = jitter(Normalization.fit(noisy[None].numpy()), rng)
    noisy, clean = (noisy - normal.offset) / normal.scale, (clean - normal.offset) / normal.scale
    spectrum = measure_spectrum(noisy[None].numpy())
    level = noise_floor(spectrum.powers) * hint
    guess = filtered(reflected(noisy[None, None]), wiener_kernel(spectrum.powers, level))[0, 0]
    error = wiener_error(spectrum.powers, level)
    return Field(noisy, clean, guess, error, torch.from_numpy(statistics_vector(spectrum, level)))
