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
_LARGEST = 3.0  # diameter of a bead, in widths of the blur, up to which it makes this no more than wider
_PIXELS = 200_000  # around beads, which tell as much as more of them
_COARSE = 2.0  # width in pixels from which on the pattern is the same all over a pixel

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
        """Return it for an image whose pixels are larger than those of the image of beads by a ratio.

        What is far around is brought nearer, to the widest blur that is reckoned with.

        Raises
        ------
        ImageError
            If all of it is wider than that.
        """
        if self.width / ratio > WIDEST:
            raise ImageError(
                f"The blur of these beads is {self.width / ratio:.1f} pixels wide in the image, and {WIDEST:g} are the "
                "most. Make the image's pixels larger first."
            )
        parts = tuple((shape, min(width / ratio, WIDEST), share) for shape, width, share in self.parts)
        return MeasuredPsf(parts, self.beads)


def measure_psf(image: ArrayLike, diameter: float = 0.0) -> MeasuredPsf:
    """Measure a point-spread function on an image of beads, or of one point.

    Parameters
    ----------
    image : array-like, shape (y, x)
        Bright beads on a dark background, in focus and apart from each other. One is enough.
    diameter : float
        Of the beads in pixels, which is taken back; 0 for points. At most three times as large as the blur is wide.

    Returns
    -------
    MeasuredPsf

    Raises
    ------
    ImageError
        If no bead stands by itself in the image; the message says what to look for.
    """
    if not isinstance(diameter, int | float | np.number) or not 0 <= diameter < np.inf:
        raise ImageError(f"The diameter of the beads must be a number of pixels, or 0 for points, not {diameter}.")
    pixels = _checked(image)
    beads = find_beads(pixels)
    if not beads:
        raise ImageError(
            "No bead can be measured in this image. It must show bright points on an even, dark background, in focus, "
            "neither at the border nor beside another, and not so bright that the camera cuts them off."
        )
    usual = float(np.median([one.width for one in beads]))
    width = float(np.sqrt(max(usual**2 - _SPHERE * diameter**2, 0)))
    if width < NARROWEST:
        raise ImageError(
            "What is bright in this image is narrower than light is in a camera, as hot pixels are."
            if not diameter
            else f"Beads of {diameter:.3g} pixels cannot look as small as those in this image, which are {usual:.2g} "
            "pixels wide (standard deviation). Give their diameter, or 0 for points."
        )
    if diameter > _LARGEST * width:
        raise ImageError(
            f"Beads of {diameter:.3g} pixels are too large to measure a blur of about {width:.2g} pixels on. Take "
            f"beads of at most {_LARGEST * width:.2g} pixels."
        )
    around = np.cumsum([(2 * one.reach + 1) ** 2 for one in beads])
    enough = beads[: int(np.searchsorted(around, _PIXELS)) + 1]
    return MeasuredPsf(_parts(pixels, enough, width, diameter), len(enough))


def _checked(image: ArrayLike) -> _Array:
    try:
        pixels = np.squeeze(np.asarray(image))
    except ValueError:
        raise ImageError("The image of beads is no array: its rows differ in length.") from None
    if pixels.ndim != 2 or min(pixels.shape) < 5:
        raise ImageError(f"An image of beads must have two axes, y and x, not the shape {np.shape(image)}.")
    if not np.issubdtype(pixels.dtype, np.number) or np.iscomplexobj(pixels):
        raise ImageError(f"An image of beads must be of real numbers, not of type {pixels.dtype}.")
    pixels = pixels.astype(np.float64)
    if not np.isfinite(pixels).all():
        raise ImageError("The image of beads has values that are not finite.")
    # Brightness does not matter, and its square must be a number.
    return np.asarray(pixels / (np.abs(pixels).max() or 1.0))


def _parts(pixels: _Array, beads: list[Bead], width: float, diameter: float) -> tuple[Part, ...]:
    """Return the shapes whose sum all beads look like, of whatever light and background.

    As few as tell what is seen: one after the other is added while the Bayesian information criterion falls, by which a
    shape must explain more than noise would.
    """
    kinds: tuple[tuple[Shape, _Array], ...] = (("gaussian", width * _GAUSSIANS), ("airy", width * _AIRYS))
    shapes = [(kind, float(s)) for kind, widths in kinds for s in widths if NARROWEST / 2 <= s <= WIDEST]
    products, overlaps, squares, count = np.zeros((len(shapes),) * 2), np.zeros(len(shapes)), 0.0, 0
    for seen, drawn in _around(pixels, beads, shapes, diameter):
        products += drawn.T @ drawn
        overlaps += drawn.T @ seen
        squares += float(seen @ seen)
        count += len(seen)
    chosen: list[int] = []
    shares, least = np.ones(0), np.inf
    while len(chosen) < _PARTS:
        left, more, weights = _next(products, overlaps, squares, chosen)
        criterion = count * np.log(max(left, 1e-12 * squares)) + 2 * len(more) * np.log(count)
        if not criterion < least:
            break
        chosen, shares, least = more, weights / weights.sum(), criterion
    return tuple((*shapes[i], float(share)) for i, share in zip(chosen, shares, strict=True))


def _next(products: _Array, overlaps: _Array, squares: float, chosen: list[int]) -> tuple[float, list[int], _Array]:
    """Return what is left unexplained with the best further shape, which shapes these are, and their weights."""
    best: tuple[float, list[int], _Array] = (np.inf, chosen, np.ones(0))
    for further in set(range(len(overlaps))) - set(chosen):
        these = [*chosen, further]
        within = products[np.ix_(these, these)]
        weights = np.linalg.lstsq(within, overlaps[these], rcond=1e-10)[0]
        left = squares - float(overlaps[these] @ weights)
        if (weights > 0).all() and left < best[0]:
            best = (left, these, weights)
    return best


def _around(
    pixels: _Array, beads: list[Bead], shapes: list[tuple[Shape, float]], diameter: float
) -> Iterator[tuple[_Array, _Array]]:
    """Yield, of each bead, the pixels around it and what they would be of each shape, shape (pixels, shapes).

    Both are without their mean, so that no background has to be known, and divided by the root of the bead's light, to
    which its noise is in proportion.
    """
    for one in beads:
        rows, columns = window(pixels.shape, one.y, one.x, one.reach)
        each = np.stack([_drawn(s, rows - one.y, columns - one.x, diameter).ravel() for s in shapes], axis=1)
        around, root = pixels[np.ix_(rows, columns)].ravel(), np.sqrt(one.light)
        yield (around - around.mean()) / root, (each - each.mean(axis=0)) * root


def _drawn(shape: tuple[Shape, float], rows: _Array, columns: _Array, diameter: float) -> _Array:
    """Return what pixels see of a bead of the light 1; their distances from its middle are given."""
    kind, width = shape
    wider = float(np.sqrt(width**2 + _SPHERE * diameter**2))
    if kind == "gaussian":
        return gaussian_seen(rows, columns, wider)
    within = _WITHIN if wider < _COARSE else _WITHIN[1:2]
    distance = np.hypot((rows[:, None] + within)[:, :, None, None], columns[:, None] + within)
    v = np.maximum(2 * np.pi * AIRY_WIDTH / wider * distance, 1e-9)
    pattern = np.pi * (AIRY_WIDTH / wider) ** 2 * (2 * special.j1(v) / v) ** 2
    return np.asarray(pattern.mean(axis=(1, 3)))
