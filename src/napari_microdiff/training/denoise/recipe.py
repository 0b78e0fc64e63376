"""Recipes of models that denoise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ...engine.options import Finite, Frozen
from ...imaging.spectrum import VECTOR_LENGTH
from ..recipe import Pattern, check_network
from ..restore.recipe import RestoreRecipe

_NETWORK = {"dims": 2, "channels": 1, "condition_channels": 2, "vector_length": VECTOR_LENGTH}
_Share = Annotated[Finite, Field(ge=0)]


class Pairs(Frozen):
    """Recorded pairs: files of the same name in two folders.

    Attributes
    ----------
    noisy, clean : str
        Glob patterns below the data folder.
    hold_out : float
        Share of the rows, from the bottom, that is kept for validation.
    """

    noisy: Pattern
    clean: Pattern
    hold_out: float = Field(default=0.25, ge=0, lt=1)


class DenoiseRecipe(RestoreRecipe):
    """A training run of a denoiser.

    Attributes
    ----------
    pairs : tuple of Pairs
        Recorded pairs.
    shares : (float, float, float)
        Relative frequency of recorded pairs, recorded clean images and procedural images.
    """

    task: Literal["denoise"] = "denoise"
    pairs: tuple[Pairs, ...] = ()
    shares: tuple[_Share, _Share, _Share] = (0.15, 0.35, 0.5)

    @model_validator(mode="after")
    def _suits_the_task(self) -> DenoiseRecipe:
        check_network(self.architecture, _NETWORK)
        there = (bool(self.pairs), bool(self.clean), True)
        if not any(share for share, is_there in zip(self.shares, there, strict=True) if is_there):
            raise ValueError(
                "shares: nothing is left to draw from. Name recorded images, or give procedural ones a share of more "
                "than 0"
            )
        return self
