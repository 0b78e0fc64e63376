"""Random layouts of objects: outlines of a population, turned and deformed, laid out as densely as they were."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import brentq

from ..errors import ImageError
from .population import Outline, Population

_Mask = NDArray[np.bool_]
_Place = tuple[int, int]
_TRIES = 30  # places that are tried for an object before it is given up
_SMOOTHING = 0.5  # pixels; or else an outline that is turned is rougher than it was
_AROUND = 4  # pixels around an outline in which it is told how far off it is
_GAP = 2  # pixels of background that an object keeps around itself if it touches none
_NEIGHBOURS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class Layout:
    """A label image that was drawn at random.

    Attributes
    ----------
    labels : ndarray of int32, shape (y, x)
        Numbered in sequence from 1.
    kinds : ndarray of int64, shape (objects,)
        Class of label 1, 2 and so on.
    """

    labels: NDArray[np.int32]
    kinds: NDArray[np.int64]


def random_layout(
    population: Population,
    shape: tuple[int, int],
    rng: Generator,
    *,
    density: float | None = None,
    sizes: float = 0.15,
    strength: float = 0.04,
) -> Layout:
    """Lay out objects at random.

    Outlines are drawn from the population with their classes, so that sizes, shapes and mixture are those of the
    images that it was measured on. As large a share of the objects is laid at another as touched another there.

    Parameters
    ----------
    population : Population
        See `population_of`.
    shape : tuple of int
        Of the image that is made.
    density : float, optional
        Objects per pixel; that of one of the measured images, chosen at random, if not given. Where this is more than
        fit, as many are laid as do.
    sizes : float
        Spread (standard deviation) of the logarithm of the factor by which outlines are magnified.
    strength : float
        How far outlines are deformed, see `deformed`.

    Raises
    ------
    ImageError
        If the shape holds no pixel.
    """
    if min(shape) < 1:
        raise ImageError(f"An image of {shape[0]} x {shape[1]} pixels cannot hold objects. Choose a larger size.")
    if density is None:
        density = float(rng.choice(population.density))
    canvas, close = _Canvas(shape, rng), _share_laid_at_others(population.touching)
    kinds: list[int] = []
    for _ in range(int(rng.poisson(density * shape[0] * shape[1]))):
        outline = population.outlines[int(rng.integers(len(population.outlines)))]
        mask = _varied(outline, rng, sizes, strength)
        if canvas.lay(mask, at_another=rng.random() < close):
            kinds.append(outline.kind)
    return Layout(canvas.labels, np.array(kinds, np.int64))


def deformed(mask: _Mask, rng: Generator, *, zoom: float = 1.0, angle: float = 0.0, strength: float = 0.1) -> _Mask:
    """Turn, magnify and bend an outline.

    Parameters
    ----------
    mask : ndarray of bool, shape (y, x)
        One object.
    zoom : float
        Magnification.
    angle : float
        In radians.
    strength : float
        Standard deviation of the displacement of its border, as a share of its diameter; it varies over half of the
        diameter.

    Returns
    -------
    ndarray of bool
        In its box; in one piece and at least a pixel large. Its area is that of the largest piece of the mask,
        magnified. Inner holes are kept, if there were any.
    """
    mask = _largest_piece(mask)
    area = int(np.count_nonzero(mask))
    diameter = 2 * np.sqrt(area / np.pi)
    reach = np.hypot(*mask.shape) * zoom * (1 + 4 * strength)
    side = 2 * int(np.ceil(reach / 2)) + 3
    grid = np.array(np.mgrid[:side, :side], dtype=np.float64) - (side - 1) / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
    places = np.tensordot(turn, grid, 1)
    if strength > 0:
        bend = [ndimage.gaussian_filter(rng.standard_normal((side, side)), zoom * diameter / 4) for _ in places]
        places += np.stack([part / max(float(part.std()), 1e-12) for part in bend]) * strength * diameter
    middle = (np.array(mask.shape) - 1) / 2
    depth = ndimage.gaussian_filter(_depth(np.pad(mask, _AROUND)), _SMOOTHING, mode="nearest")
    depth = ndimage.map_coordinates(depth, places + (middle + _AROUND)[:, None, None], order=1, mode="nearest")
    return _piece_of_area(depth, max(1, round(zoom**2 * area)))


def clip_to_image(shape: tuple[int, ...], mask: _Mask, start: tuple[int, ...]) -> tuple[tuple[slice, ...], _Mask]:
    """Clip a mask that is laid into an image.

    Parameters
    ----------
    shape : tuple of int
        Of the image.
    mask : ndarray of bool
    start : tuple of int
        Where the mask begins in the image; outside of it, too.

    Returns
    -------
    here : tuple of slice
        The part of the image that the mask covers; empty where it lies outside.
    part : ndarray of bool
        That part of the mask.
    """
    here, there = [], []
    for n, m, s in zip(shape, mask.shape, start, strict=True):
        first, last = max(0, s), max(0, s, min(n, s + m))
        here.append(slice(first, last))
        there.append(slice(first - s, last - s))
    return tuple(here), mask[tuple(there)]


def _varied(outline: Outline, rng: Generator, sizes: float, strength: float) -> _Mask:
    zoom = float(np.exp(sizes * rng.standard_normal()))
    mask = outline.mask[:, ::-1] if rng.random() < 0.5 else outline.mask
    return deformed(mask, rng, zoom=zoom, angle=float(rng.uniform(0, 2 * np.pi)), strength=strength)


def _depth(mask: _Mask) -> NDArray[np.float64]:
    """Return how deep inside the border of a mask each pixel lies; negative outside of it."""
    inside, outside = (ndimage.distance_transform_edt(part) for part in (mask, ~mask))
    return np.asarray(np.where(mask, inside - 0.5, 0.5 - outside))


def _piece_of_area(depth: NDArray[np.float64], area: int) -> _Mask:
    """Return as many of the deepest pixels as make one piece of that area, in its box.

    A fixed depth would not do: it takes from what is thin or small, until nothing is left.
    """
    rank = np.empty(depth.shape, dtype=np.intp)
    rank.flat[np.argsort(-depth.round(6), axis=None, kind="stable")] = np.arange(depth.size)

    def piece(number: int) -> _Mask:
        return _largest_piece(rank < number)

    made = piece(area)
    if np.count_nonzero(made) < area:  # what is thin falls apart, and takes more to be held together
        enough = bisect_left(range(depth.size), area, lo=area, key=lambda number: int(piece(number).sum()))
        made = _trimmed(piece(enough), rank, area)
    return np.asarray(made[ndimage.find_objects(made.astype(np.uint8))[0]])


def _trimmed(mask: _Mask, rank: NDArray[np.intp], area: int) -> _Mask:
    """Take the pixels of highest rank from a piece of more than that area, but for those that hold it together."""
    around = np.pad(mask, 1)
    excess = np.count_nonzero(mask) - area
    for y, x in sorted(np.argwhere(mask), key=lambda place: -rank[tuple(place)]):
        if excess == 0:
            break
        neighbours = around[y : y + 3, x : x + 3].copy()
        neighbours[1, 1] = False
        if ndimage.label(neighbours, _NEIGHBOURS)[1] == 1:
            around[y + 1, x + 1] = False
            excess -= 1
    return around[1:-1, 1:-1]


def _largest_piece(mask: _Mask) -> _Mask:
    """Return the largest piece of a mask; a single pixel for an empty one."""
    pieces, count = ndimage.label(mask, _NEIGHBOURS)
    if not count:
        return np.ones((1, 1), dtype=bool)
    return np.asarray(pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])))


def _share_laid_at_others(touching: float) -> float:
    """Return what share of the objects has to be laid at another for a share of all to touch one.

    Of ``q`` laid so, an object touches none if it was not, and none of later ones, ``q`` on average, was laid at it.
    """
    return float(brentq(lambda q: 1 - (1 - q) * np.exp(-q) - np.clip(touching, 0, 1), 0, 1))


class _Canvas:
    """A label image that objects are laid on, one after the other."""

    def __init__(self, shape: tuple[int, int], rng: Generator) -> None:
        self.labels = np.zeros(shape, np.int32)
        self._rng = rng
        self._laid: list[tuple[_Place, float]] = []  # middle and reach of each

    def lay(self, mask: _Mask, *, at_another: bool) -> bool:
        """Write an object where it covers no other, its middle inside the image; return whether there was room."""
        wide = ndimage.binary_dilation(np.pad(mask, _GAP), _NEIGHBOURS, iterations=_GAP)
        for _ in range(_TRIES):
            middle = self._middle_at_another(mask) if at_another and self._laid else self._free_middle(wide)
            if middle is None:
                continue
            here, part = clip_to_image(self.labels.shape, mask, _corner(middle, mask))
            if not part.any():
                continue
            self.labels[here][part] = len(self._laid) + 1
            self._laid.append((middle, _reach(mask)))
            return True
        return False

    def _free_middle(self, wide: _Mask) -> _Place | None:
        height, width = self.labels.shape
        middle = int(self._rng.integers(height)), int(self._rng.integers(width))
        return middle if self._free(wide, middle) else None

    def _middle_at_another(self, mask: _Mask) -> _Place | None:
        """Slide an object towards another until they touch; None if something else was in the way."""
        (y, x), reach = self._laid[int(self._rng.integers(len(self._laid)))]
        angle, far = self._rng.uniform(0, 2 * np.pi), reach + _reach(mask) + 2
        before = None
        for distance in np.arange(far, -1, -0.7):  # less than a pixel along each axis
            middle = round(y + distance * np.sin(angle)), round(x + distance * np.cos(angle))
            if not self._free(mask, middle):
                inside = before is not None and all(0 <= m < n for m, n in zip(before, self.labels.shape, strict=True))
                return before if inside else None
            before = middle
        return None

    def _free(self, mask: _Mask, middle: _Place) -> bool:
        here, part = clip_to_image(self.labels.shape, mask, _corner(middle, mask))
        return not bool((part & (self.labels[here] > 0)).any())


def _reach(mask: _Mask) -> float:
    return float(np.hypot(*mask.shape)) / 2


def _corner(middle: _Place, mask: _Mask) -> _Place:
    return middle[0] - mask.shape[0] // 2, middle[1] - mask.shape[1] // 2
