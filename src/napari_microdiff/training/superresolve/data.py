"""Batches for training to super-resolve."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ...imaging.finer import FINER_RADIUS, finer_filter
from ...imaging.intensity import Normalization
from ...imaging.spectrum import measure_spectrum, noise_floor, statistics_vector
from ...tasks.conditioning import NOISELESS, on_finer_pixels, reflected, repeated, superresolving_vector
from ..restore.batch import Field, jitter
from ..restore.batches import CROP, Draws, RestoreBatches
from ..restore.fields import clean_field
from .recipe import SuperresolveRecipe
from .simulate import Recorded, record_blurred

FIELD = 256  # fine pixels


class SuperresolveBatches(RestoreBatches):
    """Squares of 256 fine pixels, as a camera with larger ones records them through a lens."""

    recipe: SuperresolveRecipe

    def draw_recording(self, draws: Draws) -> Tensor:
        """Draw an image as it may have been recorded, shape (y, x)."""
        return self._draw(draws)[0].image

    def field(self, draws: Draws) -> Field:
        """Draw a square, and normalise it."""
        return normalise(*self._draw(draws), draws.numbers)

    def corner(self, field: Field, rng: np.random.Generator) -> tuple[int, int]:
        """Draw where a crop begins: with a pixel of the camera."""
        step = math.lcm(*self.recipe.factors)
        top, left = (step * int(corner) for corner in rng.integers((FIELD - CROP) // step + 1, size=2))
        return top, left

    def _draw(self, draws: Draws) -> tuple[Recorded, Tensor]:
        rng = draws.numbers
        plane = self.sources.draw_clean(rng, procedural=self.is_procedural(rng, self.recipe.simulated))
        sharp = clean_field(self.recipe, plane, FIELD, rng)
        return record_blurred(self.recipe, sharp, rng, draws.noise), sharp


def normalise(recorded: Recorded, sharp: Tensor, rng: np.random.Generator | None) -> Field:
    """Normalise a recorded square as at inference, and jitter it if ``rng`` is given."""
    image, psf = recorded.image, recorded.psf
    normal, hint = jitter(Normalization.fit(image[None].numpy()), rng)
    image, sharp = (image - normal.offset) / normal.scale, (sharp - normal.offset) / normal.scale
    spectrum = measure_spectrum(image[None].numpy())
    level = NOISELESS if recorded.noise == 0 else noise_floor(spectrum.powers) * hint
    told = finer_filter(spectrum.powers, psf, recorded.factor, level)
    guess = on_finer_pixels(reflected(image[None, None], FINER_RADIUS), told.kernels)[0, 0]
    vector = superresolving_vector(statistics_vector(spectrum, level), psf.width, recorded.factor)
    return Field(repeated(image, recorded.factor), sharp, guess, told.error, torch.from_numpy(vector))
