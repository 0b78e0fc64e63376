"""The course of a model that makes pixels finer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...diffusion.denoiser import Preconditioned
from ..restore.course import RestoreCourse
from ..restore.sources import load_sources
from .data import SuperresolveBatches
from .recipe import SuperresolveRecipe
from .validate import Validation


class SuperresolveCourse(RestoreCourse):
    """See `training.course.Course`."""

    def __init__(self, recipe: SuperresolveRecipe, data: Path, cache: Path) -> None:
        self.recipe: SuperresolveRecipe = recipe
        self.sources = load_sources(recipe, data, cache=cache)
        self.validation = Validation(recipe, load_sources(recipe, data, validation=True))

    def batches(self, *, seed: int, first: int = 0, length: int = 10**7) -> SuperresolveBatches:
        """Return the batches of a seed."""
        return SuperresolveBatches(self.recipe, self.sources, seed=seed, first=first, length=length)

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the mean gain in dB over the best linear estimate, for each kind of image."""
        return self.validation.measure(denoiser)

    def card_fields(self, denoiser: Preconditioned, figures: dict[str, float]) -> dict[str, Any]:
        """Return factors, gains, familiarity and the factor of the spread."""
        over_cubic = self.gains("cubic interpolation", self.validation.gain_over_cubic(denoiser))
        return {
            "factors": self.recipe.factors,
            "quality": (*self.gains("the best linear estimate", figures), *over_cubic),
            **self.likeness,
            "spread_scale": round(self.validation.spread_scale(denoiser), 3),
        }
