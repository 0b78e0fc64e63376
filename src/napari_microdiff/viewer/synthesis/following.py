"""The image follows the mask: after each edit its surroundings are drawn again, in the background.

All outside of them stays bit by bit as it is. Undoing an edit brings the pixels back that were there before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from ...engine.events import Preview
from ...engine.request import Request, Span
from ...errors import MicrodiffError
from ...imaging.changes import around, changed_box, reclassified
from ..jobs import Job
from ..view import level_0
from . import words
from .classes import classes_in
from .drawn_pair import LARGEST, DrawnPair
from .patches import Patch, Patches

_SOON_MS = 80  # after the last change of the mask
_CHANGES = ("paint", "labels_update", "set_data")


@dataclass(frozen=True, eq=False)
class _Edit:
    """What was edited of a mask, and what has to be drawn again for it.

    Attributes
    ----------
    pair : DrawnPair
    mask : ndarray
        Of the part that the image shows, as it is now.
    classes : dict of int to int
        Of all objects, as they are now.
    changed : tuple of (start, stop)
        Box of what was edited, one pair per axis of the part.
    region : tuple of (start, stop)
        Box of what is drawn again.
    before : ndarray
        The image in the region, as it is still.
    """

    pair: DrawnPair
    mask: NDArray[Any]
    classes: dict[int, int]
    changed: tuple[Span, ...]
    region: tuple[Span, ...]
    before: NDArray[Any]

    @property
    def box(self) -> tuple[slice, ...]:
        """The region as an index."""
        return _box(self.region)


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
        self._pair: DrawnPair | None = None
        self._mask: NDArray[Any] | None = None  # of the part, as the image shows it
        self._patches = Patches()
        self._job: Job | None = None
        self._masks: list[Labels] = []  # the one that is followed
        self._drawing: list[_Edit] = []  # the one that is being drawn
        self.destroyed.connect(partial(_leave, self._masks, self._on_change, self._drawing))
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.compare)

    @property
    def pair(self) -> DrawnPair | None:
        """What is followed."""
        return self._pair

    @property
    def busy(self) -> bool:
        """Whether something is being drawn, or is to be."""
        return self._job is not None or self._soon.isActive()

    def follow(self, pair: DrawnPair) -> None:
        """Begin to follow, with what was edited since the image was drawn."""
        self.stop()
        array = level_0(pair.mask)
        if not isinstance(array, np.ndarray) or array.size > LARGEST:
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
        if not self._goes_on(pair):
            self.stop()
            return
        now = np.asarray(level_0(pair.mask)[pair.part])
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
        edit = _Edit(pair, now, classes, changed, region, pair.image.data[_box(region)].copy())
        if not self._take_back(edit):
            self._draw(replace(edit, mask=now.copy()))  # which may be edited while it is drawn

    def _goes_on(self, pair: DrawnPair) -> bool:
        """Whether mask and image are still there, and as large as they were."""
        layers = self._viewer.layers
        return pair.mask in layers and pair.image in layers and level_0(pair.mask).shape == pair.drawn_from.shape

    def _take_back(self, edit: _Edit) -> bool:
        """Bring back what was there if the edit undoes an earlier one; whether it does."""
        pair, box = edit.pair, edit.box
        pixels = self._patches.take_back(edit.region, edit.mask[box], edit.classes, edit.before)
        if pixels is None:
            return False
        self._show(pair, box, pixels)
        pair.keep(box, pixels)
        self._remember(edit)
        self.said.emit(words.BROUGHT_BACK, False)
        return True

    def _draw(self, edit: _Edit) -> None:
        pair = edit.pair
        request = with_classes(pair.result.request, edit.classes)
        start = partial(_redraw, request, edit.mask, pair.image.data, edit.changed)
        job = Job(f"Drawing {pair.image.name}", start, self, quiet=True, eager=True)
        job.previewed.connect(partial(self._preview, pair))
        job.done.connect(partial(self._on_drawn, edit))
        job.cancelled.connect(partial(self._restore, edit))
        job.failed.connect(partial(self._on_failed, edit))
        job.ended.connect(partial(self._on_ended, job))
        self._job = job
        self._drawing[:] = [edit]
        self.said.emit(words.DRAWING, False)
        job.start()

    def _preview(self, pair: DrawnPair, previews: list[Preview]) -> None:
        for preview in previews:
            self._show(pair, _box(preview.region), pair.as_shown(preview.image))

    def _on_drawn(self, edit: _Edit, done: Any) -> None:
        pair, box = edit.pair, edit.box
        after = pair.as_shown(done.image)
        self._show(pair, box, after)
        self._drawing.clear()
        pair.keep(box, done.image)
        if self._pair is pair and self._mask is not None:
            masks = self._mask[box].copy(), edit.mask[box].astype(self._mask.dtype)
            self._patches.add(Patch(edit.region, masks, (edit.before, after), (dict(pair.classes), edit.classes)))
            self._remember(edit)
        pair.note_redrawn()
        self.said.emit(words.REDRAWN, False)

    def _remember(self, edit: _Edit) -> None:
        """Note what the image shows now."""
        assert self._mask is not None
        self._mask[edit.box] = edit.mask[edit.box]
        edit.pair.keep_classes(edit.classes)

    def _on_failed(self, edit: _Edit, message: str) -> None:
        self._restore(edit)
        self.stop()  # else every further stroke would fail, too
        self.said.emit(message, True)

    def _restore(self, edit: _Edit) -> None:
        self._show(edit.pair, edit.box, edit.before)
        self._drawing.clear()

    def _on_ended(self, job: Job) -> None:
        if self._job is job:
            self._job = None
            if self._pair is not None and job.stopping:
                self._soon.start()

    def _show(self, pair: DrawnPair, box: tuple[slice, ...], pixels: NDArray[Any]) -> None:
        if pair.image in self._viewer.layers:
            pair.show(box, pixels)


def _leave(masks: list[Labels], hears: Callable[..., None], drawing: list[_Edit], *_: Any) -> None:
    """Listen to masks no more, and take back what was being drawn; also when the follower is gone."""
    for mask in masks:
        for name in _CHANGES:
            getattr(mask.events, name).disconnect(hears)
    for edit in drawing:
        edit.pair.show(edit.box, edit.before)
    masks.clear()
    drawing.clear()


def _box(region: tuple[Span, ...]) -> tuple[slice, ...]:
    return tuple(slice(*span) for span in region)


def with_classes(request: Request, classes: dict[int, int]) -> Request:
    """Return a request with other classes of the objects."""
    options = request.options.model_copy(update={"kinds": tuple(sorted(classes.items()))})
    return request.model_copy(update={"options": options})


def _redraw(request: Any, mask: NDArray[Any], image: NDArray[Any], changed: tuple[Span, ...]) -> Any:
    from ...tasks.redraw import redraw  # here, in the worker: torch comes with it

    return redraw(request, mask, image, changed)
