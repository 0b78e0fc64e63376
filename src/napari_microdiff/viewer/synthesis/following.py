"""The image follows the mask: after each edit its surroundings are drawn again, in the background.

All outside of them stays bit by bit as it is. Undoing an edit brings the pixels back that were there before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from ...engine.events import Preview, Result
from ...engine.options import SynthesizeOptions
from ...engine.record import KEY
from ...engine.request import Request, Span
from ...errors import MicrodiffError
from ...imaging.changes import around, changed_box, reclassified
from ..jobs import Job
from ..looks import displayable
from ..view import level_0
from . import words
from .classes import classes_in
from .patches import Patch, Patches

_SOON_MS = 80  # after the last change of the mask
_CHANGES = ("paint", "labels_update", "set_data")
_LARGEST = 2**26  # pixels of a mask that is compared after every stroke


@dataclass(frozen=True, eq=False)
class Pair:
    """A mask and the image that was drawn under it.

    Attributes
    ----------
    mask : Labels
    image : Image
        Of the part of the mask that the result says.
    result : Result
        How it was drawn.
    drawn_from : ndarray
        The mask that the image shows, all of it: as it was then, with the edits that were drawn since. A copy.
    known : tuple of str
        Classes of objects that its model knows.
    classes : dict of int to int
        Class of each object that has one, as the image shows them.
    """

    mask: Labels
    image: Image
    result: Result
    drawn_from: NDArray[Any]
    known: tuple[str, ...] = ()
    classes: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, mask: Labels, image: Image, result: Result, array: Any, known: tuple[str, ...]) -> Pair:
        """Return an image as it was drawn, and a mask which may be given a type of larger numbers later on."""
        assert isinstance(result.request.options, SynthesizeOptions)
        if isinstance(array, np.ndarray) and array.size <= _LARGEST:
            roomy = array.dtype.itemsize > np.dtype(np.int32).itemsize or array.dtype == np.uint32
            array = array.astype(np.int64 if roomy else np.int32)
        return cls(mask, image, result, array, known, dict(result.request.options.kinds))

    @property
    def part(self) -> tuple[slice, ...]:
        """Where the image lies on the mask."""
        return tuple(slice(*span) for span in self.result.region)


class Follower(QObject):
    """Draws again what is edited.

    Parameters
    ----------
    viewer : ViewerModel
        Where mask and image are.
    parent : QObject
        Who asks; when it goes, drawing stops.
    """

    said = Signal(str, bool)  # a sentence, and whether it is a warning

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._pair: Pair | None = None
        self._mask: NDArray[Any] | None = None  # of the part, as the image shows it
        self._patches = Patches()
        self._job: Job | None = None
        self._masks: list[Labels] = []  # the one that is followed
        self._undone: list[tuple[Pair, tuple[slice, ...], NDArray[Any]]] = []  # what is being drawn over
        self.destroyed.connect(partial(_leave, self._masks, self._on_change, self._undone))
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.compare)

    @property
    def pair(self) -> Pair | None:
        """What is followed."""
        return self._pair

    @property
    def busy(self) -> bool:
        """Whether something is being drawn, or is to be."""
        return self._job is not None or self._soon.isActive()

    def follow(self, pair: Pair) -> None:
        """Begin to follow, with what was edited since the image was drawn."""
        self.stop()
        array = level_0(pair.mask)
        if not isinstance(array, np.ndarray) or array.size > _LARGEST:
            self.said.emit(words.NOT_FOLLOWED, True)
            return
        # A window on the mask of the pair, which goes with the image: who follows it again begins where this one ends.
        self._pair, self._mask = pair, pair.drawn_from[pair.part]
        self._patches = Patches()
        for name in _CHANGES:
            getattr(pair.mask.events, name).connect(self._on_change)
        self._masks.append(pair.mask)
        self.said.emit(words.FOLLOWING, False)
        self._soon.start()

    def stop(self) -> None:
        """Follow no more; what was being drawn becomes again what it was."""
        self._soon.stop()
        if self._job is not None:
            self._job.cancel()
        _leave(self._masks, self._on_change, [])
        self._pair = self._mask = None

    def _on_change(self, event: object = None) -> None:
        self._soon.start()

    def compare(self) -> None:
        """Look for edits, and draw again where there are any."""
        pair, known = self._pair, self._mask
        if pair is None or known is None:
            return
        if pair.mask not in self._viewer.layers or pair.image not in self._viewer.layers:
            self.stop()
            return
        array = level_0(pair.mask)
        if array.shape != pair.drawn_from.shape:
            self.stop()
            return
        now = np.asarray(array[pair.part])
        try:
            classes = classes_in(pair.mask, pair.known)
        except MicrodiffError as error:
            self.stop()
            self.said.emit(str(error), True)
            return
        classes = dict(pair.classes) if classes is None else classes
        changed = changed_box(known, now, reclassified(pair.classes, classes))
        if self._job is not None:  # what it draws is out of date, or was taken back: its end begins anew
            self._job.cancel()
            return
        if changed is None:
            return
        region = around(changed, pair.result.request.axes or "", now.shape)
        box = tuple(slice(*span) for span in region)
        before = pair.image.data[box].copy()
        brought_back = self._patches.take_back(region, now[box], classes, before)
        if brought_back is not None:
            self._show(pair, box, brought_back)
            self._keep(pair, box, brought_back)
            self._remember(pair, box, now, classes)
            self.said.emit(words.BROUGHT_BACK, False)
            return
        self._draw(pair, now.copy(), classes, changed, region, before)

    def _draw(
        self,
        pair: Pair,
        now: NDArray[Any],
        classes: dict[int, int],
        changed: tuple[Span, ...],
        region: tuple[Span, ...],
        before: NDArray[Any],
    ) -> None:
        request = with_classes(pair.result.request, classes)
        start = partial(_redraw, request, now, pair.image.data, changed)
        job = Job(f"Drawing {pair.image.name}", start, self, quiet=True, eager=True)
        box = tuple(slice(*span) for span in region)
        job.previewed.connect(partial(self._preview, pair))
        job.done.connect(partial(self._drawn, pair, now, classes, region, before))
        job.cancelled.connect(partial(self._restore, pair, box, before))
        job.failed.connect(partial(self._failed, pair, box, before))
        job.ended.connect(partial(self._ended, job))
        self._job = job
        self._undone[:] = [(pair, box, before)]
        self.said.emit(words.DRAWING, False)
        job.start()

    def _preview(self, pair: Pair, previews: list[Preview]) -> None:
        for preview in previews:
            self._show(pair, tuple(slice(*span) for span in preview.region), _as_shown(pair, preview.image))

    def _drawn(
        self,
        pair: Pair,
        now: NDArray[Any],
        classes: dict[int, int],
        region: tuple[Span, ...],
        before: NDArray[Any],
        done: Any,
    ) -> None:
        box = tuple(slice(*span) for span in region)
        after = _as_shown(pair, done.image)
        self._show(pair, box, after)
        self._undone.clear()
        self._keep(pair, box, done.image)
        if self._pair is pair and self._mask is not None:
            masks = self._mask[box].copy(), now[box].astype(self._mask.dtype)
            self._patches.add(Patch(region, masks, (before, after), (dict(pair.classes), classes)))
            self._remember(pair, box, now, classes)
        _note(pair)
        self.said.emit(words.REDRAWN, False)

    @staticmethod
    def _keep(pair: Pair, box: tuple[slice, ...], pixels: NDArray[Any]) -> None:
        """Have what is saved be what is shown; colours are two arrays."""
        sample = pair.result.sample
        if sample is not None and sample is not pair.image.data:
            sample[box] = pixels

    def _remember(self, pair: Pair, box: tuple[slice, ...], now: NDArray[Any], classes: dict[int, int]) -> None:
        assert self._mask is not None
        self._mask[box] = now[box]
        pair.classes.clear()
        pair.classes.update(classes)

    def _failed(self, pair: Pair, box: tuple[slice, ...], before: NDArray[Any], message: str) -> None:
        self._restore(pair, box, before)
        self.stop()  # else every further stroke would fail, too
        self.said.emit(message, True)

    def _restore(self, pair: Pair, box: tuple[slice, ...], before: NDArray[Any]) -> None:
        self._show(pair, box, before)
        self._undone.clear()

    def _ended(self, job: Job) -> None:
        if self._job is job:
            self._job = None
            if self._pair is not None and job.stopping:
                self._soon.start()

    def _show(self, pair: Pair, box: tuple[slice, ...], pixels: NDArray[Any]) -> None:
        if pair.image in self._viewer.layers:
            pair.image.data[box] = pixels
            pair.image.refresh(thumbnail=False, highlight=False, extent=False)


def _leave(
    masks: list[Labels], hears: Callable[..., None], undone: list[tuple[Pair, tuple[slice, ...], NDArray[Any]]], *_: Any
) -> None:
    """Listen to masks no more, and take back what was being drawn; also when the follower is gone."""
    for mask in masks:
        for name in _CHANGES:
            getattr(mask.events, name).disconnect(hears)
    for pair, box, before in undone:
        pair.image.data[box] = before
        pair.image.refresh(thumbnail=False, highlight=False, extent=False)
    masks.clear()
    undone.clear()


def _as_shown(pair: Pair, pixels: NDArray[np.float32]) -> NDArray[Any]:
    return displayable(pixels, pair.image.data.dtype) if pair.image.rgb else pixels


def _note(pair: Pair) -> None:
    """Have the layer say that its request alone does not make it any more, and how often it was drawn on."""
    facts = json.loads(pair.image.metadata[KEY])
    times = facts["report"].get("redrawn", 0) + 1
    facts["report"]["redrawn"] = times
    pair.image.metadata[KEY] = json.dumps(facts)
    pair.result.report["redrawn"] = times


def with_classes(request: Request, classes: dict[int, int]) -> Request:
    """Return a request with other classes of the objects."""
    options = request.options.model_copy(update={"kinds": tuple(sorted(classes.items()))})
    return request.model_copy(update={"options": options})


def _redraw(request: Any, mask: NDArray[Any], image: NDArray[Any], changed: tuple[Span, ...]) -> Any:
    from ...tasks.redraw import redraw  # here, in the worker: torch comes with it

    return redraw(request, mask, image, changed)
