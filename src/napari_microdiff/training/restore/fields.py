"""Squares to train on, cut from clean images and from recorded pairs and varied as microscopes differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..recording import Generator, blur, log_uniform
from .recipe import RestoreRecipe
from .sources import CleanPlane, PairPlane, Plane


def _turn(image: Tensor, which: int) -> Tensor:
    turned = torch.rot90(image, which % 4, (-2, -1))
    return turned.flip(-2) if which >= 4 else turned


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


def clean_field(recipe: RestoreRecipe, plane: CleanPlane, side: int, rng: Generator) -> Tensor:
    """Draw a clean square of ``side`` pixels: cut, turned, magnified, blurred, with changed contrast."""
    return clean_fields(recipe, plane, side, rng)[0]


def clean_fields(
    recipe: RestoreRecipe, plane: CleanPlane, side: int, rng: Generator, beside: Sequence[int] = ()
) -> Tensor:
    """Draw the same square out of a plane and of some that lie beside it, and vary all of them alike.

    Parameters
    ----------
    beside : sequence of int
        Distances from the plane, in pixels of the square.

    Returns
    -------
    Tensor, shape (1 + len(beside), side, side)
    """
    factor = log_uniform(rng, *plane.shrink)
    planes = (plane.image, *(plane.beside(round(factor * distance)) for distance in beside))
    cut = _cut(planes, round(side * factor), rng)
    images = _turn(torch.stack([_resize(image, side) for image in cut]), int(rng.integers(8)))
    if rng.random() < recipe.blurred:
        images = blur(images, log_uniform(rng, *recipe.blur_px))
    low, high = torch.quantile(images[0, ::3, ::3], torch.tensor([0.01, 0.998]))
    images = ((images - low) / (high - low).clamp_min(1e-4)).clamp_min(-0.5)
    if rng.random() < 0.3:
        images = torch.pow(images.clamp_min(0), float(rng.uniform(0.6, 1.8)))
    return images


def pair_field(plane: PairPlane, side: int, rng: Generator) -> tuple[Tensor, Tensor]:
    """Draw a recorded pair: cut, turned, sometimes both binned by two."""
    factor = 2 if rng.random() < 0.3 and min(plane.noisy.shape) >= 2 * side else 1
    which = int(rng.integers(8))
    noisy, clean = (_turn(cut, which) for cut in _cut((plane.noisy, plane.clean), side * factor, rng))
    if factor == 2:
        noisy, clean = (F.avg_pool2d(i[None, None], 2)[0, 0] for i in (noisy, clean))
    return noisy, clean
