"""The point-spread function of a microscope, measured on an image of small beads.

What a pixel shows of a bead is averaged over the pixel, and the bead lies anywhere between pixels. So nothing is
averaged here: shapes that are the same for all beads are fitted to the pixels around all of them, as a camera would
see them. They have no noise, and can be drawn on pixels as fine as one likes. That they are round is assumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ..errors import ImageError
from .beads import NARROWEST, Bead, find_beads, gaussian_seen, window
from .optics import AIRY_WIDTH, WIDEST, Part, PointSpread, Shape

_PARTS = 4  # shapes whose sum is tried
_GAUSSIANS = 2.0 ** np.arange(-1.5, 2.6, 1 / 12)  # widths to choose from, in those of a bead
_AIRYS = 2.0 ** np.arange(-1, 1.01, 1 / 12)
_WITHIN = (np.arange(3) - 1) / 3  # of a pixel, where the diffraction pattern is looked up
_SPHERE = 1 / 20  # variance along a line through the shadow of a sphere, in squared diameters

_Array = NDArray[np.floating]


class MeasuredPsf(NamedTuple):
    """A point-spread function that was measured.

    Attributes
    ----------
    parts : tuple of (str, float, float)
        Shapes, widths in pixels of the image of beads, and shares of what it is the sum of; see `optics.PointSpread`.
    beads : int
        On how many beads it was measured.
    """

    parts: tuple[Part, ...]
    beads: int

    @property
    def width(self) -> float:
        """Standard deviation of the Gaussian that is nearest to it, in pixels."""
        return PointSpread(parts=self.parts).width

    def on_pixels(self, ratio: float) -> MeasuredPsf:
        """Return it for an image whose pixels are larger than those of the image of beads by a ratio."""
        return MeasuredPsf(tuple((shape, width / ratio, share) for shape, width, share in self.parts), self.beads)


def measure_psf(image: ArrayLike, bead: float = 0.0) -> MeasuredPsf:
    """Measure a point-spread function on an image of beads, or of one point.

    Parameters
    ----------
    image : array-like, shape (y, x)
        Bright beads on a dark background, in focus and apart from each other. One is enough.
    bead : float
        Diameter of the beads in pixels, whose size is taken back; 0 for points.

    Returns
    -------
    MeasuredPsf

    Raises
    ------
    ImageError
        If no bead stands by itself in the image; the message says what to look for.
    """
    pixels = _checked(image)
    beads = find_beads(pixels)
    if not beads:
        raise ImageError(
            "No bead can be measured in this image. It must show bright points on a dark background, in focus, neither "
            "at the border nor beside another, and not so bright that the camera cuts them off."
        )
    usual = float(np.median([one.width for one in beads]))
    variance = usual**2 - _SPHERE * bead**2
    if variance < NARROWEST**2:
        raise ImageError(
            f"Beads of {bead:.3g} pixels cannot look as small as those in this image, which are {usual:.2g} pixels "
            "wide (standard deviation). Give their diameter, or 0 for points."
        )
    return MeasuredPsf(_parts(pixels, beads, float(np.sqrt(variance)), bead), len(beads))


def _checked(image: ArrayLike) -> _Array:
    pixels = np.squeeze(np.asarray(image))
    if pixels.ndim != 2 or min(pixels.shape) < 5:
        raise ImageError(f"An image of beads must have two axes, y and x, not the shape {np.shape(image)}.")
    if not np.issubdtype(pixels.dtype, np.number) or np.iscomplexobj(pixels):
        raise ImageError(f"An image of beads must be of real numbers, not of type {pixels.dtype}.")
    pixels = pixels.astype(np.float64)
    if not np.isfinite(pixels).all():
        raise ImageError("The image of beads has values that are not finite.")
    return pixels


def _parts(pixels: _Array, beads: list[Bead], width: float, bead: float) -> tuple[Part, ...]:
    """Return the shapes whose sum all beads look like, of whatever light and background.

    As few as tell what is seen: one after the other is added while the Bayesian information criterion falls, by which a
    shape must explain more than noise would.
    """
    kinds: tuple[tuple[Shape, _Array], ...] = (("gaussian", width * _GAUSSIANS), ("airy", width * _AIRYS))
    shapes = [(kind, float(s)) for kind, widths in kinds for s in widths if NARROWEST / 2 <= s <= WIDEST]
    products, passed, power, count = np.zeros((len(shapes),) * 2), np.zeros(len(shapes)), 0.0, 0
    for seen, drawn in _around(pixels, beads, shapes, bead):
        products += drawn.T @ drawn
        passed += drawn.T @ seen
        power += float(seen @ seen)
        count += len(seen)
    chosen: list[int] = []
    shares, least = np.ones(0), np.inf
    while len(chosen) < _PARTS:
        left, more, weights = _next(products, passed, power, chosen)
        criterion = count * np.log(max(left, 1e-12 * power)) + 2 * len(more) * np.log(count)
        if not criterion < least:
            break
        chosen, shares, least = more, weights / weights.sum(), criterion
    return tuple((*shapes[i], float(share)) for i, share in zip(chosen, shares, strict=True))


def _next(products: _Array, passed: _Array, power: float, chosen: list[int]) -> tuple[float, list[int], _Array]:
    """Return what is left unexplained with the best further shape, which shapes these are, and their weights."""
    best: tuple[float, list[int], _Array] = (np.inf, chosen, np.ones(0))
    for further in set(range(len(passed))) - set(chosen):
        these = [*chosen, further]
        within = products[np.ix_(these, these)]
        weights = np.linalg.lstsq(within, passed[these], rcond=1e-10)[0]
        left = power - float(passed[these] @ weights)
        if (weights > 0).all() and left < best[0]:
            best = (left, these, weights)
    return best


def _around(
    pixels: _Array, beads: list[Bead], shapes: list[tuple[Shape, float]], bead: float
) -> Iterator[tuple[_Array, _Array]]:
    """Yield, of each bead, the pixels around it and what they would be of each shape, shape (pixels, shapes).

    Both are without their mean, so that no background has to be known, and in units of the bead's own noise.
    """
    for one in beads:
        rows, columns = window(pixels.shape, one.y, one.x, one.reach)
        each = np.stack([_drawn(s, rows - one.y, columns - one.x, bead).ravel() for s in shapes], axis=1)
        around, noise = pixels[np.ix_(rows, columns)].ravel(), np.sqrt(one.light)
        yield (around - around.mean()) / noise, (each - each.mean(axis=0)) * (one.light / noise)


def _drawn(shape: tuple[Shape, float], rows: _Array, columns: _Array, bead: float) -> _Array:
    """Return what pixels see of a bead of the light 1; their distances from its middle are given."""
    kind, width = shape
    wider = float(np.sqrt(width**2 + _SPHERE * bead**2))  # a bead that is small beside it makes it no more than wider
    if kind == "gaussian":
        return gaussian_seen(rows, columns, wider)
    distance = np.hypot((rows[:, None] + _WITHIN)[:, :, None, None], columns[:, None] + _WITHIN)
    v = np.maximum(2 * np.pi * AIRY_WIDTH / wider * distance, 1e-9)
    pattern = np.pi * (AIRY_WIDTH / wider) ** 2 * (2 * special.j1(v) / v) ** 2
    return np.asarray(pattern.mean(axis=(1, 3)))
