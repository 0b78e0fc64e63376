"""What runs in workers: opening folders and images, segmenting, saving. No layer is touched here.

Each function is a generator for a `Job`; its last event is its result.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engine.events import Done, Notice, Progress, Result
from ...engine.record import note
from ...errors import FileError
from ...files import Picture, check_writable, read_image
from ...files.series import (
    AUTO,
    EDITED,
    Entry,
    Fingerprint,
    OutputError,
    Segmentation,
    Series,
    State,
    changed_objects,
    labels_axes,
    open_series,
    state_table,
)
from ..corrections.book import ACCEPTED
from ..objects import import_tables
from .pixels import display_limits
from .recipe import SeriesRecipe


@dataclass(frozen=True, eq=False)
class Opened:
    """An image that was read, and its labels if it has any that fit.

    Attributes
    ----------
    name : str
        The image.
    picture : Picture
        Its pixels and what the file says of them.
    image : Fingerprint, optional
        What its file was like, if the image has to be segmented.
    limits : (float, float), optional
        Darkest and brightest value to tell apart.
    segmentation : Segmentation, optional
        Its labels.
    unusable : bool
        Whether there are labels on disk that cannot be shown on it.
    notices : tuple of str
        What the user should know.
    """

    name: str
    picture: Picture
    image: Fingerprint | None = None
    limits: tuple[float, float] | None = None
    segmentation: Segmentation | None = None
    unusable: bool = False
    notices: tuple[str, ...] = ()
    digest: bytes = b""  # of the labels and their table


@dataclass(frozen=True, eq=False)
class Draft:
    """Labels as they are in the viewer.

    Attributes
    ----------
    labels : ndarray of int
        A copy.
    known : dict, optional
        Columns label, confidence and state of the layer's features, if it has them still.
    opened : Opened
        What they belong to; its labels are those from which the user began.
    number : int
        Newer labels have a higher number.
    judged : bool
        Whether somebody keeps the states up to date; else an accepted object that was painted over says so still.
    """

    labels: NDArray[np.integer[Any]]
    known: dict[str, Any] | None
    opened: Opened
    number: int = 0
    judged: bool = False


class Turns:
    """Keeps older labels from being written after newer ones, whichever thread is first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._newest: dict[str, int] = {}

    def missed(self, draft: Draft) -> bool:
        """Whether newer labels of the image have had their turn; if not, this is the turn of these."""
        name = draft.opened.name
        if draft.number < self._newest.get(name, 0):
            return True
        self._newest[name] = draft.number
        return False


@dataclass(frozen=True)
class Saved:
    """Outcome of saving; ``entry`` is None if nothing had to be written."""

    digest: bytes
    entry: Entry | None


@dataclass(frozen=True)
class Refused:
    """A folder beside which nothing can be saved, and why; another folder for the results will do."""

    folder: Path
    reason: str


def look_through(folder: Path, output: Path | None) -> Iterator[Series | Refused]:
    """Open a folder where it was left."""
    import_tables()
    try:
        series = open_series(folder, output)
    except OutputError as error:
        yield Refused(folder, str(error))
    else:
        yield series


def read(series: Series, name: str) -> Iterator[Opened]:
    """Read an image and its labels, and note that it is looked at."""
    with suppress(FileError):  # where nothing can be written any more, images can still be looked at
        series.remember(last=name)
    image = None if series.has_labels(name) else Fingerprint.of(series.path(name))
    picture = _native(read_image(series.path(name)))
    series.forget_lost_labels(name)
    yield with_labels(series, Opened(name, picture, image, display_limits(picture)))


def with_labels(series: Series, opened: Opened) -> Opened:
    """Return an image with the labels that it has on disk."""
    name = opened.name
    if not series.has_labels(name):
        return opened
    try:
        found = series.load(name)
    except FileError as error:
        return replace(opened, unusable=True, notices=(str(error),))
    segmentation = found.for_image(opened.picture)
    notices = list(found.notices)
    if segmentation is None:
        notices.append(f"The labels of {name} have another size than the image. Segment it again to replace them.")
    elif series.image_changed(name):
        notices.append(f"{name} was changed after it was segmented. Check its labels, or segment it again.")
    missing = segmentation is None
    mark = b"" if segmentation is None else digest(segmentation.labels, segmentation.table)
    return replace(opened, segmentation=segmentation, unusable=missing, notices=tuple(notices), digest=mark)


def segment(
    series: Series, name: str, recipe: SeriesRecipe, opened: Opened | None, keep: Entry | None
) -> Iterator[Any]:
    """Segment an image and save its labels; the result is the image with them.

    Parameters
    ----------
    series : Series
        Where labels go.
    name : str
        The image.
    recipe : SeriesRecipe
        How to segment.
    opened : Opened, optional
        The image if it was read already. If it had labels then, it is read again, as it may have changed since.
    keep : Entry, optional
        What was known of labels that are kept under another name, if they are there still.
    """
    from ...tasks import run  # here, in the worker: torch comes with it

    with suppress(FileError):
        series.remember(settings=recipe.facts())
    if opened is None or opened.image is None:
        path = series.path(name)
        opened = Opened(name, image=Fingerprint.of(path), picture=_native(read_image(path)))
    result: Result | None = None
    for event in run(recipe.request(opened.picture), opened.picture.array):
        if isinstance(event, Progress | Notice):
            yield event
        elif isinstance(event, Done):
            result = event.result
    assert result is not None
    labels, axes = result.labels, labels_axes(opened.picture)
    keeps = keep is not None and not _replaced(series.entries[name], keep)
    if keeps:  # before the old ones go, make sure that the new ones can come
        check_writable(series.labels_path(name), labels.nbytes)
    kept = series.set_aside(name) if keeps else None
    known = {**result.objects, "state": np.full(len(result.objects["label"]), AUTO, dtype=object)}
    segmentation = Segmentation(labels, axes, state_table(labels, axes, known), note(result, "labels", name))
    sizes = opened.picture.pixel_size_um
    series.save(name, segmentation, State.SEGMENTED, pixel_size_um=sizes, image=opened.image)
    done = with_labels(series, replace(opened, notices=()))
    told = (f"The labels that it had are kept as {kept.name}.",) if kept is not None else ()
    yield replace(done, notices=(*done.notices, *told))


def _replaced(now: Entry, before: Entry) -> bool:
    """Whether labels were segmented anew since, as when that was cancelled only after it had saved them."""
    return now is not before and now.state is State.SEGMENTED


def save(series: Series, draft: Draft, known: bytes, turns: Turns) -> Iterator[Saved]:
    """Save labels if they are others than those with the digest ``known``; areas are measured anew."""
    table = _table(draft)
    now = digest(draft.labels, table)
    entry: Entry | None = None
    with turns.lock:
        if now != known and not turns.missed(draft):
            entry = _write(series, draft, table)
    yield Saved(now, entry)


def _table(draft: Draft) -> dict[str, Any]:
    began = draft.opened.segmentation
    assert began is not None
    table = state_table(draft.labels, began.axes, draft.known or began.table)
    touched = changed_objects(began.labels, draft.labels) if began.labels.shape == draft.labels.shape else set()
    states = table["state"]
    for at in np.flatnonzero((states == AUTO) | (states == ACCEPTED) & (not draft.judged)):
        if int(table["label"][at]) in touched:
            states[at] = EDITED
    table["confidence"] = np.where(states == EDITED, np.nan, table["confidence"])
    return table


def _write(series: Series, draft: Draft, table: dict[str, Any]) -> Entry:
    opened = draft.opened
    assert opened.segmentation is not None
    segmentation = replace(opened.segmentation, labels=draft.labels, table=table, notices=())
    return series.save(opened.name, segmentation, State.CORRECTING, pixel_size_um=opened.picture.pixel_size_um)


def mark(series: Series, name: str, state: State) -> Iterator[State]:
    """Note how far an image is."""
    series.mark(name, state)
    yield state


def digest(labels: NDArray[np.integer[Any]], table: dict[str, Any]) -> bytes:
    """Return what tells two label images with their tables apart."""
    facts = blake2b(np.ascontiguousarray(labels, dtype=np.int32).data)
    rows = zip(table["label"], table["confidence"], table["state"], strict=True)
    facts.update(repr([(int(label), f"{confidence:.6g}", str(state)) for label, confidence, state in rows]).encode())
    return facts.digest()


def _native(picture: Picture) -> Picture:
    """Return the image as napari can show it: in the byte order of this machine, and not of true and false."""
    array = picture.array
    if array.dtype == bool:
        return replace(picture, array=array.astype(np.uint8))
    return replace(picture, array=array.astype(picture.dtype)) if not array.dtype.isnative else picture
