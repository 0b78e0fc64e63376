"""What the recipes of models have in common that bring back what a microscope lost."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...engine.options import Frozen
from ..recipe import Pattern, PositiveRange, Range, Recipe, ShareRange


class Clean(Frozen):
    """Recorded images that are clean enough to simulate noise on.

    Attributes
    ----------
    files : str
        Glob pattern below the data folder.
    shrink : (float, float)
        Range of the factor by which images are binned; what is averaged has less grain.
    average : int
        Consecutive planes of a stack that are averaged, for the same reason.
    isotropic : bool
        Whether a stack may be cut along all three axes.
    hold_out : float
        Share of the planes (of a stack) or rows (of an image), from the end, that is kept for validation.
    weight : float
        How often images from here are drawn, relative to the other entries.
    """

    files: Pattern
    shrink: PositiveRange = (1.0, 1.0)
    average: int = Field(default=1, ge=1)
    isotropic: bool = False
    hold_out: float = Field(default=0.25, ge=0, lt=1)
    weight: float = Field(default=1.0, gt=0)


class Noise(Frozen):
    """How wide the simulated camera varies.

    Attributes
    ----------
    psnr_db : (float, float)
        Range of the peak signal-to-noise ratio of the noisy images.
    shot_share : (float, float)
        Range of the share of the noise variance that is shot noise (the rest is read noise).
    correlated, correlation_px : float, (float, float)
        How often the noise is blurred, and by Gaussians of which standard deviations along y and x.
    quantised, stripes, hot_pixels : float
        How often images are stored in 8 bits, have row offsets, or have hot pixels.
    """

    psnr_db: Range = (10.0, 36.0)
    shot_share: ShareRange = (0.0, 1.0)
    correlated: float = 0.15
    correlation_px: PositiveRange = (0.3, 1.0)
    quantised: float = 0.3
    stripes: float = 0.05
    hot_pixels: float = 0.05


class RestoreRecipe(Recipe):
    """A training run of a model that brings back what a microscope lost of a clean image.

    Attributes
    ----------
    clean : tuple of Clean
        Recorded clean images.
    procedural : {"fluorescence", "electron_microscopy"}
        Kind of procedural images.
    noise : Noise
        Of the simulated camera.
    blur_px : (float, float)
        Range of the additional Gaussian blur of clean images; blurred with probability `blurred`.
    """

    clean: tuple[Clean, ...] = ()
    procedural: Literal["fluorescence", "electron_microscopy"]
    procedural_count: int = Field(default=600, ge=1)
    noise: Noise = Noise()
    blurred: float = 0.7
    blur_px: PositiveRange = (0.4, 4.0)
