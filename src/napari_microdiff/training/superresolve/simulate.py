"""What a microscope records of sharp images, drawn as wide as microscopes differ."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...imaging.optics import Binning, Blur, PointSpread
from ..recording import Generator, log_uniform, simulate_recording
from .recipe import SuperresolveRecipe

_AIRY = 0.5  # of the point-spread functions; the others are Gaussian
_AIRY_PX = 0.3  # narrower ones end within a pixel, whatever their shape
_WIDTH_OF_AIRY = np.sqrt(2) / (2 * np.pi)  # standard deviation of the nearest Gaussian, in wavelengths over apertures


class Recorded(NamedTuple):
    """A recorded square, its optics, and the noise that is told; ``None`` if it is measured."""

    image: Tensor
    psf: PointSpread
    factor: int
    noise: float | None


def draw_psf(recipe: SuperresolveRecipe, rng: Generator) -> PointSpread:
    """Draw a point-spread function."""
    if rng.random() < recipe.unblurred:
        return PointSpread()
    width = log_uniform(rng, *recipe.psf_px)
    if width > _AIRY_PX and rng.random() < _AIRY:
        return PointSpread(airy=(width / _WIDTH_OF_AIRY, 1.0, 1.0))
    return PointSpread(width)


def record_blurred(
    recipe: SuperresolveRecipe, sharp: Tensor, rng: Generator, generator: torch.Generator, factor: int | None = None
) -> Recorded:
    """Simulate the recording of a sharp square, whose sides are multiples of the factors."""
    factor = factor or int(rng.choice(recipe.factors))
    psf = draw_psf(recipe, rng)
    pixels = sharp.numpy().astype(np.float64)
    if psf.width:
        pixels = Blur(psf.kernel(factor), pixels.shape).forward(pixels)
    seen = torch.from_numpy(Binning(factor).forward(pixels).astype(np.float32))
    if rng.random() < recipe.noiseless:
        return Recorded(seen, psf, factor, 0.0 if rng.random() < 0.7 else None)
    return Recorded(simulate_recording(recipe.noise, seen, rng, generator), psf, factor, None)
