"""Batches for training to super-resolve. Batch number n of a seed is always the same, so that a run can be resumed."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...imaging.finer import FINER_RADIUS, finer_filter
from ...imaging.intensity import Normalization
from ...imaging.spectrum import measure_spectrum, noise_floor, statistics_vector
from ...tasks.conditioning import NOISELESS, on_finer_pixels, reflected, repeated, superresolving_vector
from ..recipes import SuperresolveRecipe
from ..restore.batch import Batch, Field, jittered
from ..restore.fields import clean_field
from ..restore.sources import Sources
from .simulate import Recorded, record_blurred

FIELD, CROP = 256, 128  # fine pixels


class SuperresolveBatches(Dataset[Batch]):
    """The endless list of batches of a recipe.

    Each item draws ``batch_fields`` squares of 256 fine pixels, records them, normalises them as the whole image would
    be and cuts two crops of 128 from each.
    """

    def __init__(
        self, recipe: SuperresolveRecipe, sources: Sources, *, seed: int, first: int = 0, length: int = 10**9
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
            sharp = clean_field(self.recipe, self.sources.draw_clean(rng, procedural=procedural), FIELD, rng)
            recorded = record_blurred(self.recipe, sharp, rng, generator)
            field = normalise(recorded, sharp, rng)
            step = math.lcm(*self.recipe.factors)
            for _ in range(2):
                top, left = (step * int(corner) for corner in rng.integers((FIELD - CROP) // step + 1, size=2))
                here = (slice(top, top + CROP), slice(left, left + CROP))
                images = [image[here][None] for image in (field.noisy, field.clean, field.guess)]
                made.append([*images, torch.tensor(field.guess_error), field.vector])
        noisy, clean, guess, errors, vector = (torch.stack(part) for part in zip(*made, strict=True))
        return Batch(noisy, clean, guess, errors, vector, (noisy - clean).pow(2).mean(dim=(1, 2, 3)))


def normalise(recorded: Recorded, sharp: Tensor, rng: np.random.Generator | None) -> Field:
    """Normalise a recorded square as at inference, and jitter it if ``rng`` is given."""
    image, psf = recorded.image, recorded.psf
    normal, hint = jittered(Normalization.fit(image[None].numpy()), rng)
    image, sharp = (image - normal.offset) / normal.scale, (sharp - normal.offset) / normal.scale
    spectrum = measure_spectrum(image[None].numpy())
    level = NOISELESS if recorded.noise == 0 else noise_floor(spectrum.powers) * hint
    told = finer_filter(spectrum.powers, psf, recorded.factor, level)
    guess = on_finer_pixels(reflected(image[None, None], FINER_RADIUS), told.kernels)[0, 0]
    vector = superresolving_vector(statistics_vector(spectrum, level), psf.width, recorded.factor)
    return Field(repeated(image, recorded.factor), sharp, guess, told.error, torch.from_numpy(vector))
