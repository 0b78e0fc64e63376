"""The course of a model that outlines objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...diffusion.denoiser import Preconditioned
from ...models.card import Quality
from ..course import Loss
from ..recipes import command_for
from .data import SegmentBatch, SegmentBatches
from .loss import segmenting_loss
from .recipe import SegmentRecipe
from .sources import load_planes
from .validate import SegmentValidation

_SIGMA_DATA_BATCHES = 8


class SegmentCourse:
    """See `training.course.Course`."""

    def __init__(self, recipe: SegmentRecipe, data: Path) -> None:
        self.recipe = recipe
        self.planes = load_planes(recipe, data, validation=False)
        self.validation = SegmentValidation(load_planes(recipe, data, validation=True), recipe)

    def batches(self, *, seed: int, first: int = 0, length: int = 10**7) -> SegmentBatches:
        """Return the batches of a seed."""
        return SegmentBatches(self.recipe, self.planes, seed=seed, first=first, length=length)

    def sigma_data(self) -> float:
        """Return the root mean square of the maps, whose mean is far from zero."""
        batches = self.batches(seed=self.recipe.seed)
        maps = torch.cat([batches[i].maps for i in range(_SIGMA_DATA_BATCHES)])
        return float(maps.pow(2).mean().sqrt())

    def loss(self, denoiser: Preconditioned, batch: SegmentBatch, generator: torch.Generator) -> Loss:
        """Evaluate the loss of one batch."""
        return segmenting_loss(denoiser, batch, generator, self.recipe.blind)

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the mean average precision for each kind of image."""
        return self.validation.measure(denoiser)

    def card_fields(self, denoiser: Preconditioned, figures: dict[str, float]) -> dict[str, Any]:
        """Return the size of objects that images are brought to, and the average precisions there."""
        return {"depth": self.recipe.depth, **self._at_diameter(self.recipe.diameter_px, figures)}

    def last_fields(self, denoiser: Preconditioned) -> dict[str, Any]:
        """Return the size at which objects are found best, and the average precisions there."""
        return self._at_diameter(*self.validation.best_diameter(denoiser))

    def _at_diameter(self, diameter: float, figures: dict[str, float]) -> dict[str, Any]:
        return {
            "diameter_px": round(diameter, 1),
            "quality": tuple(
                Quality(
                    measure="average precision, mean over IoU 0.5 to 0.9, one evaluation, true diameter",
                    data=f"held-out validation images: {name}",
                    value=round(value, 3),
                    unit="",
                    command=command_for(self.recipe),
                )
                for name, value in figures.items()
            ),
        }

    def write_beside(self, folder: Path) -> dict[str, Any]:
        """Write nothing."""
        return {}

    @staticmethod
    def in_words(figures: dict[str, float]) -> str:
        """Say the average precisions in a line."""
        return ", ".join(f"{name} AP {value:.3f}" for name, value in figures.items())
