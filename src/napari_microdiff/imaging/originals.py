"""Whether an image that a model drew is a copy of one that it was trained on.

Every object is compared, with what lies around it, with all objects of the training images. What is compared is the
texture: the low spatial frequencies of a patch, each divided by how strong it usually is. Without that all round nuclei
would be alike; with it two patches are alike only where one is a copy of the other, be it turned, flipped, brighter or
noisier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from ..errors import ImageError
from .instances import check_labels

SIDE = 49  # pixels of a patch, about twice an object; odd, so that a patch turned is the patch of the turned image
_WAVES = 12  # half periods across a patch along each axis, up to which patches are compared
_ROWS, _AT_ONCE = 4096, 64  # training patches, and objects, that are compared at a time
_LEAST = 1e-6

_Patches = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Originals:
    """What is kept of training images to know them again: about as much as of each object a blurred thumbnail shows.

    Attributes
    ----------
    strength : ndarray of float32, shape (waves, waves)
        How strong each spatial frequency is in them: the root mean square of the discrete cosine transform.
    prints : ndarray of int8, shape (patches, waves * waves)
        The direction of each patch in what is compared, see `nearest`.
    """

    strength: NDArray[np.float32]
    prints: NDArray[np.int8]

    @classmethod
    def of(
        cls, images: Iterable[tuple[NDArray[np.floating], NDArray[np.integer]]], *, most: int = 20_000, seed: int = 0
    ) -> Originals:
        """Learn training images.

        Parameters
        ----------
        images : iterable of (image, labels)
            Each as `nearest` takes it.
        most : int
            Patches that are kept; of more, some are chosen at random.
        seed : int
            Of that choice.

        Raises
        ------
        ImageError
            If there are no objects in them.
        """
        waves = np.concatenate([_waves_of(image, labels) for image, labels in images] or [np.zeros((0, 0, 0))])
        if not len(waves):
            raise ImageError("There are no objects in these labels. Choose labels that hold some.")
        if len(waves) > most:
            waves = waves[np.sort(np.random.default_rng(seed).choice(len(waves), most, replace=False))]
        power = np.mean(np.square(waves), axis=0)
        strength = np.sqrt((power + power.T) / 2)  # a training patch that is turned is one, too
        strength = np.maximum(strength, _LEAST * max(float(strength.max()), _LEAST)).astype(np.float32)
        directions = _directions(waves, strength)
        longest = np.abs(directions).max(axis=1, keepdims=True)
        return cls(strength, np.rint(127 * directions / np.maximum(longest, _LEAST)).astype(np.int8))

    def nearest(self, image: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return how like each object is the training patch that it is most like.

        Parameters
        ----------
        image : ndarray, shape (y, x) or (y, x, 3)
            In any units; of colours the mean counts.
        labels : ndarray of integers, shape (y, x)
            Its objects.

        Returns
        -------
        ndarray of float32, shape (objects,)
            The cosine of the angle between both, in the order of the labels: 1 for a copy, near 0 for what has nothing
            to do with it. The best of all ways to turn a patch by right angles and to flip it.

        Raises
        ------
        ImageError
            If image and labels do not fit each other, or there are negative labels.
        """
        return np.concatenate([np.zeros(0, np.float32), *self.compare(image, labels)])

    def compare(self, image: NDArray[np.floating], labels: NDArray[np.integer]) -> Iterator[NDArray[np.float32]]:
        """Yield what `nearest` returns, some objects at a time."""
        waves = _waves_of(image, labels)
        for start in range(0, len(waves), _AT_ONCE):
            ways = _ways(waves[start : start + _AT_ONCE])
            turned = np.stack([_directions(way, self.strength) for way in ways]).astype(np.float32)
            best = np.full(turned.shape[1], -1, np.float32)
            for first in range(0, len(self.prints), _ROWS):
                kept = self.prints[first : first + _ROWS].astype(np.float32)
                kept /= np.maximum(np.linalg.norm(kept, axis=1, keepdims=True), _LEAST)
                best = np.maximum(best, (turned @ kept.T).max(axis=(0, 2)))
            yield best


def _waves_of(image: NDArray[np.floating], labels: NDArray[np.integer]) -> _Patches:
    """Return the low frequencies of the patch around each object; shape (objects, waves, waves)."""
    grey = image.mean(axis=-1) if image.ndim == 3 else image
    if grey.shape != labels.shape or labels.ndim != 2:
        raise ImageError(f"The image is of the shape {image.shape}, but its labels are of {labels.shape}.")
    plane = check_labels(labels)
    numbers = np.unique(plane[plane > 0])
    if not numbers.size:
        return np.zeros((0, _WAVES, _WAVES))
    half = SIDE // 2
    padded = np.pad(grey.astype(np.float64), half, mode="symmetric")
    middles = np.rint(ndimage.center_of_mass(plane > 0, plane, numbers)).astype(int)
    patches = np.stack([padded[y : y + SIDE, x : x + SIDE] for y, x in middles])
    return np.asarray(fft.dctn(patches, norm="ortho", axes=(1, 2))[:, :_WAVES, :_WAVES])


def _directions(waves: _Patches, strength: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return patches as unit vectors of equally strong frequencies; how bright they are is left out."""
    even = waves / strength
    even[:, 0, 0] = 0
    flat = even.reshape(len(even), -1)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), _LEAST))


def _ways(waves: _Patches) -> list[_Patches]:
    """Return patches turned and flipped in all eight ways; a flip changes the sign of the odd waves along its axis."""
    signs = np.where(np.arange(_WAVES) % 2, -1.0, 1.0)
    flipped = [waves * y[:, None] * x for y in (np.ones(_WAVES), signs) for x in (np.ones(_WAVES), signs)]
    return [way for one in flipped for way in (one, np.swapaxes(one, 1, 2))]
