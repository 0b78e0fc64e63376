"""One stroke, one correction: the window around it is outlined anew, and what the stroke touches changes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..engine.events import Done, Notice, Preview, Progress
from ..engine.request import Request, SegmentOptions, Span, Stroke
from ..errors import RequestError
from ..imaging.axes import PlaneIndex, Sliceable
from ..imaging.corrections import cut, joined
from .base import Source, open_source
from .run import run
from .strokes import StrokeMaps

_MARGIN = 2.0  # diameters around what is touched that are outlined anew, so that neighbours are seen whole


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
) -> Iterator[Progress | Preview | Notice | Corrected]:
    """Correct a segmentation by a stroke: "object" joins or adds, "cut" parts.

    Parameters
    ----------
    request : Request
        How the labels were made; it must say the diameter. One evaluation is spent.
    image, labels : array-like
        The image and its labels, without the image's axis of colours.
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
    options = request.options
    if not isinstance(options, SegmentOptions) or options.diameter is None:
        raise RequestError("A correction needs a request to segment that says the diameter of the objects.")
    opened = open_source(request, image)
    axes = opened.axes.replace("S", "")
    shape = tuple(n for n, letter in zip(opened.shape, opened.axes, strict=True) if letter != "S")
    if tuple(labels.shape) != shape:
        raise RequestError(
            f"The labels have the shape {tuple(labels.shape)}, but the image {shape}. Choose the labels of this image."
        )
    index = _plane_of(stroke, axes, shape)
    plane = np.asarray(labels[index]).astype(np.int64)
    drawn = _drawn(stroke, axes, index, plane.shape)
    window = _window(plane, drawn, round(_MARGIN * options.diameter))
    region = _region(index, window)
    anew = request.model_copy(
        update={
            "region": _with_colours(region, opened),
            "outputs": ("labels",),
            "steps": 1,
            "samples": 1,
            "options": options.model_copy(update={"strokes": (*options.strokes, stroke)}),
        }
    )
    proposed = None
    for event in run(anew, image):
        if isinstance(event, Done):
            proposed = event.result.labels
        else:
            yield event
    assert proposed is not None
    here = tuple(slice(*span) for span in window)
    before, seen, line = plane[here], proposed.reshape(plane[here].shape), drawn[here]
    if stroke.kind == "cut":
        after = cut(before, seen, line, fresh=fresh, locked=locked)
    else:
        after = joined(before, seen, line, fresh=fresh, radius=options.diameter / 4, locked=locked)
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


def _window(plane: NDArray[np.int64], drawn: NDArray[np.bool_], margin: int) -> tuple[Span, ...]:
    """Return the span along each axis of the stroke and of all that it touches, and a margin."""
    touched = np.unique(plane[drawn & (plane > 0)])
    concerned = drawn | np.isin(plane, touched) if touched.size else drawn
    spans = []
    for axis, length in enumerate(plane.shape):
        places = np.flatnonzero(concerned.any(axis=1 - axis))
        spans.append((max(0, int(places[0]) - margin), min(length, int(places[-1]) + 1 + margin)))
    return tuple(spans)


def _region(index: PlaneIndex, window: tuple[Span, ...]) -> tuple[Span, ...]:
    inside = iter(window)
    return tuple(next(inside) if isinstance(part, slice) else (part, part + 1) for part in index)


def _with_colours(region: tuple[Span, ...], source: Source) -> tuple[Span, ...]:
    """Return the region of the image, which may have an axis of colours besides."""
    inside = iter(region)
    return tuple(
        (0, length) if letter == "S" else next(inside) for letter, length in zip(source.axes, source.shape, strict=True)
    )
