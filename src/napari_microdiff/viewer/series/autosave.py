"""Saves the labels of one layer about a second after they were last changed, and at once before the user moves on.

Labels are copied on the GUI thread and written by a worker, one after the other. What decides whether anything is
written is a comparison of the labels themselves, so no event of napari can be missed or be one too many.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QObject, QTimer, Signal

from ...errors import MicrodiffError
from ...files.series import Entry, Series
from ..corrections.settling import is_corrected
from ..jobs import Job
from . import work
from .work import Draft, Opened, Saved

PAUSE_S = 1.0  # after the last change
LONGEST_S = 10.0  # while changes follow each other without such a pause
_COPY_SHARE = 20  # copying labels takes less than this part of the GUI thread's time
# Painting and filling tell `paint`, undo and redo `set_data`; a correction of the table tells `features`.
_EVENTS = ("paint", "labels_update", "set_data", "features")
_COLUMNS = {"label": "index", "confidence": "confidence", "state": "state"}


class Autosave(QObject):
    """Watches a Labels layer and keeps its file up to date."""

    saved = Signal(str, object)  # the image, Entry
    settled = Signal()  # a try to save is over, with or without a `problem`

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.layer: Labels | None = None
        self.problem = ""  # why the last try to save failed
        self._series: Series | None = None
        self._opened: Opened | None = None
        self._digest = b""
        self._job: Job | None = None
        self._then: Callable[[], None] | None = None
        self._turns, self._number = work.Turns(), 0
        self._touched = self._again = False
        self._since = 0.0
        self._pause = PAUSE_S
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._due)

    @property
    def name(self) -> str:
        """The image whose labels are watched, or nothing."""
        return "" if self._opened is None else self._opened.name

    @property
    def working(self) -> bool:
        """Whether something is being saved."""
        return self._job is not None

    def attach(self, series: Series, opened: Opened, layer: Labels) -> None:
        """Watch the layer of an image that was opened with its labels."""
        self.detach()
        self._series, self._opened, self.layer = series, opened, layer
        self._digest, self._touched, self.problem = opened.digest, False, ""
        for name in _EVENTS:
            getattr(layer.events, name).connect(self._on_change)

    def detach(self) -> None:
        """Watch no layer any more; what is being written is still written."""
        self._timer.stop()
        if self.layer is not None:
            for name in _EVENTS:
                getattr(self.layer.events, name).disconnect(self._on_change)
        self.layer = self._opened = self._then = None
        self._touched, self.problem = False, ""

    def then(self, what: Callable[[], None]) -> None:
        """Save now what is not saved yet, and do something when it is on the disk; if that fails it is not done.

        Changes that no event told of are saved too, as when a program writes into the array.

        Parameters
        ----------
        what : callable
            It takes the place of what was to be done before and is not done yet.
        """
        if self.layer is None:
            what()
            return
        self._timer.stop()
        self._then = what
        if self._job is not None:
            self._again = True
        else:
            self._start()

    def write_now(self) -> None:
        """Save before this returns: for what may be the last moment, after which nothing is done in the background."""
        self._timer.stop()
        if self.layer is None or self._series is None:
            return
        draft = self._draft()
        try:
            (outcome,) = work.save(self._series, draft, self._digest, self._turns)
        except MicrodiffError as error:
            self._on_failed(draft, str(error))
        else:
            self._on_done(draft, outcome)

    def _on_change(self, event: object = None) -> None:
        if not self._touched:
            self._touched, self._since = True, time.monotonic()
        if time.monotonic() - self._since < LONGEST_S:
            self._timer.start(int(1000 * self._pause))

    def _due(self) -> None:
        if self._job is not None:
            self._timer.start(int(1000 * self._pause))
        elif self.layer is not None:
            self._start()

    def _draft(self) -> Draft:
        assert self.layer is not None
        assert self._opened is not None
        began = time.monotonic()
        self._touched, self._number = False, self._number + 1
        table = self.layer.features
        there = set(_COLUMNS.values()) <= set(table.columns)
        known: dict[str, Any] | None = None
        if there:
            known = {ours: table[theirs].to_numpy(copy=True) for ours, theirs in _COLUMNS.items()}
        draft = Draft(np.array(self.layer.data), known, self._opened, self._number, is_corrected(self.layer))
        self._pause = max(PAUSE_S, _COPY_SHARE * (time.monotonic() - began))
        return draft

    def _start(self) -> None:
        draft = self._draft()
        self._again = False
        start = partial(work.save, self._series, draft, self._digest, self._turns)
        self._job = job = Job(f"Saving {draft.opened.name}", start, self, quiet=True)
        job.done.connect(partial(self._on_done, draft))
        job.failed.connect(partial(self._on_failed, draft))
        job.ended.connect(self._on_ended)
        job.start()

    def _on_done(self, draft: Draft, outcome: Saved) -> None:
        if draft.opened is self._opened and draft.number == self._number:  # else newer ones were written meanwhile
            self._digest, self.problem = outcome.digest, ""
        if isinstance(outcome.entry, Entry):
            self.saved.emit(draft.opened.name, outcome.entry)

    def _on_failed(self, draft: Draft, message: str) -> None:
        if draft.opened is self._opened:
            self._touched, self.problem = True, message
            self._timer.start(int(1000 * LONGEST_S))  # the disk may have room again

    def _on_ended(self) -> None:
        self._job = None
        late = self._touched and self._then is not None and not self.problem  # edited while it was saved
        if (self._again or late) and self.layer is not None:
            self._start()
            return
        self._again = False
        then, self._then = self._then, None
        self.settled.emit()
        if then is not None and not self.problem:
            then()
