"""Batches for training to outline objects. Batch number n of a seed is always the same, so a run can be resumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ...imaging.instances import as_drawn, maps_of
from ..squares import CROP, crop_at_random, draw_square
from .augment import other_microscope, unequal_objects
from .recipe import SegmentRecipe
from .sources import LabelledPlane
from .strokes import draw_strokes


class SegmentBatch(NamedTuple):
    """Crops.

    Attributes
    ----------
    image : Tensor, shape (batch, 1, CROP, CROP)
        In normalised units.
    strokes : Tensor, shape (batch, 3, CROP, CROP)
        What a user drew; see `strokes.draw_strokes`.
    maps : Tensor, shape (batch, 2, CROP, CROP)
        What is to be found; see `imaging.instances.as_drawn`.
    """

    image: Tensor
    strokes: Tensor
    maps: Tensor


class SegmentBatches(Dataset[SegmentBatch]):
    """The endless list of batches of a recipe: from each square that is drawn, two crops are cut."""

    def __init__(
        self, recipe: SegmentRecipe, planes: Sequence[LabelledPlane], *, seed: int, first: int = 0, length: int = 10**9
    ) -> None:
        self.recipe, self.planes = recipe, planes
        self.seed, self.first, self.length = seed, first, length
        weights = np.array([plane.weight for plane in planes])
        self._weights = weights / weights.sum()

    def __len__(self) -> int:
        """Return how many batches are left."""
        return self.length - self.first

    def __getitem__(self, index: int) -> SegmentBatch:
        """Make the batch of this number after ``first``."""
        rng = np.random.default_rng([self.seed, self.first + index])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        crops: list[tuple[Tensor, Tensor, Tensor]] = []
        for _ in range(self.recipe.batch_fields):
            plane = self.planes[rng.choice(len(self.planes), p=self._weights)]
            image, labels = draw_field(plane, self.recipe, rng)
            image = unequal_objects(image, labels, rng)
            shown = other_microscope(image, rng, generator, altered=rng.random() < self.recipe.altered)
            maps = torch.from_numpy(as_drawn(maps_of(labels), self.recipe.depth))
            for _ in range(2):
                here = crop_at_random(labels.shape, rng)
                drawn = rng.random() < self.recipe.strokes
                strokes = draw_strokes(labels[here], rng) if drawn else np.zeros((3, CROP, CROP), np.float32)
                crops.append((shown[here][None], torch.from_numpy(strokes), maps[:, here[0], here[1]]))
        return SegmentBatch(*(torch.stack(part) for part in zip(*crops, strict=True)))


def draw_field(
    plane: LabelledPlane, recipe: SegmentRecipe, rng: np.random.Generator
) -> tuple[Tensor, NDArray[np.int64]]:
    """Cut a square in which objects are about as large as the recipe wants them; its image and its labels."""
    square = draw_square(plane.image.shape, recipe.diameter_px / plane.diameter, recipe.zoom, rng)
    return torch.from_numpy(square.of_image(plane.image)), square.of_labels(plane.labels)
