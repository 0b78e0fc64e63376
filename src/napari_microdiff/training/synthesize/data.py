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
from ...imaging.mask_maps import mask_maps, measure_thickness
from ...imaging.resize import Resized
from ...imaging.style import style_vector
from ..recipes import SynthesizeRecipe
from ..segment.sources import LabelledPlane
from ..squares import crop_at_random, draw_square

_ELSEWHERE = 0.5  # of the styles are measured on another square of the image: what they say is not of these objects


class SynthesizeBatch(NamedTuple):
    """Crops.

    Attributes
    ----------
    image : Tensor, shape (batch, 1, CROP, CROP)
        What is to be drawn, in normalised units.
    maps : Tensor, shape (batch, 1 + EXTRA_MAPS, CROP, CROP)
        Of its mask, see `imaging.mask_maps`; zero where nothing is told.
    style : Tensor, shape (batch, style_length(1))
        See `imaging.style`; zero where it is not told.
    """

    image: Tensor
    maps: Tensor
    style: Tensor


class SynthesizeBatches(Dataset[SynthesizeBatch]):
    """The endless list of batches of a recipe: from each square that is drawn, two crops are cut.

    Its planes are as `normalised` makes them.
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
            for _ in range(2):
                here = (slice(None), *crop_at_random(image.shape[1:], rng))
                crops.append((image[here], *_told(maps[here], style, self.recipe.untold, rng)))
        return SynthesizeBatch(*(torch.from_numpy(np.stack(part)) for part in zip(*crops, strict=True)))


def normalised(planes: Sequence[LabelledPlane]) -> list[LabelledPlane]:
    """Return planes whose images are in normalised units."""
    return [replace(p, image=Normalization.fit(p.image[None]).apply(p.image)) for p in planes]


def magnified(plane: LabelledPlane, recipe: SynthesizeRecipe) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return a whole plane, with objects about as large as the recipe wants them, and its labels."""
    height, width = (max(1, round(n * recipe.diameter_px / plane.diameter)) for n in plane.image.shape)
    everything = slice(0, height), slice(0, width)
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip((height, width), plane.image.shape, strict=True)
    )
    return Resized(plane.image, (height, width))[everything], plane.labels[np.ix_(rows, columns)]


def draw_field(
    plane: LabelledPlane, recipe: SynthesizeRecipe, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Cut a square in which objects are about as large as the recipe wants them.

    Parameters
    ----------
    plane : LabelledPlane
        As `normalised` makes it.

    Returns
    -------
    image, maps : ndarray, each of shape (channels, side, side)
    style : ndarray, shape (style_length(1),)
        Of this square, or of another one of the plane that is as much magnified.
    """
    square = draw_square(plane.image.shape, recipe.diameter_px / plane.diameter, recipe.zoom, rng)
    image = square.of_image(plane.image)[None]
    labels = square.of_labels(plane.labels)
    maps = mask_maps(labels, measure_thickness(labels))
    reference = image
    if rng.random() < _ELSEWHERE:
        other = draw_square(plane.image.shape, square.zoom, 0.0, rng)
        reference = other.of_image(plane.image)[None]
    return image, maps, style_vector(reference[None])


def _told(
    maps: NDArray[np.float32], style: NDArray[np.float32], untold: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Leave out both, or the style, as often as the recipe says."""
    drawn = rng.random()
    if drawn < untold:
        return np.zeros_like(maps), np.zeros_like(style)
    return maps, np.zeros_like(style) if drawn < 2 * untold else style
