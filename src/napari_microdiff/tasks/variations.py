"""Variations: several images under one mask, which form at the same time, and what a judge says of each."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from ..engine.events import Done, Event, Notice, Preview, Progress, Result, Update
from ..engine.options import SynthesizeOptions
from ..engine.request import Request
from ..errors import RequestError
from ..imaging.axes import Sliceable, region_shape, region_slices
from ..imaging.judging import Scores
from .base import Source, open_source
from .judge import Judge
from .run import run


@dataclass(frozen=True)
class Variation:
    """One of the images.

    Attributes
    ----------
    result : Result
        As of `run`; it differs from the others in the seed.
    scores : Scores
        Of the judge.
    reasons : tuple of str
        Why it is not one to learn from; empty if it is, or if nobody judged.
    """

    result: Result
    scores: Scores = field(default_factory=Scores)
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variations:
    """All of them; nothing follows."""

    all: tuple[Variation, ...]


def variations(
    request: Request,
    labels: Sliceable,
    count: int,
    *,
    judge: Judge | None = None,
    behind: Sliceable | None = None,
    kept: Sliceable | None = None,
) -> Iterator[Update | Variations]:
    """Draw several images under a mask, an evaluation of each in turn.

    Parameters
    ----------
    request : Request
        For synthesis. The first image has its seed, the next the seed after it, and so on; each of them is what the
        same request with that seed makes alone.
    labels : array-like
        The mask.
    count : int
        Number of images, at least 1.
    judge : Judge, optional
        Who looks at the images in the end; then the region has to be one plane, and ``"sample"`` among the outputs.
    behind, kept : array-like, optional
        See `run`.

    Yields
    ------
    Progress, Notice, Preview
        While it goes on; ``preview.number`` tells the image, from 0. Closing the generator stops all.
    Variations
        Last.

    Raises
    ------
    ImageError, RequestError, ModelError, DeviceError
        As of `run`.
    """
    if count < 1:
        raise RequestError(f"At least one image can be drawn, not {count}.")
    if not isinstance(request.options, SynthesizeOptions):
        raise RequestError(f"Variations are drawn by 'synthesize', not by '{request.task}'. Change the task.")
    flat = None if judge is None else _flat(open_source(request, labels))
    if judge is not None:
        judge.check()
    drawing = [
        run(request.model_copy(update={"seed": request.seed + number}), labels, behind=behind, kept=kept)
        for number in range(count)
    ]
    results = yield from _in_turn(drawing)
    if judge is None or flat is None:
        yield Variations(tuple(Variation(result) for result in results))
        return
    judged = []
    for result in results:
        mask = np.asarray(labels[region_slices(result.region)])[flat]
        assert result.sample is not None
        scores = yield from judge.look_at(replace(result, sample=result.sample[flat]), mask)
        judged.append(Variation(result, scores, judge.reasons(result, scores)))
    yield Variations(tuple(judged))


def _flat(source: Source) -> tuple[int | slice, ...]:
    """Return the index that leaves the one plane of a region, or raise RequestError if there are several."""
    lengths = region_shape(source.region)
    if any(length > 1 for length, letter in zip(lengths, source.axes, strict=True) if letter not in "YX"):
        raise RequestError("Only images of one plane can be judged. Ask for a region of one plane.")
    return tuple(slice(None) if letter in "YX" else 0 for letter in source.axes)


def _in_turn(drawing: list[Iterator[Event]]) -> Generator[Update, None, list[Result]]:
    """Advance the drawing of all images together, and return their results."""
    started = time.monotonic()
    progress: dict[int, Progress] = {}
    results: dict[int, Result] = {}
    told: set[str] = set()
    try:
        while len(results) < len(drawing):
            for number, events in enumerate(drawing):
                if number in results:
                    continue
                event = next(events)
                match event:
                    case Done():
                        results[number] = event.result
                    case Progress():
                        progress[number] = event
                        yield _together(progress, len(drawing), time.monotonic() - started)
                    case Preview():
                        yield replace(event, number=number)
                    case Notice() if event.message not in told:
                        told.add(event.message)
                        yield event
    finally:
        for events in drawing:
            events.close()  # type: ignore[attr-defined]  # generators all of them
    return [results[number] for number in range(len(drawing))]


def _together(progress: dict[int, Progress], count: int, elapsed: float) -> Progress:
    """Add up how far the images are; those that have not begun are taken to be like the others."""
    done = sum(each.done for each in progress.values())
    total = max(each.total for each in progress.values()) * count
    return Progress(done, max(total, done), elapsed / max(1, done) * (total - done))
