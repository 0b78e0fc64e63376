"""Recipes of models that make pixels finer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ...tasks.conditioning import SUPERRESOLVING_LENGTH
from ..recipe import PositiveRange, check_network
from ..restore.recipe import RestoreRecipe

_NETWORK = {"dims": 2, "channels": 1, "condition_channels": 2, "vector_length": SUPERRESOLVING_LENGTH}


class SuperresolveRecipe(RestoreRecipe):
    """A training run of a model that makes pixels finer and takes back blur.

    Attributes
    ----------
    factors : tuple of int
        Sides of the squares of pixels that the simulated camera sees as one: 2, 4 or 8, of which crops are multiples.
    psf_px : (float, float)
        Range of the width (standard deviation) of the point-spread function, in pixels of the camera.
    unblurred, noiseless : float
        How often it does not blur, and records without noise.
    simulated : float
        Share of the procedural images.
    """

    task: Literal["superresolve"]
    factors: tuple[Literal[2, 4, 8], ...] = Field(default=(2, 4), min_length=1)
    psf_px: PositiveRange = (0.25, 1.6)
    unblurred: float = Field(default=0.25, ge=0, le=1)
    noiseless: float = Field(default=0.2, ge=0, le=1)
    simulated: float = Field(default=0.4, ge=0, le=1)

    @model_validator(mode="after")
    def _suits_the_task(self) -> SuperresolveRecipe:
        check_network(self.architecture, _NETWORK)
        return self
