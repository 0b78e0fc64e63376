"""The course of a denoiser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...diffusion.denoiser import Preconditioned
from ...imaging.spectrum import LIKENESS
from ...models.card import Familiarity, Quality
from ..course import Loss
from ..recipes import DenoiseRecipe
from .data import Batch, DenoiseBatches
from .loss import denoising_loss
from .sources import Sources, load_sources
from .validate import Validation

_SIGMA_DATA_BATCHES = 16
_FAMILIARITY_BATCHES = 60


class DenoiseCourse:
    """See `training.course.Course`."""

    def __init__(self, recipe: DenoiseRecipe, data: Path, cache: Path) -> None:
        self.recipe = recipe
        self.sources = load_sources(recipe, data, cache=cache)
        self.validation = Validation(recipe, load_sources(recipe, data, validation=True))

    def batches(self, *, seed: int, first: int = 0, length: int = 10**7) -> DenoiseBatches:
        """Return the batches of a seed."""
        return DenoiseBatches(self.recipe, self.sources, seed=seed, first=first, length=length)

    def sigma_data(self) -> float:
        """Return the median contrast of clean crops: a few bright specks can stretch that of a field a hundredfold."""
        batches = self.batches(seed=self.recipe.seed)
        drawn = [batches[i] for i in range(_SIGMA_DATA_BATCHES)]
        contrast = torch.cat([batch.clean.pow(2).mean(dim=(1, 2, 3)) for batch in drawn])
        return float(contrast.median().sqrt())

    def loss(self, denoiser: Preconditioned, batch: Batch, generator: torch.Generator) -> Loss:
        """Evaluate the loss of one batch."""
        return denoising_loss(denoiser, batch, generator)

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the mean gain in dB over the best Gaussian, for each kind of image."""
        return self.validation.measure(denoiser)

    def card_fields(self, denoiser: Preconditioned, figures: dict[str, float]) -> dict[str, Any]:
        """Return gains, familiarity and the factor of the spread."""
        return {
            "quality": tuple(
                Quality(
                    measure="gain over the best Gaussian filter of each image, one evaluation",
                    data=f"held-out validation images: {name}",
                    value=round(value, 2),
                    unit="dB",
                    command=f"napari-microdiff train {self.recipe.id}",
                )
                for name, value in figures.items()
            ),
            "familiarity": measure_familiarity(self.recipe, self.sources),
            "spread_scale": round(self.validation.spread_scale(denoiser), 3),
        }

    def write_beside(self, folder: Path) -> dict[str, Any]:
        """Write nothing."""
        return {}

    @staticmethod
    def in_words(figures: dict[str, float]) -> str:
        """Say the gains in a line."""
        return ", ".join(f"{name} {value:+.2f} dB" for name, value in figures.items())


def measure_familiarity(recipe: DenoiseRecipe, sources: Sources, batches: int = _FAMILIARITY_BATCHES) -> Familiarity:
    """Describe the statistics vectors of training images by a Gaussian and the distance that 99 % of them keep."""
    made = DenoiseBatches(recipe, sources, seed=recipe.seed + 1)
    vectors = torch.cat([made[i].vector for i in range(batches)]).double().numpy()[:, LIKENESS]
    mean = vectors.mean(axis=0)
    covariance = np.cov(vectors, rowvar=False) + 1e-3 * np.eye(vectors.shape[1])
    precision = np.linalg.inv(covariance)
    away = vectors - mean
    distance = np.sqrt(np.einsum("ni,ij,nj->n", away, precision, away))
    rounded = tuple(tuple(round(float(v), 4) for v in row) for row in precision)
    return Familiarity(
        mean=tuple(round(float(v), 5) for v in mean),
        precision=rounded,
        threshold=round(float(np.quantile(distance, 0.99)), 3),
    )
