"""Validation of a model that draws images: how much its masks tell it of held-out images."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...diffusion.denoiser import Condition, Preconditioned
from ..segment.sources import LabelledPlane
from ..squares import CROP
from .data import draw_field
from .recipe import SynthesizeRecipe

LEVELS = (0.1, 0.3, 1.0, 3.0)  # of noise, in standard deviations of the images
_MOST = 24  # images of a kind


class SynthesizeValidation:
    """A fixed set of crops of held-out planes, as `data.normalised` makes them, with their maps and styles."""

    def __init__(self, planes: Sequence[LabelledPlane], recipe: SynthesizeRecipe) -> None:
        by_kind: dict[str, list[LabelledPlane]] = defaultdict(list)
        for plane in planes:
            by_kind[plane.kind].append(plane)
        self._sets = {kind: _crops(found, recipe) for kind, found in by_kind.items()}

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return, for each kind of image, by how many dB a denoised crop is nearer to the truth than a linear guess.

        The guess is the best that knows nothing but the noise level and the power of the images: its squared error is
        ``s^2 sigma^2 / (s^2 + sigma^2)``. The mean over `LEVELS`, of the logarithms, so that each counts alike.
        """
        return {kind: _gain_db(denoiser, *crops) for kind, crops in self._sets.items()}


def _crops(planes: list[LabelledPlane], recipe: SynthesizeRecipe) -> tuple[Tensor, Tensor, Tensor]:
    chosen = np.linspace(0, len(planes) - 1, min(_MOST, len(planes))).round().astype(int)
    parts = []
    for number in np.unique(chosen):
        image, maps, style = draw_field(planes[number], recipe, np.random.default_rng(int(number)))
        parts.append((image[:, :CROP, :CROP], maps[:, :CROP, :CROP], style))
    images, masks, styles = (torch.from_numpy(np.stack(part)) for part in zip(*parts, strict=True))
    return images, masks, styles


def _gain_db(denoiser: Preconditioned, image: Tensor, maps: Tensor, style: Tensor) -> float:
    device = next(denoiser.parameters()).device
    s = denoiser.sigma_data
    gains = []
    for number, level in enumerate(LEVELS):
        sigma = level * s
        generator = torch.Generator().manual_seed(number)
        noisy = image + sigma * torch.randn(image.shape, generator=generator)
        error = 0.0
        for i in range(len(image)):
            with torch.inference_mode():
                here = slice(i, i + 1)
                condition = Condition(maps=maps[here], vector=style[here]).to(device)
                mean = denoiser(noisy[here].to(device), sigma, condition).mean.float().cpu()
            error += float((mean - image[here]).pow(2).mean()) / len(image)
        gains.append(10 * math.log10(s**2 * sigma**2 / (s**2 + sigma**2) / error))
    return float(np.mean(gains))
