"""Procedural images without noise: filaments, spots, nuclei, membranes, networks, textures.

They are what networks learn "no grain" from: no recorded image is free of noise, these are. Each function takes a
numpy generator and a side in pixels and returns a float32 image of about 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.special import expit

Image = NDArray[np.float32]
Generator = np.random.Generator


def _stretch(image: NDArray[np.floating]) -> Image:
    low, high = np.percentile(image, (0.5, 99.8))
    return np.asarray((image - low) / max(high - low, 1e-6), dtype=np.float32).clip(0, 1.5)


def _field(rng: Generator, side: int, correlation: float, anisotropy: float = 1.0) -> Image:
    """Smooth random field of unit variance; ``correlation`` is its scale in pixels."""
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    angle = rng.uniform(0, np.pi)
    along, across = fy * np.cos(angle) + fx * np.sin(angle), fx * np.cos(angle) - fy * np.sin(angle)
    radius2 = (along * anisotropy) ** 2 + (across / anisotropy) ** 2
    transfer = np.exp(-0.5 * radius2 * (2 * np.pi * correlation) ** 2)
    transfer[0, 0] = 0
    noise = np.fft.rfft2(rng.standard_normal((side, side)))
    field = np.fft.irfft2(noise * transfer, (side, side))
    return np.asarray(field / max(field.std(), 1e-9), dtype=np.float32)


def _log_uniform(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _warp(rng: Generator, side: int, strength: float) -> NDArray[np.float64]:
    """Coordinates of a smoothly deformed grid, shape (2, side, side)."""
    grid = np.mgrid[:side, :side].astype(float)
    correlation = _log_uniform(rng, 8, 40)
    shift = np.stack([_field(rng, side, correlation), _field(rng, side, correlation)])
    return np.asarray(grid + strength * shift)


def power_law(rng: Generator, side: int) -> Image:
    """Draw a texture with a power-law spectrum, sometimes folded into ridges."""
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    radius = np.maximum(np.hypot(fy, fx), 1 / side)
    spectrum = np.fft.rfft2(rng.standard_normal((side, side))) * radius ** -rng.uniform(1.0, 2.2)
    image = np.fft.irfft2(spectrum, (side, side))
    image /= image.std()
    if rng.random() < 0.3:
        image = -np.abs(image)
    return _stretch(np.exp(image * rng.uniform(0.2, 1.0)))


def network(rng: Generator, side: int) -> Image:
    """Draw winding lines: the level set of a random field, like endoplasmic reticulum or crumpled filaments."""
    field = _field(rng, side, _log_uniform(rng, 2, 14), _log_uniform(rng, 1, 3))
    level = rng.uniform(-1, 1)
    gradient = np.hypot(*np.gradient(field)) + 1e-3
    distance = np.abs(field - level) / gradient
    return np.asarray(np.exp(-0.5 * (distance / _log_uniform(rng, 0.6, 3)) ** 2), dtype=np.float32)


def worms(rng: Generator, side: int) -> Image:
    """Draw filled elongated bodies, like mitochondria or bacteria."""
    field = _field(rng, side, _log_uniform(rng, 2, 12), _log_uniform(rng, 1, 4))
    sharpness = _log_uniform(rng, 2, 20)
    bodies = expit(sharpness * (field - rng.uniform(0.3, 1.6)))
    return np.asarray(bodies * (1 + 0.4 * rng.random() * _field(rng, side, 6)), dtype=np.float32).clip(0, 2)


def filaments(rng: Generator, side: int) -> Image:
    """Draw long smooth curves, scattered or bundled, like actin or microtubules."""
    count = int(_log_uniform(rng, 4, 120))
    length = int(side * rng.uniform(0.3, 1.6))
    main, spread = rng.uniform(0, 2 * np.pi), rng.choice([0.05, 0.3, 3.0])
    stiffness = _log_uniform(rng, 0.002, 0.06)
    turn = ndimage.gaussian_filter1d(rng.standard_normal((count, length)), 8, axis=1) * stiffness * 5
    angle = main + spread * rng.standard_normal((count, 1)) + np.cumsum(turn, axis=1)
    start = rng.uniform(-0.2 * side, 1.2 * side, (count, 1, 2))
    points = start + np.cumsum(0.7 * np.stack([np.sin(angle), np.cos(angle)], axis=-1), axis=1)
    brightness = rng.lognormal(0, 0.6, (count, 1)) * np.ones((1, length))
    image = _splat(points.reshape(-1, 2), brightness.ravel(), side)
    return _stretch(ndimage.gaussian_filter(image, _log_uniform(rng, 0.6, 3)))


def spots(rng: Generator, side: int) -> Image:
    """Draw points of light of one or two sizes, like vesicles, foci or single molecules."""
    image = np.zeros((side, side), dtype=np.float32)
    for _ in range(rng.integers(1, 3)):
        count = int(_log_uniform(rng, 5, 1500))
        points = rng.uniform(0, side, (count, 2))
        blurred = ndimage.gaussian_filter(
            _splat(points, rng.lognormal(0, rng.uniform(0.1, 1.0), count), side), _log_uniform(rng, 0.7, 6)
        )
        image += blurred / max(float(blurred.max()), 1e-6) * np.float32(rng.uniform(0.3, 1))
    return image


def _splat(points: NDArray[np.floating], weights: NDArray[np.floating], side: int) -> Image:
    """Add points to a grid with bilinear weights."""
    base = np.floor(points).astype(int)
    part = points - base
    image = np.zeros((side + 1, side + 1))
    inside = ((base >= 0) & (base < side)).all(axis=1)
    base, part, weights = base[inside], part[inside], weights[inside]
    for dy in (0, 1):
        for dx in (0, 1):
            share = np.abs(1 - dy - part[:, 0]) * np.abs(1 - dx - part[:, 1])
            np.add.at(image, (base[:, 0] + dy, base[:, 1] + dx), weights * share)
    return image[:side, :side].astype(np.float32)


def nuclei(rng: Generator, side: int) -> Image:
    """Draw warped ellipses with soft rims, inner texture, bright specks and dark nucleoli."""
    radius = _log_uniform(rng, 5, side / 3)
    count = int(np.clip(rng.uniform(0.1, 0.6) * side**2 / (np.pi * radius**2), 1, 200))
    y, x = _warp(rng, side, radius * rng.uniform(0, 0.25))
    image = np.zeros((side, side), dtype=np.float32)
    edge = rng.uniform(0.03, 0.3)
    for _ in range(count):
        cy, cx = rng.uniform(0, side, 2)
        a, b = radius * rng.uniform(0.7, 1.3, 2)
        angle = rng.uniform(0, np.pi)
        u = ((y - cy) * np.cos(angle) + (x - cx) * np.sin(angle)) / a
        v = ((x - cx) * np.cos(angle) - (y - cy) * np.sin(angle)) / b
        profile = expit((1 - np.hypot(u, v)) / edge)
        np.maximum(image, profile * rng.lognormal(-0.3, 0.3), out=image, casting="same_kind")
    texture = 1 + rng.uniform(0, 0.5) * _field(rng, side, max(1.0, radius * rng.uniform(0.05, 0.4)))
    holes = 1 - rng.uniform(0, 0.9) * (_field(rng, side, max(1.5, radius * 0.2)) > rng.uniform(1, 2.5))
    specks = 1 + rng.uniform(0, 1) * (_field(rng, side, max(1.2, radius * 0.08)) > rng.uniform(1.5, 2.5))
    return np.asarray(image * np.maximum(texture, 0) * holes * specks, dtype=np.float32)


def _cells(
    rng: Generator, side: int, spacing: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Distance to the nearest cell's centre, to the border between cells, and the number of the cell."""
    count = max(3, int((1.4 * side / spacing) ** 2))
    centres = rng.uniform(-0.2 * side, 1.2 * side, (count, 2))
    warped = _warp(rng, side, spacing * rng.uniform(0, 0.35))
    distance, index = cKDTree(centres).query(warped.reshape(2, -1).T, k=2)
    shape = (side, side)
    border = (distance[:, 1] - distance[:, 0]) / 2
    return distance[:, 0].reshape(shape), border.reshape(shape), index[:, 0].reshape(shape)


def membranes(rng: Generator, side: int) -> Image:
    """Draw thin bright borders between cells of varied brightness."""
    _, border, index = _cells(rng, side, _log_uniform(rng, 10, side / 2))
    lines = np.exp(-0.5 * (border / _log_uniform(rng, 0.7, 3)) ** 2)
    filling = rng.uniform(0, 0.4) * rng.random(index.max() + 1)[index]
    patchy = np.exp(rng.uniform(0, 0.6) * _field(rng, side, 10))
    return np.asarray(lines * patchy + filling, dtype=np.float32)


_KINDS: tuple[Callable[[Generator, int], Image], ...] = (
    filaments, filaments, network, worms, spots, nuclei, nuclei, membranes, power_law,
)  # fmt: skip


def fluorescence(rng: Generator, side: int) -> Image:
    """Draw bright structures on a dark ground, in cells or alone, with haze from out of focus and a band limit."""
    image = np.zeros((side, side), dtype=np.float32)
    for _ in range(rng.integers(1, 4)):
        part = _KINDS[rng.integers(len(_KINDS))](rng, side)
        if rng.random() < 0.4:  # confine the structure to some cells
            part = part * expit(rng.uniform(2, 10) * (_field(rng, side, side / 8) - rng.uniform(-1, 1)))
        image += part.astype(np.float32) * np.float32(_log_uniform(rng, 0.1, 1))
    image = _stretch(ndimage.gaussian_filter(image, _log_uniform(rng, 0.4, 3))) ** np.float32(rng.uniform(0.6, 2))
    if rng.random() < 0.5:
        haze = ndimage.gaussian_filter(image, _log_uniform(rng, 5, 25))
        image = image + haze * np.float32(rng.uniform(0, 1.5))
    return _stretch(image)


def electron_microscopy(rng: Generator, side: int) -> Image:
    """Draw cut cells with dark membranes, granular cytoplasm, vesicles and striped mitochondria."""
    spacing = _log_uniform(rng, 25, side)
    _, border, index = _cells(rng, side, spacing)
    grey = rng.uniform(0.55, 1.0, index.max() + 1)[index]
    texture = np.zeros((side, side), dtype=np.float32)
    for _ in range(2):
        grain = _log_uniform(rng, 1.0, 8)
        amount = rng.uniform(0, 0.14)
        patchy = ndimage.gaussian_filter(rng.random(index.max() + 1)[index], 2)
        texture += (amount * patchy * _field(rng, side, grain)).astype(np.float32)
    image = grey + texture
    image = _vesicles(rng, image, index)
    image = _mitochondria(rng, image, border, spacing)
    thickness = _log_uniform(rng, 0.8, 4)
    wall = np.exp(-0.5 * ((border - thickness * rng.uniform(0, 1.5)) / thickness) ** 2)
    image = image * (1 - rng.uniform(0.4, 0.9) * wall)
    return _stretch(ndimage.gaussian_filter(image, _log_uniform(rng, 0.5, 2.5)))


def _vesicles(rng: Generator, image: NDArray[np.floating], index: NDArray[np.intp]) -> NDArray[np.floating]:
    side = len(image)
    radius = _log_uniform(rng, 2.5, 10)
    count = int(rng.uniform(0, 0.3) * side**2 / (np.pi * radius**2))
    if count < 2:
        return image
    points = rng.uniform(0, side, (count, 2))
    points = points[(index[tuple(points.astype(int).T)] % 3) == 0]  # crowd them into some of the cells
    if len(points) < 1:
        return image
    distance, _ = cKDTree(points).query(np.mgrid[:side, :side].reshape(2, -1).T, distance_upper_bound=3 * radius)
    distance = np.minimum(distance, 3 * radius).reshape(side, side)
    ring = np.exp(-0.5 * ((distance - radius) / max(0.8, radius * 0.25)) ** 2)
    core = (distance < radius) * rng.uniform(-0.2, 0.3)
    return np.asarray(image - rng.uniform(0.1, 0.5) * ring - core)


def _mitochondria(
    rng: Generator, image: NDArray[np.floating], border: NDArray[np.floating], spacing: float
) -> NDArray[np.floating]:
    side = len(image)
    field = _field(rng, side, spacing * rng.uniform(0.06, 0.2), _log_uniform(rng, 1, 2)) - rng.uniform(1.0, 2.2)
    inside = expit(8 * field) * (border > spacing * 0.05)
    y, x = _warp(rng, side, _log_uniform(rng, 1, 8))
    angle = rng.uniform(0, np.pi)
    stripes = np.sin((y * np.cos(angle) + x * np.sin(angle)) * 2 * np.pi / _log_uniform(rng, 4, 16))
    body = rng.uniform(0.2, 0.6) + rng.uniform(0, 0.15) * stripes
    return np.asarray(image * (1 - inside) + body * inside)
