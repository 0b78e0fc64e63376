"""Batches for training to outline objects. Batch number n of a seed is always the same, so a run can be resumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as connected
from torch import Tensor
from torch.utils.data import Dataset

from ...imaging.instances import maps_of
from ..recipes import SegmentRecipe
from .augment import other_microscope, unequal_objects
from .sources import LabelledPlane
from .strokes import draw_strokes

FIELD, CROP = 192, 128
_STRETCH = 0.1  # standard deviation of the logarithm


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
            image = unequal_objects(image, labels, rng)
            shown = other_microscope(image, rng, generator, altered=rng.random() < self.recipe.altered)
            maps = torch.from_numpy(maps_of(labels))
            for _ in range(2):
                here = tuple(slice(a, a + CROP) for a in (int(rng.integers(n - CROP + 1)) for n in labels.shape))
                drawn = rng.random() < self.recipe.strokes
                strokes = draw_strokes(labels[here], rng) if drawn else np.zeros((3, CROP, CROP), np.float32)
                crops.append((shown[here][None], torch.from_numpy(strokes), maps[:, here[0], here[1]]))
        return SegmentBatch(*(torch.stack(part) for part in zip(*crops, strict=True)))


def draw_field(
    plane: LabelledPlane, recipe: SegmentRecipe, rng: np.random.Generator
) -> tuple[Tensor, NDArray[np.int64]]:
    """Cut a square at any angle, and magnify it so that its objects are about as large as the recipe wants them.

    It may be flipped and stretched a little. Where its corners leave the image, the image is reflected, as it is when
    a model is at work.
    """
    zoom = recipe.diameter_px / plane.diameter * float(np.exp(recipe.zoom * rng.standard_normal()))
    zoom = max(zoom, CROP / min(plane.image.shape))
    size = min(FIELD / zoom, *plane.image.shape)
    side = max(CROP, min(FIELD, round(size * zoom)))
    centre = np.array([rng.uniform(size / 2, n - size / 2) for n in plane.image.shape]) - 0.5
    to_image = _turned(rng) / zoom
    reach = np.abs(to_image).sum(axis=1) * side / 2 + 2
    here = tuple(
        slice(max(0, int(c - r)), min(n, int(c + r) + 2))
        for c, r, n in zip(centre, reach, plane.image.shape, strict=True)
    )
    offsets = np.stack(np.meshgrid(*[np.arange(side) - (side - 1) / 2] * 2, indexing="ij"))
    places = np.tensordot(to_image, offsets, axes=1) + (centre - [s.start for s in here])[:, None, None]
    image, labels = plane.image[here], plane.labels[here]
    if zoom < 1:  # what is finer than the new pixels would show as another pattern
        image = ndimage.gaussian_filter(image, 0.5 * np.sqrt(zoom**-2 - 1), mode="reflect")
    pixels = ndimage.map_coordinates(image, places, order=1, mode="reflect")
    cut = ndimage.map_coordinates(labels, places, order=0, mode="reflect")
    # An object and its reflection are two unless they touch.
    return torch.from_numpy(pixels.astype(np.float32)), connected(cut, connectivity=2).astype(np.int64)


def _turned(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a rotation, flipped or not, after a stretch that keeps areas; shape (2, 2)."""
    angle, stretch = rng.uniform(0, 2 * np.pi), float(np.exp(_STRETCH * rng.standard_normal()))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned: NDArray[np.float64] = rotation @ np.diag([stretch, (1 if rng.random() < 0.5 else -1) / stretch])
    return turned
