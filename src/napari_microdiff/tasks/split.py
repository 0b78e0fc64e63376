"""Several ways to part an object that may be a clump, each from noise of its own.

Where two halves look alike nothing in the image says which is which, and a mean over all answers parts nothing. Noise
takes a side (Kirkegaard 2024 trains a network on that; here it is the noise that a diffusion model starts from), so
that each sample is one whole answer, and how often an answer comes says how likely the model holds it to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..engine.events import Update
from ..engine.request import Request, Span
from ..errors import RequestError
from ..imaging.axes import Sliceable, region_of
from ..imaging.corrections import parted
from ..imaging.matching import overlaps
from .labelled import MARGIN, LabelledImage, window_around

_SAMPLES, _STEPS = 6, 4
_SADDLES = (None, 0.15, 0.05)  # where no sample parts the object, ever shallower places are taken for borders
_SAME = 0.75  # least intersection over union of the parts of two answers that are taken for one


@dataclass(frozen=True)
class Splits:
    """Ways to part an object; nothing follows.

    Attributes
    ----------
    region : tuple of (start, stop)
        The window within the labels, one pair per axis.
    before : ndarray of int64
        Labels of the window; its shape.
    after : tuple of ndarray of int64
        Labels of the window for each way, the likeliest first. The largest part keeps the label of the object.
    """

    region: tuple[Span, ...]
    before: NDArray[np.int64]
    after: tuple[NDArray[np.int64], ...]


def propose_splits(
    request: Request, image: Sliceable, labels: Sliceable, place: tuple[int, ...], *, fresh: int
) -> Iterator[Update | Splits]:
    """Propose ways to part the object at a place.

    Parameters
    ----------
    request, image, labels, fresh
        As for `correct`.
    place : tuple of int
        A pixel of the object, one number per axis of the labels. It is parted on the plane of that pixel.

    Yields
    ------
    Progress, Preview, Notice
        Closing the generator stops the job.
    Splits
        Last; without a way if the model always sees one object.

    Raises
    ------
    RequestError
        If labels and image do not fit, or there is no object at the place.
    """
    here = LabelledImage.of(request, image, labels)
    index = tuple(slice(0, n) if a in "YX" else p for a, n, p in zip(here.axes, here.shape, place, strict=True))
    plane = np.asarray(labels[index]).astype(np.int64)
    label = int(plane[tuple(p for a, p in zip(here.axes, place, strict=True) if a in "YX")])
    if not label:
        raise RequestError("There is no object at this place to be split. Click one first.")
    window = window_around(plane == label, round(MARGIN * here.diameter))
    region = region_of(index, window)
    before = plane[tuple(slice(*span) for span in window)]
    ways: list[tuple[int, NDArray[np.int64]]] = []
    for saddle in _SADDLES:
        draws = yield from here.outline_anew(region, steps=_STEPS, samples=_SAMPLES, saddle=saddle)
        for seen in draws:
            after = parted(before, seen.reshape(before.shape), label, fresh=fresh)
            if after is not None:
                _count(ways, after, before == label)
        if ways:
            break
    ways.sort(key=lambda way: -way[0])
    sizes = tuple(stop - start for start, stop in region)
    yield Splits(region, before.reshape(sizes), tuple(way.reshape(sizes) for _, way in ways))


def _count(ways: list[tuple[int, NDArray[np.int64]]], new: NDArray[np.int64], whole: NDArray[np.bool_]) -> None:
    """Add a way to part an object, or count it with one that is nearly the same."""
    for number, (times, known) in enumerate(ways):
        pair = overlaps(np.where(whole, known, 0), np.where(whole, new, 0))
        if len(pair.true_ids) == len(pair.found_ids) and pair.best().min() >= _SAME:
            ways[number] = times + 1, known
            return
    ways.append((1, new))
