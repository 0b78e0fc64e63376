"""Label images and the smooth maps that a network can draw: there and back.

A label image jumps at every border and its numbers mean nothing, so it cannot be diffused. Two maps that say the same
are smooth: how deep inside its object a pixel lies, and how near it is to where two objects touch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import relabel_sequential

from ..errors import ImageError
from .basins import highest_in, part_into_basins
from .threads import in_threads

Maps = NDArray[np.float32]
Depth = Literal["even", "steep"]  # how a network draws the first map
_Box = tuple[slice, ...]
_Part = tuple[NDArray[np.intp], _Box]  # numbers of the pieces, and the box around them

REACH = 12.0  # pixels from an object at which the first map is -1
CONTACT = 3.0  # pixels; how wide a contact is drawn
_PART = 256  # pixels; side of the squares that are read at a time
_NEIGHBOURS = np.ones((3, 3))  # diagonal ones, too
SADDLE = 0.35  # of the depth; on held-out training images 0.2 keeps more that is not there, 0.5 joins more


def check_labels(labels: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return a plane of labels as integers.

    Parameters
    ----------
    labels : ndarray, shape (y, x)
        Whole numbers from 0, the background; of any type.

    Raises
    ------
    ImageError
        If it is not two-dimensional, or holds anything but whole numbers from 0 that 63 bits can tell.
    """
    if labels.ndim != 2:
        raise ImageError(f"Labels of one plane are needed, not shape {labels.shape}. Choose a plane.")
    if labels.dtype.kind == "f" and np.isfinite(labels).all() and (labels == np.floor(labels)).all():
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "uib":
        raise ImageError(f"Labels are whole numbers, not {labels.dtype}. Choose a label image.")
    if labels.size and labels.max() > np.iinfo(np.int64).max:
        raise ImageError(f"Labels of up to {labels.max()} are too large. Number the objects anew.")
    if labels.size and labels.min() < 0:
        raise ImageError("Labels start at 0, the background, but there are negative ones. Choose a label image.")
    return labels.astype(np.int64, copy=False)


def in_sequence(labels: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Return labels that are no larger than there are pixels, and for each what it was called before; 0 stays 0.

    What counts by label takes as much memory as the largest is.
    """
    largest = int(labels.max(initial=0))
    if largest <= labels.size:
        return labels, np.arange(largest + 1)
    names, places = np.unique(labels, return_inverse=True)
    places = places.reshape(labels.shape)
    return (places, names) if names[0] == 0 else (places + 1, np.concatenate([[0], names]))


def diameters(labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the diameter in pixels that each object would have as a disc, in the order of their labels."""
    areas = np.bincount(in_sequence(labels)[0].ravel())[1:]
    return np.asarray(2 * np.sqrt(areas[areas > 0] / np.pi))


def maps_of(labels: NDArray[np.generic]) -> Maps:
    """Draw the maps of a label image.

    Parameters
    ----------
    labels : ndarray, shape (y, x)
        0 is the background. Objects need not be numbered in sequence.

    Returns
    -------
    ndarray of float32, shape (2, y, x)
        *Depth*: inside an object the distance to its border over the largest in that object, so that every object
        reaches 1 whatever its size; outside it minus the distance to the nearest object over `REACH`, at least -1.
        *Contact*: ``2 exp(-(d1 + d2)^2 / 2 w^2) - 1`` for the distances to the two nearest objects and the width
        `CONTACT` (Ronneberger et al. 2015, arXiv:1505.04597, equation 2).

    Raises
    ------
    ImageError
        As of `check_labels`.
    """
    plane, _, _ = relabel_sequential(check_labels(labels))
    depth = np.zeros(plane.shape)
    nearest, second = (np.full(plane.shape, np.inf) for _ in range(2))
    for number, box in enumerate(ndimage.find_objects(plane), start=1):
        here = _grown(box, plane.shape)
        inside = plane[here] == number
        if inside.all():  # nothing else is in sight, so the border is everywhere equally far
            depth[here] = 1.0
            nearest[here] = 0.0
            continue
        own = ndimage.distance_transform_edt(inside)
        depth[here][inside] = own[inside] / own.max()
        away = ndimage.distance_transform_edt(~inside)
        second[here] = np.minimum(second[here], np.maximum(nearest[here], away))
        nearest[here] = np.minimum(nearest[here], away)
    outside = plane == 0
    depth[outside] = -np.minimum(nearest[outside] / REACH, 1)
    contact = 2 * np.exp(-((nearest + second) ** 2) / (2 * CONTACT**2)) - 1
    return np.stack([depth, contact]).astype(np.float32)


def as_drawn(maps: Maps, depth: Depth) -> Maps:
    """Return the maps as a network is to draw them.

    Parameters
    ----------
    maps : ndarray, shape (2, y, x)
        As of `maps_of`.
    depth : {"even", "steep"}
        *Steep* is the square root of the depth, with its sign: a network that is off by a little is off by most of a
        pixel at a border of the even depth of a large object, and by a tenth of one at a steep border.
    """
    return maps if depth == "even" else np.stack([np.sign(maps[0]) * np.sqrt(np.abs(maps[0])), maps[1]])


def as_read(maps: Maps, depth: Depth) -> Maps:
    """Return maps that a network has drawn as `labels_of` reads them: what `as_drawn` does is undone."""
    return maps if depth == "even" else np.stack([maps[0] * np.abs(maps[0]), maps[1]])


def _grown(box: _Box, shape: tuple[int, ...]) -> _Box:
    """Return a box with as much around it as an object is felt in."""
    margin = int(np.ceil(max(REACH, 4 * CONTACT)))
    return tuple(slice(max(0, b.start - margin), min(n, b.stop + margin)) for b, n in zip(box, shape, strict=True))


def labels_of(maps: NDArray[np.floating], *, saddle: float = SADDLE, smallest: int = 0) -> NDArray[np.int32]:
    """Read the objects from their maps.

    Pixels of positive depth are foreground. In it a watershed is seeded wherever the depth, less the contact, rises by
    at least ``saddle`` above the pass to a deeper place. Objects that are nowhere as deep as ``saddle`` are left out:
    maps that are a mean over what might be are shallow where an object is doubtful, so these are there in fewer than
    about ``saddle`` of the cases.

    Parameters
    ----------
    maps : ndarray, shape (2, y, x)
        Depth and contact, as of `maps_of`.
    saddle : float
        Between 0 and 1; smaller makes more objects.
    smallest : int
        Objects of fewer pixels are left out.

    Returns
    -------
    ndarray of int32, shape (y, x)
        Numbered from 1 in the order of their first pixel.
    """
    reading = reading_labels(maps, saddle=saddle, smallest=smallest)
    while True:
        try:
            next(reading)
        except StopIteration as done:
            labels: NDArray[np.int32] = done.value
            return labels


def reading_labels(
    maps: NDArray[np.floating], *, saddle: float = SADDLE, smallest: int = 0, side: int = _PART
) -> Generator[None, None, NDArray[np.int32]]:
    """Read the objects as `labels_of` does, part by part, so that who waits for it can stop in between.

    What lies in one connected piece of the foreground does not depend on any other piece. So pieces that begin in the
    same square of the plane are read together, and the labels are those of the whole plane. Only where places are
    equally deep to the last bit, another of them may be flooded first.

    Parameters
    ----------
    maps, saddle, smallest
        See `labels_of`.
    side : int
        Of the squares, in pixels.

    Yields
    ------
    None
        Before the labels of each part are put in their place. All cores read.

    Returns
    -------
    ndarray of int32, shape (y, x)
        See `labels_of`.
    """
    depth, contact = maps
    pieces, how_many = ndimage.label(depth > 0, _NEIGHBOURS)

    def read(part: _Part) -> NDArray[np.int32]:
        numbers, here = part
        belongs = np.zeros(how_many + 1, dtype=bool)
        belongs[numbers] = True
        return _objects_in(depth[here], contact[here], belongs[pieces[here]], saddle, smallest)

    found = np.zeros(depth.shape, dtype=np.int32)
    first = np.zeros(1, dtype=np.intp)  # pixel of each object, counted along rows
    parts = list(_parts(ndimage.find_objects(pieces), side))
    with in_threads(read, parts) as results:
        for _, here in parts:
            yield
            part = next(results)
            places = np.nonzero(part)
            part_labels = part[places]
            rows, columns = (at + span.start for at, span in zip(places, here, strict=True))
            found[rows, columns] = part_labels + (len(first) - 1)
            earliest = np.unique(part_labels, return_index=True)[1]
            first = np.append(first, rows[earliest] * depth.shape[1] + columns[earliest])
    number = np.zeros(len(first), dtype=np.int32)
    number[1 + np.argsort(first[1:])] = np.arange(1, len(first))
    return number[found]


def _parts(boxes: list[_Box], side: int) -> Iterator[_Part]:
    """Return the numbers of the pieces that begin in the same square, and the box around them, square by square."""
    squares: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, box in enumerate(boxes, start=1):
        squares[tuple(span.start // side for span in box)].append(number)
    for numbers in squares.values():
        spans = zip(*(boxes[number - 1] for number in numbers), strict=True)
        around = tuple(slice(min(s.start for s in span), max(s.stop for s in span)) for span in spans)
        yield np.array(numbers), around


def _objects_in(
    depth: NDArray[np.floating],
    contact: NDArray[np.floating],
    foreground: NDArray[np.bool_],
    saddle: float,
    smallest: int,
) -> NDArray[np.int32]:
    height = np.where(foreground, depth * (1 - np.clip((contact + 1) / 2, 0, 1)), -1.0).astype(np.float32)
    found = part_into_basins(height, foreground, saddle)
    left_out = (highest_in(found, depth) < saddle) | (np.bincount(found.ravel()) < smallest)
    found[left_out[found]] = 0
    return np.asarray(relabel_sequential(found)[0], dtype=np.int32)
