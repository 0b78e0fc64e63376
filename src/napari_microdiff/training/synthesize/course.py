"""The course of a model that draws images under masks."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ...diffusion.denoiser import Condition, Preconditioned
from ...imaging.originals import Originals
from ...models.card import Quality
from ...models.originals import write_originals
from ..course import Loss
from ..loss import diffusion_loss
from ..noise_levels import draw_sigmas
from ..recipes import command_for
from ..segment.sources import load_planes
from .data import SynthesizeBatch, SynthesizeBatches, magnify_plane, normalise_planes
from .recipe import SynthesizeRecipe
from .validate import SynthesizeValidation

_SIGMA_DATA_BATCHES = 8
_BLIND = 1  # crops in eight


class SynthesizeCourse:
    """See `training.course.Course`."""

    def __init__(self, recipe: SynthesizeRecipe, data: Path) -> None:
        self.recipe = recipe
        coloured = recipe.architecture.channels > 1
        self.planes, self._held_out = (
            normalise_planes(load_planes(recipe, data, validation=which, coloured=coloured)) for which in (False, True)
        )
        self.validation = SynthesizeValidation(self._held_out, recipe)

    def batches(self, *, seed: int, first: int = 0, length: int = 10**7) -> SynthesizeBatches:
        """Return the batches of a seed."""
        return SynthesizeBatches(self.recipe, self.planes, seed=seed, first=first, length=length)

    def sigma_data(self) -> float:
        """Return the root mean square of the images, whose mean is far from zero: most of them is dark."""
        batches = self.batches(seed=self.recipe.seed)
        images = torch.cat([batches[i].image for i in range(_SIGMA_DATA_BATCHES)])
        return float(images.pow(2).mean().sqrt())

    def loss(self, denoiser: Preconditioned, batch: SynthesizeBatch, generator: torch.Generator) -> Loss:
        """Evaluate the loss of one batch; few crops are seen blind, since images are drawn in many steps."""
        scale = torch.full((len(batch.image),), denoiser.sigma_data, device=batch.image.device)
        sigmas = draw_sigmas(scale, denoiser.sigma_max / denoiser.sigma_data, generator, _BLIND)
        condition = Condition(maps=batch.maps, vector=batch.style)
        return diffusion_loss(denoiser, batch.image, sigmas, condition, generator)

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the gain in dB over a linear guess, for each kind of image."""
        return self.validation.measure(denoiser)

    def card_fields(self, denoiser: Preconditioned, figures: dict[str, float]) -> dict[str, Any]:
        """Return the size of the objects that it draws, and the gains."""
        return {
            "diameter_px": self.recipe.diameter_px,
            "classes": self.recipe.classes,
            "quality": tuple(
                Quality(
                    measure="denoising of images of which mask and style are told, gain over a linear guess",
                    data=f"held-out validation images: {name}",
                    value=round(value, 2),
                    unit="dB",
                    command=command_for(self.recipe),
                )
                for name, value in figures.items()
            ),
        }

    def last_fields(self, denoiser: Preconditioned) -> dict[str, Any]:
        """Return nothing: the card is complete."""
        return {}

    def write_beside(self, folder: Path) -> dict[str, Any]:
        """Write by what copies of the training images are known again."""
        originals, limit = self._originals
        return {"originals": write_originals(originals, limit, folder)}

    @cached_property
    def _originals(self) -> tuple[Originals, float]:
        """What the training images are known by, and how like them the held-out ones are at most."""
        originals = Originals.of((magnify_plane(plane, self.recipe) for plane in self.planes), seed=self.recipe.seed)
        nearest = [originals.nearest(*magnify_plane(plane, self.recipe)) for plane in self._held_out]
        return originals, round(max(float(found.max()) for found in nearest), 4)

    @staticmethod
    def in_words(figures: dict[str, float]) -> str:
        """Say the gains in a line."""
        return ", ".join(f"{name} {value:+.2f} dB" for name, value in figures.items())
