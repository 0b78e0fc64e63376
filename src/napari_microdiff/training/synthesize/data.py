"""Batches for training to draw images. Batch number n of a seed is always the same, so a run can be resumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ...imaging.intensity import Normalization
from ...imaging.mask_maps import whole_mask_maps
from ...imaging.resize import resized
from ...imaging.style import style_vector
from ..segment.sources import LabelledPlane
from ..squares import Square, crop_at_random, draw_square
from .recipe import SynthesizeRecipe

_ELSEWHERE = 0.5  # of the styles are measured on another square of the image: what they say is not of these objects


class SynthesizeBatch(NamedTuple):
    """Crops.

    Attributes
    ----------
    image : Tensor, shape (batch, channels, CROP, CROP)
        What is to be drawn, in normalised units; three channels are colours.
    maps : Tensor, shape (batch, classes + EXTRA_MAPS, CROP, CROP)
        Of its mask, see `imaging.mask_maps`; zero where nothing is told.
    style : Tensor, shape (batch, style_length(channels))
        See `imaging.style`; zero where it is not told.
    """

    image: Tensor
    maps: Tensor
    style: Tensor


class SynthesizeBatches(Dataset[SynthesizeBatch]):
    """The endless list of batches of a recipe: from each square that is drawn, a few crops are cut.

    Its planes are as `normalise_planes` makes them.
    """

    def __init__(
        self,
        recipe: SynthesizeRecipe,
        planes: Sequence[LabelledPlane],
        *,
        seed: int,
        first: int = 0,
        length: int = 10**9,
    ) -> None:
        self.recipe, self.planes = recipe, planes
        self.seed, self.first, self.length = seed, first, length
        weights = np.array([plane.weight for plane in planes])
        self._weights = weights / weights.sum()

    def __len__(self) -> int:
        """Return how many batches are left."""
        return self.length - self.first

    def __getitem__(self, index: int) -> SynthesizeBatch:
        """Make the batch of this number after ``first``."""
        rng = np.random.default_rng([self.seed, self.first + index])
        crops: list[tuple[NDArray[np.float32], ...]] = []
        for _ in range(self.recipe.batch_fields):
            plane = self.planes[rng.choice(len(self.planes), p=self._weights)]
            image, maps, style = draw_field(plane, self.recipe, rng)
            for _ in range(self.recipe.crops):
                here = (slice(None), *crop_at_random(image.shape[1:], rng))
                crops.append((image[here], *_told(maps[here], style, self.recipe.untold, rng)))
        return SynthesizeBatch(*(torch.from_numpy(np.stack(part)) for part in zip(*crops, strict=True)))


def normalise_planes(planes: Sequence[LabelledPlane]) -> list[LabelledPlane]:
    """Return planes whose images are in normalised units."""
    return [replace(p, image=Normalization.fit(_channels(p.image)).apply(p.image)) for p in planes]


def magnify_plane(plane: LabelledPlane, recipe: SynthesizeRecipe) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return a whole plane, with objects about as large as the recipe wants them, and its labels.

    The image is of shape (y, x) or (y, x, 3).
    """
    height, width = (max(1, round(n * recipe.diameter_px / plane.diameter)) for n in plane.labels.shape)
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip((height, width), plane.labels.shape, strict=True)
    )
    image = np.stack([resized(channel, (height, width)) for channel in _channels(plane.image)], axis=-1)
    return image[..., 0] if plane.image.ndim == 2 else image, plane.labels[np.ix_(rows, columns)]


def draw_field(
    plane: LabelledPlane, recipe: SynthesizeRecipe, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Cut a square in which objects are about as large as the recipe wants them.

    Parameters
    ----------
    plane : LabelledPlane
        As `normalise_planes` makes it.

    Returns
    -------
    image, maps : ndarray, each of shape (channels, side, side)
    style : ndarray, shape (style_length(channels),)
        Of this square, or of another one of the plane that is as much magnified.
    """
    square = draw_square(plane.labels.shape, recipe.diameter_px / plane.diameter, recipe.zoom, rng)
    image = _cut(plane, square)
    kinds = square.of_kinds(plane.labels, plane.classes) if plane.classes else None
    maps = whole_mask_maps(square.of_labels(plane.labels), kinds=kinds, classes=max(1, len(recipe.classes)))
    reference = image
    if rng.random() < _ELSEWHERE:
        reference = _cut(plane, draw_square(plane.labels.shape, square.zoom, 0.0, rng))
    return image, maps, style_vector(reference[None])


def _cut(plane: LabelledPlane, square: Square) -> NDArray[np.float32]:
    """Return a square of the image, of shape (channels, side, side)."""
    return np.stack([square.of_image(channel) for channel in _channels(plane.image)])


def _channels(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring an image of shape (y, x) or (y, x, 3) to (channels, y, x)."""
    return image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)


def _told(
    maps: NDArray[np.float32], style: NDArray[np.float32], untold: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Leave out both, or the style, as often as the recipe says."""
    drawn = rng.random()
    if drawn < untold:
        return np.zeros_like(maps), np.zeros_like(style)
    return maps, np.zeros_like(style) if drawn < 2 * untold else style
