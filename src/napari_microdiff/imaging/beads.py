"""Small beads in an image: where each lies, how wide it looks and how much light it gives."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize, spatial, special

from .optics import WIDEST

NARROWEST = 0.2  # pixels
MOST = 60  # beads; more do not tell more
_CLEAR, _FAINT = 5.0, 0.1  # a bead stands out by so many times the noise, and by this share of the brightest
_CLEARLY = 15.0  # what a number of a fitted Gaussian explains, over what each number of freedom leaves; of noise < 10
_FEW = 20  # of the brightest, which tell how wide they are
_ALONE, _BORDER = 8.0, 3.0  # widths to the next one, and to the border
_FARTHEST = 12.0  # widths around a bead; there is nothing of it beyond
_ALIKE = 1.25  # ratio of a bead's width to the usual one; what is wider is several beads

_Array = NDArray[np.floating]
_Places = NDArray[np.intp]


class Bead(NamedTuple):
    """A bead: its middle, the standard deviation of the Gaussian nearest to it, all of its light, and its surroundings.

    All lengths are in pixels. Within ``reach`` there is no other.
    """

    y: float
    x: float
    width: float
    light: float
    reach: float = 0.0


def find_beads(pixels: _Array) -> list[Bead]:
    """Return the beads of an image that stand by themselves and are as wide as most.

    Parameters
    ----------
    pixels : ndarray of float64, shape (y, x)
        Bright beads on a dark background.
    """
    found = list(islice(_fitted_ones(pixels), MOST))
    usual = float(np.median([one.width for one in found])) if found else 0.0
    return [one for one in found if usual / _ALIKE < one.width < usual * _ALIKE]


def window(shape: tuple[int, ...], y: float, x: float, radius: float) -> tuple[_Places, _Places]:
    """Return the rows and columns within a distance of a place, at least two to each side, that an image has."""
    reach = int(np.ceil(max(radius, 2)))
    rows, columns = (
        np.arange(max(round(at) - reach, 0), min(round(at) + reach + 1, length))
        for at, length in zip((y, x), shape, strict=True)
    )
    return rows, columns


def gaussian_seen(rows: _Array, columns: _Array, width: float) -> _Array:
    """Return what pixels see of a Gaussian of the light 1; their distances from its middle are given.

    Parameters
    ----------
    rows, columns : ndarray of float64
        One pixel apart.
    """
    along = [
        np.abs(np.diff(special.erf(np.append(at - 0.5, at[-1] + 0.5) / (np.sqrt(2) * width)))) / 2
        for at in (rows, columns)
    ]
    return np.outer(*along)


def _fitted_ones(pixels: _Array) -> Iterator[Bead]:
    """Yield all that looks like a bead, the brightest first: looked for where noise of its own width is taken away."""
    smooth = ndimage.gaussian_filter(pixels, 1)
    widths = [width for y, x in _peaks(smooth, 1)[:_FEW] if (width := _rough_width(smooth, y, x)) is not None]
    if not widths:
        return
    rough = float(np.median(widths))
    blur = max(rough / 2, 1)
    smooth = ndimage.gaussian_filter(pixels, blur)
    places = _peaks(smooth, blur)
    distances = _nearest(np.array(places, dtype=float).reshape(-1, 2))
    for (y, x), distance in zip(places, distances, strict=True):
        if distance < _ALONE * np.sqrt(max(rough**2 - 1, NARROWEST**2)):
            continue
        one = _fitted(pixels, smooth, blur, y, x)
        if one is None or distance < _ALONE * one.width:
            continue
        edges = [edge for at, length in zip(one[:2], pixels.shape, strict=True) for edge in (at, length - 1 - at)]
        if min(edges) >= _BORDER * one.width:
            yield one._replace(reach=min(distance - _BORDER * one.width, _FARTHEST * one.width))


def _nearest(places: _Array) -> _Array:
    """Return how far each place is from the nearest other one."""
    if len(places) < 2:
        return np.full(len(places), np.inf)
    return np.asarray(spatial.cKDTree(places).query(places, k=2)[0][:, 1])


def _peaks(smooth: _Array, blur: float) -> list[tuple[int, int]]:
    """Return the brightest places that stand out of a smoothed image, the brightest first."""
    middle = float(np.median(smooth))
    noise = 1.4826 * float(np.median(np.abs(smooth - middle)))
    least = middle + max(_CLEAR * noise, _FAINT * (float(smooth.max()) - middle))
    highest = (smooth == ndimage.maximum_filter(smooth, size=2 * round(2 * blur) + 1)) & (smooth > least)
    rows, columns = np.nonzero(highest)
    brightest = np.argsort(-smooth[rows, columns], kind="stable")
    return [(int(rows[i]), int(columns[i])) for i in brightest]


def _fitted(pixels: _Array, smooth: _Array, blur: float, y: int, x: int) -> Bead | None:
    """Fit one Gaussian around a peak; ``None`` if there is nothing like a bead."""
    rough = _rough_width(smooth, y, x)
    if rough is None:
        return None
    width = float(np.sqrt(max(rough**2 - blur**2, NARROWEST**2)))
    rows, columns = window(pixels.shape, y, x, _BORDER * width)
    seen = pixels[np.ix_(rows, columns)]
    low, high = float(seen.min()), float(seen.max())
    if high == low or ((seen == high).sum() >= 4 and width > 0.5):  # cut off by the camera
        return None

    def off(at: _Array) -> _Array:
        drawn = at[3] + at[2] * gaussian_seen(rows - at[0], columns - at[1], float(np.exp(at[4])))
        return np.asarray((drawn - seen).ravel() / (high - low))

    begin = np.array([y, x, 2 * np.pi * (width**2 + 1 / 12) * (high - low), low, np.log(width)])
    done = optimize.least_squares(off, begin, x_scale=np.array([0.1, 0.1, begin[2], high - low, 0.1]))
    one = Bead(float(done.x[0]), float(done.x[1]), float(np.exp(done.x[4])), float(done.x[2]))
    near = max(abs(one.y - y), abs(one.x - x)) < 2 + one.width
    like_one = one.light > 0 and NARROWEST / 2 < one.width < WIDEST
    return one if near and like_one and _is_clear(seen, 2 * done.cost * (high - low) ** 2) else None


def _is_clear(seen: _Array, left: float) -> bool:
    """Tell whether a fit that leaves such a sum of squares explains more than one of noise does (an F-test)."""
    numbers = 5  # place, width, light and background
    freedom = seen.size - numbers - 1
    explained = float(((seen - seen.mean()) ** 2).sum()) - left
    return freedom > 0 and explained / numbers > _CLEARLY * left / freedom


def _rough_width(smooth: _Array, y: int, x: int) -> float | None:
    """Return the width that the area above half of a peak tells."""
    rows, columns = window(smooth.shape, y, x, 3 * WIDEST)
    near = smooth[np.ix_(rows, columns)]
    row, column = y - rows[0], x - columns[0]
    top = near[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].max()
    parts, _ = ndimage.label(near > (np.median(near) + top) / 2)
    at = parts[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].max()
    area = int((parts == at).sum()) if at else 0
    return float(np.sqrt(area / np.pi) / np.sqrt(2 * np.log(2))) if area else None
