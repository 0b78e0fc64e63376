"""Recipes of models that fill in what lies between slices."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ...imaging.between import BESIDE, PLANE_MAPS
from ...imaging.spectrum import VECTOR_LENGTH
from ..recipe import FactorRange, check_network
from ..restore.recipe import RestoreRecipe

_NETWORK = {"dims": 2, "channels": 1, "vector_length": VECTOR_LENGTH}


class IsotropicRecipe(RestoreRecipe):
    """A training run of a model that fills in the rows between some of an image, as those between slices of a stack.

    Images are shown and asked for as they were recorded, noise included: what a model of recorded slices makes is to
    look like one.

    Attributes
    ----------
    factors : (int, int)
        Least and largest distance of the rows that are shown.
    noisier : float
        How often the simulated camera adds noise to a recorded image; it always does to procedural ones.
    simulated : float
        Share of the procedural images.
    alone : float
        How often the neighbours of a plane of an isotropic volume are not shown. Those of others never are.
    """

    task: Literal["isotropic"]
    factors: FactorRange = (2, 10)
    noisier: float = Field(default=0.3, ge=0, le=1)
    simulated: float = Field(default=0.2, ge=0, le=1)
    alone: float = Field(default=0.25, ge=0, le=1)

    @property
    def beside(self) -> tuple[int, ...]:
        """Distances of the neighbouring planes that the network is shown."""
        return BESIDE if self.architecture.condition_channels > PLANE_MAPS else ()

    @model_validator(mode="after")
    def _shows_what_there_is(self) -> IsotropicRecipe:
        check_network(self.architecture, _NETWORK)
        few, many = PLANE_MAPS, PLANE_MAPS + len(BESIDE)
        if self.architecture.condition_channels not in (few, many):
            raise ValueError(
                f"architecture.condition_channels must be {few}, or {many} if neighbouring planes are to be shown"
            )
        return self
