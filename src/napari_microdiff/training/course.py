"""What the training loop asks of a task: batches, a loss, a validation and what only the task knows for the card."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..diffusion.denoiser import Preconditioned
from .isotropic.recipe import IsotropicRecipe
from .recipes import AnyRecipe
from .segment.recipe import SegmentRecipe
from .superresolve.recipe import SuperresolveRecipe
from .synthesize.recipe import SynthesizeRecipe


class Loss(NamedTuple):
    """Of the posterior mean, and the negative log-likelihood of the spread, which the mean does not feel."""

    mean: Tensor
    spread: Tensor


class Course(Protocol):
    """How the models of one task are trained."""

    def batches(self, *, seed: int, first: int = 0, length: int = 10**7) -> Dataset[Any]:
        """Return batches number ``first`` and on of a seed, as named tuples of tensors."""
        ...

    def sigma_data(self) -> float:
        """Return the standard deviation of what is diffused."""
        ...

    def loss(self, denoiser: Preconditioned, batch: Any, generator: torch.Generator) -> Loss:
        """Evaluate the loss of one batch."""
        ...

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the figures of merit on held-out images, by the kind of image; more is better."""
        ...

    def card_fields(self, denoiser: Preconditioned, figures: dict[str, float]) -> dict[str, Any]:
        """Return what the card says beside what the loop knows: quality, familiarity, factors."""
        ...

    def last_fields(self, denoiser: Preconditioned) -> dict[str, Any]:
        """Return what the card says that takes long to find out, for the best weights at the end of a run."""
        ...

    def write_beside(self, folder: Path) -> dict[str, Any]:
        """Write what belongs to the model beside its weights, and return the fields of the card that tell of it."""
        ...

    @staticmethod
    def in_words(figures: dict[str, float]) -> str:
        """Say figures of merit in a line."""
        ...


def open_course(recipe: AnyRecipe, data: Path, cache: Path) -> Course:
    """Return the course of a recipe, with its images loaded.

    Raises
    ------
    TrainingError
        If the data are unusable.
    """
    from .denoise.course import DenoiseCourse
    from .isotropic.course import IsotropicCourse
    from .segment.course import SegmentCourse
    from .superresolve.course import SuperresolveCourse
    from .synthesize.course import SynthesizeCourse

    if isinstance(recipe, SegmentRecipe):
        return SegmentCourse(recipe, data)
    if isinstance(recipe, SynthesizeRecipe):
        return SynthesizeCourse(recipe, data)
    if isinstance(recipe, SuperresolveRecipe):
        return SuperresolveCourse(recipe, data, cache)
    if isinstance(recipe, IsotropicRecipe):
        return IsotropicCourse(recipe, data, cache)
    return DenoiseCourse(recipe, data, cache)
