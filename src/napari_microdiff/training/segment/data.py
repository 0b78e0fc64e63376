"""Batches for training to outline objects. Batch number n of a seed is always the same, so a run can be resumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from ...imaging.instances import maps_of
from ..recipes import SegmentRecipe
from .augment import other_microscope
from .sources import LabelledPlane
from .strokes import draw_strokes

FIELD, CROP = 192, 128
_AT_AN_OBJECT = 0.5  # of the fields


class SegmentBatch(NamedTuple):
    """Crops.

    Attributes
    ----------
    image : Tensor, shape (batch, 1, CROP, CROP)
        In normalised units.
    strokes : Tensor, shape (batch, 3, CROP, CROP)
        What a user drew; see `strokes.draw_strokes`.
    maps : Tensor, shape (batch, 2, CROP, CROP)
        What is to be found; see `imaging.instances.maps_of`.
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
            shown, maps = other_microscope(image, rng, generator), torch.from_numpy(maps_of(labels))
            for _ in range(2):
                here = tuple(slice(a, a + CROP) for a in (int(rng.integers(n - CROP + 1)) for n in labels.shape))
                drawn = rng.random() < self.recipe.strokes
                strokes = draw_strokes(labels[here], rng) if drawn else np.zeros((3, CROP, CROP), np.float32)
                crops.append((shown[here][None], torch.from_numpy(strokes), maps[:, here[0], here[1]]))
        return SegmentBatch(*(torch.stack(part) for part in zip(*crops, strict=True)))


def draw_field(
    plane: LabelledPlane, recipe: SegmentRecipe, rng: np.random.Generator
) -> tuple[Tensor, NDArray[np.int64]]:
    """Cut a rectangle, turn it, and magnify it so that its objects are about as large as the recipe wants them."""
    zoom = recipe.diameter_px / plane.diameter * float(np.exp(recipe.zoom * rng.standard_normal()))
    stretch = float(np.exp(recipe.stretch / 2 * rng.standard_normal()))
    spans, sides = [], []
    for length, wanted, near in zip(
        plane.image.shape, (zoom * stretch, zoom / stretch), _somewhere(plane, rng), strict=True
    ):
        magnified = max(wanted, CROP / length)
        size = min(round(FIELD / magnified), length)
        first = int(np.clip(near - rng.uniform(0.25, 0.75) * size, 0, length - size))
        spans.append(slice(first, first + size))
        sides.append(max(CROP, min(FIELD, round(size * magnified))))
    pixels, labels = _magnified(plane.image[tuple(spans)], plane.labels[tuple(spans)], sides)
    turn, flip = int(rng.integers(4)), bool(rng.integers(2))
    pixels, labels = torch.rot90(pixels, turn, (0, 1)), np.rot90(labels, turn)
    if flip:
        pixels, labels = pixels.flip(0), labels[::-1]
    return pixels, np.ascontiguousarray(labels)


def _somewhere(plane: LabelledPlane, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a place on a plane: every other time an object, so that the few small ones are seen as often as others."""
    if rng.random() < _AT_AN_OBJECT:
        return np.asarray(plane.centres[rng.integers(len(plane.centres))])
    return np.asarray(rng.uniform(size=2) * plane.image.shape)


def _magnified(
    image: NDArray[np.float32], labels: NDArray[np.int64], sides: Sequence[int]
) -> tuple[Tensor, NDArray[np.int64]]:
    pixels = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    shrinks = any(new < old for new, old in zip(sides, labels.shape, strict=True))
    pixels = F.interpolate(pixels, tuple(sides), mode="bilinear", antialias=shrinks, align_corners=False)[0, 0]
    nearest = [((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(sides, labels.shape, strict=True)]
    return pixels, labels[np.ix_(*nearest)]
