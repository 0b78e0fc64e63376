"""Other microscopes: the same objects in other light, out of focus, noisier, on an uneven ground."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ...imaging.intensity import Normalization
from ..recording import blur, log_uniform, simulate_recording
from ..restore.recipe import Noise

Generator = np.random.Generator
_NOISE = Noise(psnr_db=(8.0, 34.0))


def unequal_objects(image: Tensor, labels: NDArray[np.integer], rng: Generator) -> Tensor:
    """Return a plane in which, half of the time, some objects are brighter than they were and others are dimmer.

    Parameters
    ----------
    image : Tensor, shape (y, x)
        Bright objects on a dark ground, in any units.
    labels : ndarray, shape (y, x)
        Their labels, numbered from 1.
    """
    if rng.random() < 0.5 or not labels.any() or labels.all():
        return image
    gains = np.exp(rng.uniform(0.1, 0.5) * rng.standard_normal(int(labels.max()) + 1)).astype(np.float32)
    gains[0] = 1.0
    ground = float(image[torch.from_numpy(labels == 0)].median())
    return ground + (image - ground) * blur(torch.from_numpy(gains[labels]), 1.0)


def other_microscope(image: Tensor, rng: Generator, generator: torch.Generator, *, altered: bool = True) -> Tensor:
    """Return a plane as it might look elsewhere, in normalised units (about -1 to 1).

    Parameters
    ----------
    image : Tensor, shape (y, x)
        Bright objects on a dark ground, in any units.
    altered : bool
        If not, it is only normalised.
    """
    if not altered:
        return _normalised(image, rng)
    low, high = (float(v) for v in torch.quantile(image.flatten()[::3], torch.tensor([0.005, 0.998])))
    image = (image - low) / max(high - low, 1e-6)
    if rng.random() < 0.5:
        image = image.clamp_min(0) ** float(np.exp(0.4 * rng.standard_normal()))
    if rng.random() < 0.4:
        image = blur(image, log_uniform(rng, 0.5, 2.5))
    if rng.random() < 0.3:
        image = image + _uneven(image.shape, rng, generator) * float(rng.uniform(0, 0.6))
    if rng.random() < 0.5:
        image = simulate_recording(_NOISE, image, rng, generator)
    return _normalised(image, rng)


def _uneven(shape: torch.Size, rng: Generator, generator: torch.Generator) -> Tensor:
    """Return a smooth field between 0 and 1."""
    coarse = torch.rand(1, 1, *(int(n) for n in rng.integers(2, 6, size=2)), generator=generator)
    return F.interpolate(coarse, (shape[0], shape[1]), mode="bicubic", align_corners=True)[0, 0].clamp(0, 1)


def _normalised(image: Tensor, rng: Generator) -> Tensor:
    """Normalise as the whole image is, of which this may be a dim or a bright part."""
    measured = Normalization.fit(image[None].numpy())
    wider = rng.uniform(1, 4) if rng.random() < 0.2 else np.exp(0.2 * rng.standard_normal())
    offset = measured.offset + ((wider - 1) + 0.1 * rng.standard_normal()) * measured.scale
    return (image - offset) / (measured.scale * wider)
