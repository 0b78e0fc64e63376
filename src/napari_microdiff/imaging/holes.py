"""Holes in an image, filled as smoothly as can be from what is around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.restoration import inpaint_biharmonic

RIM = 8  # pixels around a hole that it is filled from
_LARGEST = 4000  # unknown pixels that are solved for at once


def fill_smoothly(image: NDArray[np.floating], unknown: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Fill unknown pixels so that the image bends as little as it can (the biharmonic equation).

    Large holes are filled in a coarser image first, of which the finer one takes what lies more than two coarse pixels
    from the rim.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        What unknown pixels hold does not matter.
    unknown : ndarray of bool, shape (y, x)

    Returns
    -------
    ndarray of float32, shape (y, x)

    References
    ----------
    Damelin, Hoang (2018), International Journal of Mathematics and Mathematical Sciences 2018, 3950312.
    """
    pixels = np.array(image, dtype=np.float32)
    if not unknown.any():
        return pixels
    if unknown.all():
        return np.zeros_like(pixels)
    pixels[unknown] = pixels[~unknown].mean()
    if np.count_nonzero(unknown) > _LARGEST and min(pixels.shape) >= 4:
        pixels, unknown = _filled_coarsely(pixels, unknown)
        if not unknown.any():
            return pixels
    # In the range from 0 to 1, outside of which scikit-image clips nothing.
    low, span = float(pixels.min()), max(float(np.ptp(pixels)), 1e-12)
    filled = inpaint_biharmonic((pixels - low) / span, unknown, split_into_regions=True)
    return np.asarray(filled * span + low, dtype=np.float32)


def _filled_coarsely(
    pixels: NDArray[np.float32], unknown: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Fill what is deep in holes from an image of half the size; return it and what is still unknown."""
    height, width = (-(-n // 2) * 2 for n in pixels.shape)
    padding = [(0, height - pixels.shape[0]), (0, width - pixels.shape[1])]
    wide, gone = np.pad(pixels, padding, mode="edge"), np.pad(unknown, padding, mode="edge")
    known = (~gone).reshape(height // 2, 2, width // 2, 2).sum(axis=(1, 3))
    total = np.where(gone, 0, wide).reshape(height // 2, 2, width // 2, 2).sum(axis=(1, 3))
    coarse = fill_smoothly(total / np.maximum(known, 1), known == 0)
    magnified = ndimage.zoom(coarse, 2, order=1, mode="nearest", grid_mode=True)[: pixels.shape[0], : pixels.shape[1]]
    deep = ndimage.distance_transform_edt(unknown) > 4
    return np.where(deep, magnified, pixels).astype(np.float32), unknown & ~deep
