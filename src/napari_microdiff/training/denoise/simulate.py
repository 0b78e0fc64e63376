"""From clean images to what a microscope's camera would have recorded, drawn as wide as microscopes differ."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..recipes import DenoiseRecipe, Noise
from .sources import CleanPlane, PairPlane, Plane

Generator = np.random.Generator


def log_uniform(rng: Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform between those of ``low`` and ``high``."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def blur(image: Tensor, sigma: float, sigma_x: float | None = None) -> Tensor:
    """Blur a (y, x) tensor by a Gaussian of standard deviation ``sigma`` pixels, reflecting at the border.

    ``sigma_x`` is that along x where it is another one.
    """
    along_y, along_x = _gaussian(sigma), _gaussian(sigma if sigma_x is None else sigma_x)
    by, bx = len(along_y) // 2, len(along_x) // 2
    padded = F.pad(image[None, None], (bx, bx, by, by), mode="reflect")
    rows = F.conv2d(padded, along_y.view(1, 1, -1, 1))
    return F.conv2d(rows, along_x.view(1, 1, 1, -1))[0, 0]


def _gaussian(sigma: float) -> Tensor:
    radius = max(1, int(np.ceil(3 * sigma)))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    return kernel / kernel.sum()


def _turn(image: Tensor, which: int) -> Tensor:
    turned = torch.rot90(image, which % 4, (0, 1))
    return turned.flip(0) if which >= 4 else turned


def _cut(planes: tuple[Plane, ...], size: int, rng: Generator) -> list[Tensor]:
    """Cut the same random square out of each plane."""
    height, width = planes[0].shape
    size = min(size, height, width)
    top, left = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
    cut = (plane[top : top + size, left : left + size] for plane in planes)
    return [torch.from_numpy(np.ascontiguousarray(c, dtype=np.float32)) for c in cut]


def _resize(image: Tensor, side: int) -> Tensor:
    if image.shape[-1] == side:
        return image
    shrinks = image.shape[-1] > side
    mode = "bilinear" if shrinks else "bicubic"
    return F.interpolate(image[None, None], (side, side), mode=mode, antialias=shrinks)[0, 0]


def clean_field(recipe: DenoiseRecipe, plane: CleanPlane, side: int, rng: Generator) -> Tensor:
    """Draw a clean square of ``side`` pixels: cut, turned, magnified, blurred, with changed contrast."""
    factor = log_uniform(rng, *plane.shrink)
    (cut,) = _cut((plane.image,), round(side * factor), rng)
    image = _turn(_resize(cut, side), int(rng.integers(8)))
    if rng.random() < recipe.blurred:
        image = blur(image, log_uniform(rng, *recipe.blur_px))
    low, high = torch.quantile(image[::3, ::3], torch.tensor([0.01, 0.998]))
    image = ((image - low) / (high - low).clamp_min(1e-4)).clamp_min(-0.5)
    if rng.random() < 0.3:
        image = torch.pow(image.clamp_min(0), float(rng.uniform(0.6, 1.8)))
    return image


def record(noise: Noise, clean: Tensor, rng: Generator, generator: torch.Generator) -> Tensor:
    """Simulate the recording of ``clean`` (range about 0 to 1) by a camera drawn from ``noise``."""
    deviation = 10 ** (-rng.uniform(*noise.psnr_db) / 20)
    share = rng.uniform(*noise.shot_share)
    background = rng.uniform(0, 0.5) * (rng.random() < 0.7)
    light = (clean - clean.min()).clamp_min(0) + background
    gain = share * deviation**2 / float(light.mean().clamp_min(1e-3))
    shot = torch.poisson(light / gain, generator=generator) * gain - light if gain > 0 else torch.zeros_like(light)
    read = float(deviation * np.sqrt(1 - share)) * torch.randn(light.shape, generator=generator)
    residual = shot + read
    if rng.random() < noise.correlated:
        before = residual.std()
        # A slow detector correlates along the scanned rows only, resampling along both axes.
        along_y, along_x = (log_uniform(rng, *noise.correlation_px) for _ in range(2))
        residual = blur(residual, 0.2 if rng.random() < 0.3 else along_y, along_x)
        residual = residual * (before / residual.std().clamp_min(1e-6))
    if rng.random() < noise.stripes:
        rows = torch.randn(len(light), 1, generator=generator)
        residual = residual + float(deviation * rng.uniform(0.1, 0.5)) * rows
    if rng.random() < noise.hot_pixels:
        hot = torch.rand(light.shape, generator=generator) < log_uniform(rng, 1e-5, 1e-3)
        residual = residual + hot * float(rng.uniform(0.3, 2))
    noisy = clean + residual
    return _store(noisy, rng) if rng.random() < noise.quantised else noisy


def _store(image: Tensor, rng: Generator) -> Tensor:
    """Round to 8 bits, saturating a few of the brightest pixels, as a contrast-stretched export does."""
    low, high = (
        float(v) for v in torch.quantile(image[::2, ::2], torch.tensor([rng.uniform(0, 0.005), rng.uniform(0.995, 1)]))
    )
    step = max(high - low, 1e-4) / 255
    return ((image.clamp(low, high) - low) / step).round() * step + low


def pair_field(plane: PairPlane, side: int, rng: Generator) -> tuple[Tensor, Tensor]:
    """Draw a recorded pair: cut, turned, sometimes both binned by two."""
    factor = 2 if rng.random() < 0.3 and min(plane.noisy.shape) >= 2 * side else 1
    which = int(rng.integers(8))
    noisy, clean = (_turn(cut, which) for cut in _cut((plane.noisy, plane.clean), side * factor, rng))
    if factor == 2:
        noisy, clean = (F.avg_pool2d(i[None, None], 2)[0, 0] for i in (noisy, clean))
    return noisy, clean
