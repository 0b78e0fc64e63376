"""A simulated volume of tissue as an electron microscope shows it, for samples and tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

_CELL = 24.0  # voxels across
_MEMBRANE = 1.3  # voxels, half of its thickness
_LONG = 2.0  # how much longer than wide processes are
_NOISE = 0.07


def tissue_volume(shape: tuple[int, int, int] = (81, 160, 160), seed: int = 0) -> NDArray[np.uint8]:
    """Return cells and processes between dark membranes, with mitochondria in some of them.

    Parameters
    ----------
    shape : (int, int, int)
        Of the volume, in cubic voxels.
    seed : int
        The same seed gives the same volume.
    """
    rng = np.random.default_rng(seed)
    places = _bent(rng, shape)
    sides = np.array(shape) + 4 * _CELL
    count = max(8, round(float(np.prod(sides)) / _CELL**3 / _LONG))
    seeds = rng.uniform(0, 1, (count, 3)) * sides - 2 * _CELL
    # Processes run along a slanted axis, so that they move from slice to slice.
    stretch = np.array([[1 / _LONG, 0, 0], [0.25, 1, 0], [0.1, 0, 1]])
    near, which = cKDTree(seeds @ stretch.T).query(places @ stretch.T, k=2, workers=-1)
    membrane = np.exp(-0.5 * ((near[:, 1] - near[:, 0]) / (2 * _MEMBRANE)) ** 2)
    grey = rng.uniform(0.62, 0.86, count)[which[:, 0]] - 0.5 * membrane
    image = _with_mitochondria(rng, grey.reshape(shape), which[:, 0].reshape(shape), seeds)
    image = ndimage.gaussian_filter(image + 0.05 * rng.standard_normal(shape), 0.7)
    noisy = np.clip(255 * (image + _NOISE * rng.standard_normal(shape)), 0, 255)
    return np.asarray(noisy.round(), dtype=np.uint8)


def _bent(rng: np.random.Generator, shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return the voxels' places, smoothly displaced, shape (voxels, 3)."""
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).astype(np.float64)
    for axis in range(3):
        field = ndimage.gaussian_filter(rng.standard_normal(shape), 9.0, mode="wrap")
        grid[..., axis] += 5 * field / max(float(field.std()), 1e-9)
    return grid.reshape(-1, 3)


def _with_mitochondria(
    rng: np.random.Generator, image: NDArray[np.float64], cells: NDArray[np.intp], seeds: NDArray[np.float64]
) -> NDArray[np.float64]:
    for cell in rng.choice(len(seeds), len(seeds) // 3, replace=False):
        centre, radii = seeds[cell], rng.uniform(3, 6, 3) * (1.6, 1, 1)
        low = np.maximum(np.floor(centre - radii), 0).astype(int)
        high = np.minimum(np.ceil(centre + radii) + 1, image.shape).astype(int)
        if (high <= low).any():
            continue
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        at = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), axis=-1)
        distance = np.sqrt((((at - centre) / radii) ** 2).sum(axis=-1))
        inside = (distance < 1) & (cells[box] == cell)
        cristae = 0.06 * np.cos(2 * np.pi * at[..., 1] / 4)
        image[box][inside] = np.where(distance > 0.75, 0.25, 0.42 + cristae)[inside]
    return image
