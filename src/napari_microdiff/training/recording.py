"""From clean images to what a microscope's camera would have recorded, drawn as wide as microscopes differ."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .restore.recipe import Noise

Generator = np.random.Generator


def log_uniform(rng: Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform between those of ``low`` and ``high``."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def blur(image: Tensor, sigma: float, sigma_x: float | None = None) -> Tensor:
    """Blur a (..., y, x) tensor by a Gaussian of standard deviation ``sigma`` pixels, reflecting at the border.

    ``sigma_x`` is that along x where it is another one.
    """
    along_y, along_x = _gaussian(sigma), _gaussian(sigma if sigma_x is None else sigma_x)
    by, bx = len(along_y) // 2, len(along_x) // 2
    planes = image.reshape(-1, 1, *image.shape[-2:])
    padded = F.pad(planes, (bx, bx, by, by), mode="reflect")
    rows = F.conv2d(padded, along_y.view(1, 1, -1, 1))
    return F.conv2d(rows, along_x.view(1, 1, 1, -1)).reshape(image.shape)


def _gaussian(sigma: float) -> Tensor:
    radius = max(1, int(np.ceil(3 * sigma)))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    return kernel / kernel.sum()


def simulate_recording(noise: Noise, clean: Tensor, rng: Generator, generator: torch.Generator) -> Tensor:
    """Simulate the recording of ``clean``, shape (..., y, x) (range about 0 to 1), by a camera drawn from ``noise``."""
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
        rows = torch.randn(*light.shape[:-1], 1, generator=generator)
        residual = residual + float(deviation * rng.uniform(0.1, 0.5)) * rows
    if rng.random() < noise.hot_pixels:
        hot = torch.rand(light.shape, generator=generator) < log_uniform(rng, 1e-5, 1e-3)
        residual = residual + hot * float(rng.uniform(0.3, 2))
    noisy = clean + residual
    return _store(noisy, rng) if rng.random() < noise.quantised else noisy


def _store(image: Tensor, rng: Generator) -> Tensor:
    """Round to 8 bits, saturating a few of the brightest pixels, as a contrast-stretched export does."""
    low, high = (
        float(v)
        for v in torch.quantile(image[..., ::2, ::2], torch.tensor([rng.uniform(0, 0.005), rng.uniform(0.995, 1)]))
    )
    step = max(high - low, 1e-4) / 255
    return ((image.clamp(low, high) - low) / step).round() * step + low
