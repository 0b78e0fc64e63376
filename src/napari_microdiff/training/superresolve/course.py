"""The course of a model that makes pixels finer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...diffusion.denoiser import Preconditioned
from ...models.card import Quality
from ..course import Loss
from ..recipes import SuperresolveRecipe
from ..restore.batch import Batch
from ..restore.likeness import measure_contrast, measure_familiarity
from ..restore.loss import restoring_loss
from ..restore.sources import load_sources
from .data import SuperresolveBatches
from .validate import Validation

_SIGMA_DATA_BATCHES = 16


class SuperresolveCourse:
    """See `training.course.Course`."""

    def __init__(self, recipe: SuperresolveRecipe, data: Path, cache: Path) -> None:
        self.recipe = recipe
        self.sources = load_sources(recipe, data, cache=cache)
        self.validation = Validation(recipe, load_sources(recipe, data, validation=True))

    def batches(self, *, seed: int, first: int = 0, length: int = 10**7) -> SuperresolveBatches:
        """Return the batches of a seed."""
        return SuperresolveBatches(self.recipe, self.sources, seed=seed, first=first, length=length)

    def sigma_data(self) -> float:
        """Return the median contrast of sharp crops."""
        return measure_contrast(self.batches(seed=self.recipe.seed), _SIGMA_DATA_BATCHES)

    def loss(self, denoiser: Preconditioned, batch: Batch, generator: torch.Generator) -> Loss:
        """Evaluate the loss of one batch."""
        return restoring_loss(denoiser, batch, generator)

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the mean gain in dB over the best linear estimate, for each kind of image."""
        return self.validation.measure(denoiser)

    def card_fields(self, denoiser: Preconditioned, figures: dict[str, float]) -> dict[str, Any]:
        """Return gains, familiarity and the factor of the spread."""
        bars = {
            "the best linear estimate": figures,
            "cubic interpolation": self.validation.gain_over_cubic(denoiser),
        }
        return {
            "factors": self.recipe.factors,
            "quality": tuple(
                Quality(
                    measure=f"gain over {bar}, one evaluation",
                    data=f"held-out validation images: {name}",
                    value=round(value, 2),
                    unit="dB",
                    command=f"napari-microdiff train {self.recipe.id}",
                )
                for bar, gains in bars.items()
                for name, value in gains.items()
            ),
            "familiarity": measure_familiarity(self.batches(seed=self.recipe.seed + 1)),
            "spread_scale": round(self.validation.spread_scale(denoiser), 3),
        }

    def write_beside(self, folder: Path) -> dict[str, Any]:
        """Write nothing."""
        return {}

    @staticmethod
    def in_words(figures: dict[str, float]) -> str:
        """Say the gains in a line."""
        return ", ".join(f"{name} {value:+.2f} dB" for name, value in figures.items())
