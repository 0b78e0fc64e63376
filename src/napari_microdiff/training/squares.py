"""Squares of labelled planes: cut at any angle, and magnified so that objects are as large as a recipe wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as connected

FIELD, CROP = 192, 128
_STRETCH = 0.1  # standard deviation of the logarithm


@dataclass(frozen=True)
class Square:
    """Where the pixels of a square come from.

    Attributes
    ----------
    here : tuple of slice
        The part of the plane that it needs.
    places : ndarray, shape (2, side, side)
        Where each of its pixels lies in that part. Where corners leave the plane, it is reflected.
    zoom : float
        Magnification.
    """

    here: tuple[slice, ...]
    places: NDArray[np.float64]
    zoom: float

    def of_image(self, image: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the square of an image of the plane's shape."""
        part = image[self.here]
        if self.zoom < 1:  # what is finer than the new pixels would show as another pattern
            part = ndimage.gaussian_filter(part, 0.5 * np.sqrt(self.zoom**-2 - 1), mode="reflect")
        pixels = ndimage.map_coordinates(part, self.places, order=1, mode="reflect")
        return np.asarray(pixels, dtype=np.float32)

    def of_labels(self, labels: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the square of the labels, numbered anew; an object and its reflection are two unless they touch."""
        return np.asarray(connected(self._cut(labels), connectivity=2), dtype=np.int64)

    def of_kinds(self, labels: NDArray[np.integer], kinds: Mapping[int, int]) -> dict[int, int]:
        """Return the class of each label that `of_labels` gives, from those of the plane's labels."""
        cut = self._cut(labels)
        numbers, first = np.unique(connected(cut, connectivity=2), return_index=True)
        before = cut.ravel()[first]
        return {new: kinds[old] for new, old in zip(numbers.tolist(), before.tolist(), strict=True) if new}

    def _cut(self, labels: NDArray[np.integer]) -> NDArray[np.integer]:
        cut: NDArray[np.integer] = ndimage.map_coordinates(labels[self.here], self.places, order=0, mode="reflect")
        return cut


def draw_square(shape: Sequence[int], zoom: float, spread: float, rng: np.random.Generator) -> Square:
    """Draw a square of `CROP` to `FIELD` pixels at any place and angle. It may be flipped and stretched a little.

    Parameters
    ----------
    shape : sequence of int
        Of the plane.
    zoom, spread : float
        Magnification that is wanted, and the standard deviation of the logarithm of what it is missed by. Small planes
        are magnified until they hold a crop.
    """
    zoom = zoom * float(np.exp(spread * rng.standard_normal()))
    zoom = max(zoom, CROP / min(shape))
    size = min(FIELD / zoom, *shape)
    side = max(CROP, min(FIELD, round(size * zoom)))
    centre = np.array([rng.uniform(size / 2, n - size / 2) for n in shape]) - 0.5
    to_image = _turned(rng) / zoom
    reach = np.abs(to_image).sum(axis=1) * side / 2 + 2
    here = tuple(
        slice(max(0, int(c - r)), min(n, int(c + r) + 2)) for c, r, n in zip(centre, reach, shape, strict=True)
    )
    offsets = np.stack(np.meshgrid(*[np.arange(side) - (side - 1) / 2] * 2, indexing="ij"))
    places = np.tensordot(to_image, offsets, axes=1) + (centre - [s.start for s in here])[:, None, None]
    return Square(here, places, zoom)


def crop_at_random(shape: Sequence[int], rng: np.random.Generator) -> tuple[slice, ...]:
    """Return the place of a crop in a square."""
    return tuple(slice(a, a + CROP) for a in (int(rng.integers(n - CROP + 1)) for n in shape))


def _turned(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a rotation, flipped or not, after a stretch that keeps areas; shape (2, 2)."""
    angle, stretch = rng.uniform(0, 2 * np.pi), float(np.exp(_STRETCH * rng.standard_normal()))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned: NDArray[np.float64] = rotation @ np.diag([stretch, (1 if rng.random() < 0.5 else -1) / stretch])
    return turned
