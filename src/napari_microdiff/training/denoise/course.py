"""The course of a denoiser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...diffusion.denoiser import Preconditioned
from ..restore.course import RestoreCourse
from ..restore.sources import load_sources
from .data import DenoiseBatches
from .recipe import DenoiseRecipe
from .validate import Validation


class DenoiseCourse(RestoreCourse):
    """See `training.course.Course`."""

    def __init__(self, recipe: DenoiseRecipe, data: Path, cache: Path) -> None:
        self.recipe: DenoiseRecipe = recipe
        self.sources = load_sources(recipe, data, cache=cache)
        self.validation = Validation(recipe, load_sources(recipe, data, validation=True))

    def batches(self, *, seed: int, first: int = 0, length: int = 10**7) -> DenoiseBatches:
        """Return the batches of a seed."""
        return DenoiseBatches(self.recipe, self.sources, seed=seed, first=first, length=length)

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the mean gain in dB over the best Gaussian, for each kind of image."""
        return self.validation.measure(denoiser)

    def card_fields(self, denoiser: Preconditioned, figures: dict[str, float]) -> dict[str, Any]:
        """Return gains, familiarity and the factor of the spread."""
        return {
            "quality": self.gains("the best Gaussian filter of each image", figures),
            **self.likeness,
            "spread_scale": round(self.validation.spread_scale(denoiser), 3),
        }
