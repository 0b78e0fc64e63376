"""What the courses of networks that restore images have in common."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ...diffusion.denoiser import Preconditioned
from ...models.card import Familiarity, Quality
from ..course import Loss
from ..recipes import command_for
from .batch import Batch
from .batches import RestoreBatches
from .likeness import measure_content, measure_contrast, measure_familiarity
from .loss import restoring_loss
from .recipe import RestoreRecipe

_SIGMA_DATA_BATCHES = 16


class RestoreCourse:
    """See `training.course.Course`; what batches hold and what is measured is told by those who inherit it."""

    recipe: RestoreRecipe

    def batches(self, *, seed: int, first: int = 0, length: int = 10**7) -> RestoreBatches:
        """Return the batches of a seed."""
        raise NotImplementedError

    def sigma_data(self) -> float:
        """Return the median contrast of clean crops."""
        return measure_contrast(self.batches(seed=self.recipe.seed), _SIGMA_DATA_BATCHES)

    def loss(self, denoiser: Preconditioned, batch: Batch, generator: torch.Generator) -> Loss:
        """Evaluate the loss of one batch."""
        return restoring_loss(denoiser, batch, generator)

    def gains(self, over: str, figures: dict[str, float]) -> tuple[Quality, ...]:
        """Return gains in dB over something, by the kind of image, as a card states them."""
        return tuple(
            Quality(
                measure=f"gain over {over}, one evaluation",
                data=f"held-out validation images: {name}",
                value=round(value, 2),
                unit="dB",
                command=command_for(self.recipe),
            )
            for name, value in figures.items()
        )

    @cached_property
    def likeness(self) -> dict[str, Familiarity]:
        """What tells whether an image is like those that were trained on, as fields of the card."""
        batches, steps = self.batches(seed=self.recipe.seed + 1), self.recipe.steps
        return {"familiarity": measure_familiarity(batches, steps), "content": measure_content(batches, steps)}

    def last_fields(self, denoiser: Preconditioned) -> dict[str, Any]:
        """Return nothing: the card is complete."""
        return {}

    def write_beside(self, folder: Path) -> dict[str, Any]:
        """Write nothing."""
        return {}

    @staticmethod
    def in_words(figures: dict[str, float]) -> str:
        """Say the gains in a line."""
        return ", ".join(f"{name} {value:+.2f} dB" for name, value in figures.items())
