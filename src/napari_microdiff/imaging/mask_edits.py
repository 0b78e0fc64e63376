"""Edits of masks from which images are made: objects are moved, turned, grown, bent, copied and taken away.

An edit changes the pixels of one object and background only. Where the edited object would cover others, those keep
their pixels: it is laid under them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import ImageError
from .axes import Sliceable, planes
from .layout import clip_to_image, deformed

_Labels = NDArray[np.integer]
_Mask = NDArray[np.bool_]
_Box = tuple[slice, ...]
_Place = tuple[int, ...]


@dataclass(frozen=True)
class MaskEdit:
    """What an edit changes.

    Attributes
    ----------
    box : tuple of slice
        The part of the labels outside of which nothing changed.
    labels : ndarray, shape of the box, dtype of the labels
        What is in the box now.
    """

    box: _Box
    labels: _Labels

    def applied_to(self, labels: _Labels) -> _Labels:
        """Return a copy of the labels after the edit."""
        after = labels.copy()
        after[self.box] = self.labels
        return after

    def changed(self, labels: _Labels) -> _Mask:
        """Return the pixels of the whole image that the edit changes; bool, shape (y, x)."""
        mask = np.zeros(labels.shape, dtype=bool)
        mask[self.box] = labels[self.box] != self.labels
        return mask


def move(labels: _Labels, label: int, by: tuple[int, int]) -> MaskEdit:
    """Move an object; what leaves the image is cut off.

    Parameters
    ----------
    labels : ndarray of integers, shape (y, x)
        0 is the background.
    label : int
        The object.
    by : tuple of int
        Pixels along y and x.

    Raises
    ------
    ImageError
        If there is no such object, or nothing of it would be left in the image and beside other objects. All edits
        raise it then.
    """
    here = bounding_box(labels, label)
    return _replaced(labels, label, labels[here] == label, (here[0].start + by[0], here[1].start + by[1]))


def turn(labels: _Labels, label: int, angle: float) -> MaskEdit:
    """Turn an object about its middle, by an angle in radians from x towards y: with the clock, as images are shown."""
    return _reshaped(labels, label, np.random.default_rng(), angle=angle, strength=0)


def magnify(labels: _Labels, label: int, zoom: float) -> MaskEdit:
    """Magnify an object about its middle; shrink it where ``zoom`` is less than 1."""
    if not zoom > 0:
        raise ImageError(f"An object cannot be magnified {zoom:g} times. Choose a factor above 0.")
    return _reshaped(labels, label, np.random.default_rng(), zoom=zoom, strength=0)


def bend(labels: _Labels, label: int, rng: Generator, *, strength: float = 0.1) -> MaskEdit:
    """Bend the outline of an object at random, see `layout.deformed`."""
    return _reshaped(labels, label, rng, strength=strength)


def grow(labels: _Labels, label: int, by: float) -> MaskEdit:
    """Push the border of an object outwards by as many pixels; inwards if ``by`` is negative.

    Where the border of the image cuts an object is no border of it.
    """
    margin = max(0, int(np.ceil(by))) + 1
    spans = zip(bounding_box(labels, label), labels.shape, strict=True)
    around = tuple(slice(max(0, span.start - margin), min(length, span.stop + margin)) for span, length in spans)
    mask = labels[around] == label
    # Distances between the middles of pixels: the border lies half a pixel further.
    if by >= 0:
        mask = ndimage.distance_transform_edt(~mask) <= by
    elif not mask.all():
        mask = ndimage.distance_transform_edt(mask) > -by
    return _replaced(labels, label, mask, (around[0].start, around[1].start))


def remove(labels: _Labels, label: int) -> MaskEdit:
    """Take an object away."""
    here = bounding_box(labels, label)
    after = labels[here].copy()
    after[after == label] = 0
    return MaskEdit(here, after)


def duplicate(labels: _Labels, label: int, by: tuple[int, int], *, fresh: int) -> MaskEdit:
    """Lay a copy of an object, called ``fresh``, as far from it as ``by`` says, in pixels along y and x.

    Raises
    ------
    ImageError
        As of `move`, or if there is an object ``fresh`` or the type of the labels does not hold that number.
    """
    if fresh <= 0 or fresh > np.iinfo(labels.dtype).max:
        raise ImageError(f"A label {fresh} does not fit into labels of type {labels.dtype}. Convert them to int32.")
    if (labels == fresh).any():
        raise ImageError(f"There already is an object {fresh}. Choose a label that is free.")
    here = bounding_box(labels, label)
    mask = labels[here] == label
    return _laid(labels, fresh, mask, (here[0].start + by[0], here[1].start + by[1]))


def copy_beside(labels: _Labels, label: int, *, fresh: int) -> MaskEdit:
    """Lay a copy of an object, called ``fresh``, beside it where all of it is free, or as much of it as anywhere near.

    Raises
    ------
    ImageError
        As of `duplicate`, or if there is no room.
    """
    here = bounding_box(labels, label)
    mask = labels[here] == label
    best, most = None, 0
    for by in _places_beside(mask.shape):
        where, part = clip_to_image(labels.shape, mask, (here[0].start + by[0], here[1].start + by[1]))
        free = int(np.count_nonzero(part & (labels[where] == 0)))
        if free > most:
            best, most = by, free
    if best is None:
        raise ImageError(f"There is no room beside object {label}. Move or delete an object near it first.")
    return duplicate(labels, label, best, fresh=fresh)


def background(objects: Sliceable, mask: Sliceable, axes: str) -> _Mask:
    """Return what of an image is kept when its objects give way to those of a mask, plane by plane.

    Parameters
    ----------
    objects, mask : array-like of integers, of one shape
        0 is the background of each.
    axes : str
        One letter per axis of both.

    Returns
    -------
    ndarray of bool
        Of their shape; see `common_background`.

    Raises
    ------
    ImageError
        If they are not of one shape.
    """
    if tuple(objects.shape) != tuple(mask.shape):
        raise ImageError(
            f"The objects that are replaced are of the shape {tuple(objects.shape)}, but the mask is of "
            f"{tuple(mask.shape)}. Choose masks of the same size."
        )
    kept = np.zeros(mask.shape, dtype=bool)
    for index in planes(axes, mask.shape):
        kept[index] = common_background(np.asarray(objects[index]), np.asarray(mask[index]))
    return kept


def common_background(before: _Labels, after: _Labels, *, margin: int = 3) -> _Mask:
    """Return what of an image can be kept when its objects are replaced by others.

    Parameters
    ----------
    before, after : ndarray of integers, shape (y, x)
        The objects of the image, and those that are to be in their place; 0 is the background.
    margin : int
        Pixels around all objects that are drawn anew with them, since blur carries light beyond their borders.

    Returns
    -------
    ndarray of bool, shape (y, x)

    Raises
    ------
    ImageError
        If the shapes differ.
    """
    if before.shape != after.shape:
        raise ImageError(
            f"The objects of the image are of the shape {before.shape}, those in their place of {after.shape}. "
            "Choose masks of the same size."
        )
    objects = (before != 0) | (after != 0)
    if not objects.any():
        return np.ones(objects.shape, dtype=bool)
    return np.asarray(ndimage.distance_transform_edt(~objects) > margin)


def bounding_box(labels: _Labels, label: int) -> _Box:
    """Return the smallest box that holds an object, which is what changes when only its class does."""
    found = labels == label
    if label == 0 or not found.any():
        raise ImageError(f"There is no object {label} in these labels. Choose one that is there.")
    rows, columns = (np.flatnonzero(found.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _places_beside(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return steps from an object of that size to places around it, the nearer ones first."""
    directions = [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
    return [
        (round(down * far * (shape[0] + 1)), round(right * far * (shape[1] + 1)))
        for far in (1.0, 1.4, 2.0)
        for down, right in directions
    ]


def _reshaped(labels: _Labels, label: int, rng: Generator, **how: float) -> MaskEdit:
    """Turn, magnify or bend an object, its centre of gravity staying where it is; of several pieces one is left."""
    here = bounding_box(labels, label)
    before = labels[here] == label
    after = deformed(before, rng, **how)
    shift = np.subtract(_centre(before), _centre(after))
    start = tuple(span.start + round(float(by)) for span, by in zip(here, shift, strict=True))
    return _replaced(labels, label, after, start)


def _centre(mask: _Mask) -> NDArray[np.float64]:
    return np.asarray(np.argwhere(mask).mean(axis=0))


def _replaced(labels: _Labels, label: int, mask: _Mask, start: _Place) -> MaskEdit:
    """Give an object the pixels of a mask that begins at ``start``, instead of those that it has."""
    old = bounding_box(labels, label)
    new, part = clip_to_image(labels.shape, mask, start)
    free = part & np.isin(labels[new], (0, label))
    _check_left(free, label)
    box = tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(old, new, strict=True))
    after = labels[box].copy()
    after[after == label] = 0
    inner = tuple(slice(b.start - a.start, b.stop - a.start) for a, b in zip(box, new, strict=True))
    after[inner][free] = label
    return MaskEdit(box, after)


def _laid(labels: _Labels, label: int, mask: _Mask, start: _Place) -> MaskEdit:
    here, part = clip_to_image(labels.shape, mask, start)
    free = part & (labels[here] == 0)
    _check_left(free, label)
    after = labels[here].copy()
    after[free] = label
    return MaskEdit(here, after)


def _check_left(free: _Mask, label: int) -> None:
    if not free.any():
        raise ImageError(
            f"Nothing would be left of object {label}: all of it would be under other objects, outside of the image or "
            "smaller than a pixel. Choose another place or size."
        )
