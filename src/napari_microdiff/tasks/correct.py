"""One stroke, one correction: the window around it is outlined anew, and what the stroke touches changes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..engine.events import Update
from ..engine.options import Stroke
from ..engine.request import Request, Span
from ..errors import RequestError
from ..imaging.axes import PlaneIndex, Sliceable, region_of
from ..imaging.corrections import cut, joined
from .labelled import MARGIN, LabelledImage, window_around
from .strokes import StrokeMaps


@dataclass(frozen=True)
class Corrected:
    """What a stroke changes; nothing follows.

    Attributes
    ----------
    region : tuple of (start, stop)
        The window within the labels, one pair per axis.
    before, after : ndarray of int64
        Labels of the window; its shape. Outside nothing changes.
    """

    region: tuple[Span, ...]
    before: NDArray[np.int64]
    after: NDArray[np.int64]


def correct(
    request: Request,
    image: Sliceable,
    labels: Sliceable,
    stroke: Stroke,
    *,
    fresh: int,
    locked: Collection[int] = (),
) -> Iterator[Update | Corrected]:
    """Correct a segmentation by a stroke: "object" joins or adds, "cut" parts.

    Parameters
    ----------
    request : Request
        How the labels were made; it must say the diameter. One evaluation is spent.
    image, labels : array-like
        The image and its labels, without the image's axis of colours. If the request has a region, the labels are
        those of the region.
    stroke : Stroke
        In pixels of the labels.
    fresh : int
        First label that is not in use.
    locked : collection of int
        Labels of objects that must keep every pixel.

    Yields
    ------
    Progress, Preview, Notice
        Closing the generator stops the job.
    Corrected
        Last.

    Raises
    ------
    RequestError
        If labels or stroke do not fit the image, or the request says no diameter.
    """
    here = LabelledImage.of(request, image, labels)
    index = _plane_of(stroke, here.axes, here.shape)
    plane = np.asarray(labels[index]).astype(np.int64)
    drawn = _drawn(stroke, here.axes, index, plane.shape)
    window = window_around(_concerned(plane, drawn), round(MARGIN * here.diameter))
    region = region_of(index, window)
    (proposed,) = yield from here.outline_anew(region, strokes=(stroke,))
    part = tuple(slice(*span) for span in window)
    before, seen, line = plane[part], proposed.reshape(plane[part].shape), drawn[part]
    if stroke.kind == "cut":
        after = cut(before, seen, line, fresh=fresh, locked=locked)
    else:
        after = joined(before, seen, line, fresh=fresh, radius=here.diameter / 4, locked=locked)
    sizes = tuple(stop - start for start, stop in region)
    yield Corrected(region, before.reshape(sizes), after.reshape(sizes))


def _plane_of(stroke: Stroke, axes: str, shape: tuple[int, ...]) -> PlaneIndex:
    """Return the index of the plane that a stroke lies on."""
    StrokeMaps((stroke,), axes)  # says what is wrong with the number of its axes
    corner = stroke.points[0]
    if not all(-0.5 <= place < n - 0.5 for place, n in zip(corner, shape, strict=True)):
        raise RequestError("The stroke begins outside the image. Draw it on the image.")
    index: list[int | slice] = []
    for letter, place, length in zip(axes, corner, shape, strict=True):
        index.append(slice(0, length) if letter in "YX" else round(place))
    return tuple(index)


def _drawn(stroke: Stroke, axes: str, index: PlaneIndex, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    maps = StrokeMaps((stroke,), axes).of_plane(index, shape, shape).in_window(tuple((0, n) for n in shape))
    return np.asarray(maps.any(axis=0))


def _concerned(plane: NDArray[np.int64], drawn: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where the stroke is and all that it touches."""
    touched = np.unique(plane[drawn & (plane > 0)])
    return drawn | np.isin(plane, touched) if touched.size else drawn
