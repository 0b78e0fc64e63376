"""A set of synthetic pairs in a folder, made attempt by attempt; what was made already is not made again."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..engine.events import Progress, Result, Update
from ..engine.options import SynthesizeOptions
from ..engine.record import record
from ..engine.request import Request
from ..files import Picture
from ..files.convert import convert, type_for
from ..files.names import partners
from ..files.pair_layouts import LayoutName
from ..files.pair_set import Pair, PairSet
from ..imaging.judging import Limits, Scores
from ..models.store import find_model
from .augment import Attempt, Augmentation, Plan, check_patience
from .judge import Judge
from .reference import reference_of


@dataclass(frozen=True)
class Wanted:
    """What a set is to be.

    Attributes
    ----------
    request : Request
        For synthesis: model, guidance, camera and so on. Its seed is that of the whole set.
    masks : sequence of Picture
        Labels of one plane each, whose paths give them their names.
    styles : sequence of Picture
        Images, one of whose styles is taken over for each pair: that of the mask of the same name where there is one.
        None leaves the style to the request.
    count : int
        Pairs that the set is to have in all.
    layout : str
        See `files.pair_layouts`.
    layouts : {"random", "given"}
        See `Plan`.
    size : (int, int), optional
        Of random layouts.
    segmenter : str
        Model that judges.
    agreement : float
        How far it has to agree with a mask; 0 asks no judge.
    kinds : sequence of mapping of int to int
        See `Plan`.
    """

    request: Request
    masks: Sequence[Picture]
    styles: Sequence[Picture]
    count: int
    layout: LayoutName = "microdiff"
    layouts: Literal["random", "given"] = "random"
    size: tuple[int, int] | None = None
    segmenter: str = "segment-nuclei"
    agreement: float = 0.6
    kinds: Sequence[Mapping[int, int]] = ()


@dataclass(frozen=True)
class PairsMade:
    """The set is as large as it was to be; nothing follows.

    Attributes
    ----------
    accepted, rejected : int
        Pairs in the set, and images that were drawn and are not.
    new : int
        Pairs that were not there before.
    """

    accepted: int
    rejected: int
    new: int

    @property
    def pairs(self) -> str:
        """How many pairs there are, in words."""
        return "1 pair" if self.accepted == 1 else f"{self.accepted} pairs"


def make_pairs(wanted: Wanted, folder: Path) -> Iterator[Update | PairsMade]:
    """Make the pairs that are missing in a set.

    Parameters
    ----------
    wanted : Wanted
    folder : Path
        A new one, or that of a set which was begun with the same wishes.

    Yields
    ------
    Progress
        Pairs so far and in all, again and again while one is being made.
    Notice, Preview
        Of the image that is being drawn.
    PairsMade
        Last. Closing the generator stops it; pairs that were made stay, and the same call goes on with them.

    Raises
    ------
    MicrodiffError
        If anything is wrong with the request, the masks, the styles or the folder.
    """
    model = find_model(wanted.request.model)
    references = [reference_of(style.array, axes=style.axes) for style in wanted.styles]
    judge = Judge(wanted.segmenter, limits=Limits(mask=wanted.agreement), device=wanted.request.device)
    judge.check()  # also if it is not asked: the manifest names it
    plan = Plan(
        request=wanted.request,
        masks=[mask.array for mask in wanted.masks],
        references=references,
        own=own_images(wanted.masks, wanted.styles),
        layouts=wanted.layouts,
        shape=wanted.size,
        judge=judge if wanted.agreement else None,
        kinds=wanted.kinds,
    )
    making = Augmentation(plan)
    pairs = PairSet(folder, wanted.layout, _settings(wanted, model.card.weights_sha256))
    before, pace = pairs.accepted, _Pace(pairs.accepted, wanted.count)
    last: tuple[str, ...] = ()
    yield pace.at(pairs.accepted)
    while pairs.accepted < wanted.count:
        check_patience(pairs.attempts, pairs.accepted, wanted.count, last)
        attempt = yield from _with_pace(making.attempt(pairs.attempts), pace, pairs.accepted)
        last = attempt.reasons
        _keep(pairs, attempt, wanted)
        yield pace.at(pairs.accepted)
    yield PairsMade(pairs.accepted, pairs.attempts - pairs.accepted, pairs.accepted - before)


def own_images(masks: Sequence[Picture], images: Sequence[Picture]) -> list[int | None]:
    """Return for each mask the number of the image of its name, see `files.names.partners`."""
    return partners([_name(mask) for mask in masks], [_name(image) for image in images])


class _Pace:
    """Counts pairs and guesses the time that is left."""

    def __init__(self, before: int, count: int) -> None:
        self._before, self._count = before, count
        self._started = time.monotonic()

    def at(self, accepted: int) -> Progress:
        new = accepted - self._before
        if not new:
            return Progress(accepted, self._count)
        each = (time.monotonic() - self._started) / new
        return Progress(accepted, self._count, each * (self._count - accepted))


def _with_pace(
    attempt: Generator[Update, None, Attempt], pace: _Pace, accepted: int
) -> Generator[Update, None, Attempt]:
    """Tell how many pairs there are where an attempt tells how far it is itself."""
    while True:
        try:
            event = next(attempt)
        except StopIteration as stop:
            made: Attempt = stop.value
            return made
        yield pace.at(accepted) if isinstance(event, Progress) else event


def _keep(pairs: PairSet, attempt: Attempt, wanted: Wanted) -> None:
    style = None if attempt.reference is None else wanted.styles[attempt.reference]
    parents = [wanted.masks[number] for number in attempt.parents]
    source = _name(parents[0]) if attempt.mask is not None else "objects laid out at random"
    names = [_name(mask) for mask in parents]
    facts = facts_of(attempt.result, source, attempt.scores, names, None if style is None else _name(style))
    if attempt.reasons:
        pairs.reject(facts | {"reasons": list(attempt.reasons)})
        return
    assert attempt.result.sample is not None
    image = convert(attempt.result.sample, _type(attempt.result, None if style is None else style.dtype))
    pairs.add(Pair(image, attempt.labels, facts, parents[0].pixel_size_um))


def _type(drawn: Result, style: np.dtype[Any] | None) -> np.dtype[Any]:
    """Return the type of the images of the style, else one that holds the grey levels."""
    options = drawn.request.options
    assert isinstance(options, SynthesizeOptions)
    assert drawn.sample is not None
    if style is None:
        return type_for(options.levels, ends=drawn.sample.ndim == 3, noise=options.camera_noise)
    return np.dtype(np.uint8) if style.kind == "b" else style


def facts_of(result: Result, source: str, scores: Scores, parents: Sequence[str], style: str | None) -> dict[str, Any]:
    """Return what the manifest and the files say of an image that was drawn.

    Parameters
    ----------
    result : Result
        With ``sample``.
    source : str
        What the mask was.
    scores : Scores
        Of the judge.
    parents : sequence of str
        Names of the masks that objects were taken from.
    style : str, optional
        Name of the image whose style was taken over.
    """
    made = {"scores": scores.as_dict(), "parents": list(parents), "style": style}
    return record(result, "sample", source) | made


def _name(picture: Picture) -> str:
    return os.path.basename(picture.path or "")


def _settings(wanted: Wanted, weights: str) -> dict[str, Any]:
    """Return all that decides what the pairs are; how many there are, and on which device, is left open."""
    return {
        "request": wanted.request.model_dump(mode="json", exclude={"device", "precision", "tile"}),
        "weights": weights,
        "masks": _fingerprint(wanted.masks),
        "styles": _fingerprint(wanted.styles),
        "layouts": wanted.layouts,
        "size": wanted.size,
        "segmenter": wanted.segmenter,
        "agreement": wanted.agreement,
        **({"classes": [sorted(kinds.items()) for kinds in wanted.kinds]} if wanted.kinds else {}),
    }


def _fingerprint(pictures: Sequence[Picture]) -> str:
    digest = sha256()
    for picture in pictures:
        digest.update(f"{_name(picture)} {picture.shape} {picture.dtype.str}".encode())
        digest.update(np.ascontiguousarray(picture.array).tobytes())
    return digest.hexdigest()
