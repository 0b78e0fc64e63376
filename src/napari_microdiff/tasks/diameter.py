"""How large the objects of an image are, measured with the model that is to find them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ..diffusion.denoiser import Preconditioned, Prediction
from ..imaging.axes import PlaneIndex, Sliceable
from ..imaging.basins import highest_in
from ..imaging.instances import Depth, as_read, diameters, labels_of
from ..imaging.intensity import Normalization
from ..imaging.resize import resized
from ..imaging.telling import telling_window
from .base import Source
from .conditioning import object_condition
from .statistics import channel_axis

# Pixels of the image that are looked at, along a side: to find the magnification, and in it. Large objects are few in
# the first; but where more is seen, whole cells are more often taken for the nuclei of another magnification.
_PART, _WIDE_PART = 512, 1024
_SIDE = 384  # pixels of what is looked at, magnified
_ZOOMS = (0.25, 0.5, 0.71, 1.0, 1.41)
_LEAST_ZOOM, _MOST_ZOOM = 0.125, 4.0  # beyond, it is specks or shading that were measured
_FEWEST = 3  # objects
_ENOUGH = 8  # objects; where fewer are seen, more of the image is looked at
_PLENTY = 40  # objects; as typical of an image as more of them
# How much surer a look must be (0 to 1) to make up for a factor of e in size. In bright field whole cells look like the
# nuclei of another magnification, and only this tells them apart; elsewhere 1 to 12 choose alike on training images.
_SURENESS = 3.0
# A look that is as sure, of so many objects as large as those that the model knows, is believed without any other. On
# held-out images of training it finds what all the others together do.
_SURE = 0.8
_SURELY = 8  # objects
_HOMING = 3  # looks, each in the magnification that the one before suggests
_ROUNDS = 2
_SETTLED = 0.05  # change of the diameter below which there is nothing to gain by another look


@dataclass(frozen=True)
class _Seen:
    """What was found at a magnification.

    Attributes
    ----------
    size : float
        Median diameter, in magnified pixels; 0 without objects.
    count : int
        Number of objects.
    sure : float
        How deep the deepest pixel of an object lies, on average over the area of all.
    """

    size: float
    count: int
    sure: float


def estimate_diameter(
    denoiser: Preconditioned, plane: Sliceable, normalization: Normalization, known: float, depth: Depth
) -> tuple[float, bool]:
    """Measure the typical diameter of objects.

    The middle of the plane, or the part that shows most where most shows nothing, is looked at as it is, and then in
    the magnification that the objects suggest. If they come out as large as those that the model knows, and it is sure
    of them, that is it. Else it is looked at in several magnifications. Believed is that at which the objects come out
    most nearly so large, and it is surest of them: in the wrong one it may take shading or specks for objects, but
    doubts them. Then it is looked again in the magnification that this suggests, if that is another one, and at more of
    the image if the objects were few.

    Parameters
    ----------
    plane : array-like, shape (y, x)
        In which they are; all of it, whichever part was asked for.
    normalization : Normalization
        Of the plane.
    known : float
        Diameter in pixels at which the model sees best.
    depth : {"even", "steep"}
        How the model draws the depth of objects.

    Returns
    -------
    diameter : float
        In pixels of the image; between a quarter and eight times the known one.
    found : bool
        Whether there were objects; if not, the diameter is ``known``.
    """
    pixels = normalization.apply(_telling_part(plane, _PART))
    look = cache(partial(_look, denoiser, pixels, depth))
    best = _home_in(look, known) or _search(look, known)
    if best is None:
        return known, False
    zoom, seen = best
    diameter = seen.size / zoom
    more = seen.count < _PLENTY and max(plane.shape) > _PART
    if abs(np.log(seen.size / known)) < _SETTLED and not more:
        return diameter, True
    if more:
        pixels = normalization.apply(_telling_part(plane, _WIDE_PART))
    for _ in range(_ROUNDS):
        zoom = _within(known / diameter)
        seen = _look(denoiser, pixels, depth, zoom)
        if not seen.count:
            break
        before, diameter = diameter, seen.size / zoom
        if abs(np.log(diameter / before)) < _SETTLED:
            break
    return float(np.clip(diameter, known / _MOST_ZOOM, known / _LEAST_ZOOM)), True


def _home_in(look: Callable[[float], _Seen], known: float) -> tuple[float, _Seen] | None:
    """Return the magnification that looks lead to, and what is seen in it; ``None`` unless the model is sure of it."""
    zoom = 1.0
    for _ in range(_HOMING):
        seen = look(zoom)
        if seen.count < _SURELY or seen.sure < _SURE:
            return None
        if abs(np.log(seen.size / known)) < _SETTLED:
            return zoom, seen
        zoom = _within(zoom * known / seen.size)
    return None


def _search(look: Callable[[float], _Seen], known: float) -> tuple[float, _Seen] | None:
    """Return the best of several magnifications, and what is seen in it; ``None`` if there is nothing in any."""
    looks = [(zoom, look(zoom)) for zoom in _ZOOMS]
    usable = [one for one in looks if one[1].count >= _FEWEST] or [one for one in looks if one[1].count]
    if not usable:
        return None
    return min(usable, key=lambda one: abs(np.log(one[1].size / known)) - _SURENESS * one[1].sure)


def _within(zoom: float) -> float:
    return float(np.clip(zoom, _LEAST_ZOOM, _MOST_ZOOM))


def middle_planes(source: Source, position: int | None) -> list[PlaneIndex]:
    """Return the index of the middle plane of the whole image, and that of the region: where to measure, in turn.

    Both are of the channel at ``position``, if there are channels. The first is the same for all regions, so that
    objects of each are as large as those of the whole.
    """
    everything = [(0, n) for n in source.shape]
    whole, own = (_middle(source, bounds, position) for bounds in (everything, source.region))
    return [whole] if own == whole else [whole, own]


def _middle(source: Source, bounds: Sequence[tuple[int, int]], position: int | None) -> PlaneIndex:
    """Return the index of the plane in the middle of bounds, of one channel."""
    channel = channel_axis(source.axes)
    middle: list[int | slice] = [(start + stop) // 2 for start, stop in bounds]
    if channel is not None and position is not None:
        middle[channel] = position
    for axis in source.plane_axes:
        middle[axis] = slice(0, source.shape[axis])
    return tuple(middle)


def _telling_part(plane: Sliceable, side: int) -> NDArray[np.generic]:
    """Return the part of a plane in which there is most to be seen."""
    return np.asarray(plane[telling_window(plane, [(0, n) for n in plane.shape], side)])


def _look(denoiser: Preconditioned, pixels: NDArray[np.float32], depth: Depth, zoom: float) -> _Seen:
    """Look for objects at a magnification."""
    seen = _look_at(denoiser, pixels, depth, zoom, _SIDE)
    if seen.count >= _ENOUGH or _SIDE / zoom >= max(pixels.shape):
        return seen
    return _look_at(denoiser, pixels, depth, zoom, 2 * _SIDE)


def _look_at(denoiser: Preconditioned, pixels: NDArray[np.float32], depth: Depth, zoom: float, most: int) -> _Seen:
    """Look at the middle, of at most so many magnified pixels along a side."""
    side = [max(1, min(n, round(most / zoom))) for n in pixels.shape]
    pixels = pixels[tuple(slice((n - s) // 2, (n - s) // 2 + s) for n, s in zip(pixels.shape, side, strict=True))]
    height, width = (max(1, round(n * zoom)) for n in pixels.shape)
    image = torch.from_numpy(resized(pixels, (height, width)))
    stride = denoiser.network.stride
    padded = F.pad(image[None, None], (0, -width % stride, 0, -height % stride), mode="replicate")
    padded = padded.to(next(denoiser.parameters()).device)
    with torch.inference_mode():
        x = padded.new_zeros(1, 2, *padded.shape[2:])
        made: Prediction = denoiser(x, denoiser.sigma_max, object_condition(padded))
    maps = as_read(made.mean[0, :, :height, :width].float().cpu().numpy(), depth)
    labels = labels_of(maps)
    found = diameters(labels)
    if not found.size:
        return _Seen(0.0, 0, 0.0)
    deepest = highest_in(labels, maps[0])[1:]
    return _Seen(float(np.median(found)), found.size, float(np.average(deepest, weights=found**2)))
