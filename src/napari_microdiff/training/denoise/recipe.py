"""Recipes of models that denoise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ..recipe import Part, Pattern
from ..restore.recipe import RestoreRecipe

_Share = Annotated[float, Field(ge=0)]
_Shares = tuple[_Share, _Share, _Share]


def _not_all_zero(shares: _Shares) -> _Shares:
    if not any(shares):
        raise ValueError("one of the shares at least has to be more than 0")
    return shares


class Pairs(Part):
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
    shares: Annotated[_Shares, AfterValidator(_not_all_zero)] = (0.15, 0.35, 0.5)
