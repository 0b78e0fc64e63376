"""Recipes of models that denoise."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..recipe import Part
from ..restore.recipe import RestoreRecipe


class Pairs(Part):
    """Recorded pairs: files of the same name in two folders.

    Attributes
    ----------
    noisy, clean : str
        Glob patterns below the data folder.
    hold_out : float
        Share of the rows, from the bottom, that is kept for validation.
    """

    noisy: str
    clean: str
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
    shares: tuple[float, float, float] = (0.15, 0.35, 0.5)
