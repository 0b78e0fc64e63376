"""Corrects the objects of one Labels layer: what is asked for, done in the background, and undone by Ctrl+Z."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from ...engine.request import Request, Stroke
from ...errors import MicrodiffError
from ...imaging.inventory import Inventory, take_inventory
from ..jobs import Job
from .book import ACCEPTED, Book
from .change import Change, write
from .pen import Pen
from .places import corners_of, look_at, pixel_of
from .scratch import Scratch
from .ways import Ways, splits_of

_SOON_MS = 200  # after the last change of the labels the objects are counted again
_CHANGES = ("paint", "labels_update", "set_data")


@dataclass(frozen=True)
class Given:
    """What corrections are made from: the image as it was when the layer was chosen, and how it was segmented."""

    request: Request
    image: Any


class Editor(QObject):
    """The corrections of one layer, which is held as an object.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer is.
    layer : Labels
        Whole numbers in memory that may be written.
    given : callable
        Returns what the layer was made from; asked for at each stroke. Raises `MicrodiffError` if there is nothing.
    scratch : Scratch
        Where strokes are shown.
    parent : QObject
        Who asks; when it goes, everything stops.
    """

    said = Signal(str, bool)  # a sentence, and whether it is a warning
    changed = Signal()  # objects, states, what is selected, or whether a job runs

    def __init__(
        self, viewer: ViewerModel, layer: Labels, given: Callable[[], Given], scratch: Scratch, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer, self.layer, self._given = viewer, layer, given
        self.pen = Pen(scratch, layer, self)
        self.book: Book | None = None
        self.tool: str | None = None
        self._waiting: deque[Stroke] = deque()
        self._untouched: dict[int, bool] = {}
        self._came_to: int | None = None  # by way of `next_doubtful`
        self._ways: Ways | None = None
        self._job: Job | None = None
        self._count: Job | None = None
        self._then: list[Callable[[], None]] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self._take_stock)
        self.pen.clicked.connect(self._on_click)
        self.pen.drawn.connect(self._on_stroke)
        self._shown = tuple(viewer.dims.point)
        for name in _CHANGES:
            getattr(layer.events, name).connect(self._on_change)
        layer.events.selected_label.connect(self._on_selected)
        self._take_stock()

    # what is known ------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether the model is at work on a stroke."""
        return self._job is not None

    @property
    def selected(self) -> int | None:
        """The object that is selected, if there is one of that label."""
        label = int(self.layer.selected_label)
        return label if self.book is not None and label in self.book else None

    def when_counted(self, then: Callable[[], None]) -> None:
        """Call back when the objects are known as they are now."""
        if self.book is not None and self._count is None and not self._soon.isActive():
            then()
        else:
            self._then.append(then)

    def close(self) -> None:
        """Stop, and leave the layer and the viewer as if nobody had corrected."""
        self._soon.stop()
        self.cancel()
        if self._count is not None:
            self._count.cancel()
        for name in _CHANGES:
            getattr(self.layer.events, name).disconnect(self._on_change)
        self.layer.events.selected_label.disconnect(self._on_selected)
        self.pen.close()

    def _on_change(self, event: Any) -> None:
        now = tuple(self._viewer.dims.point)
        turned, self._shown = now != self._shown, now
        if event.type == "set_data" and turned:
            self._frame()  # another plane is shown, which napari tells in the same way as undo
        else:
            self._soon.start()

    def _take_stock(self) -> None:
        if self._count is not None:
            self._soon.start()
            return
        job = Job("Counting objects", partial(_inventory, self.layer.data), self, quiet=True)
        self._count = job
        job.done.connect(self._on_counted)
        job.failed.connect(lambda message: self.said.emit(message, True))
        job.ended.connect(self._on_count_ended)
        job.start()

    def _on_counted(self, inventory: Inventory) -> None:
        if self.book is None:
            self.book = Book(inventory, self.layer.features)
        self.book.inventory = inventory
        self._tell()

    def _on_count_ended(self) -> None:
        self._count = None
        if not self._soon.isActive():
            then, self._then = self._then, []
            for each in then:
                each()

    def _tell(self) -> None:
        """Bring the layer's features up to date."""
        assert self.book is not None
        features = self.book.features()
        known = self.layer.features
        same = len(known) == len(features["index"]) and all(
            column in known and list(known[column].fillna(-1)) == list(np.where(values != values, -1, values))
            for column, values in features.items()
        )
        if not same:
            self.layer.features = features
        self._frame()
        self.changed.emit()

    # what is asked for --------------------------------------------------------------------------------------------

    def use(self, tool: str | None) -> None:
        """Take up a tool: "merge", "cut" or "add"; none to look and to select."""
        self.tool = tool
        self.pen.take({"merge": "object", "add": "object", "cut": "cut"}.get(tool or ""))
        self.changed.emit()

    def accept(self) -> None:
        """Accept the selected object as it is, and go on; an accepted one is given back."""
        self.when_counted(self._accept)

    def next_doubtful(self) -> None:
        """Go to the object that the model is least sure of among those that nobody has looked at."""
        self.when_counted(self._next_doubtful)

    def delete(self) -> None:
        """Delete the selected object."""
        self.when_counted(self._delete)

    def cancel(self) -> None:
        """Give up the strokes that are being worked on."""
        self._waiting.clear()
        self.pen.forget()
        if self._job is not None:
            self._job.cancel()

    def _accept(self) -> None:
        assert self.book is not None
        label = self.selected
        if label is None:
            self.said.emit("Select an object first: click it, or go to the next doubtful one (N).", False)
            return
        accepted = self.book.state(label) == ACCEPTED
        self.book.accept(label, not accepted)
        self._tell()
        if accepted:
            self.said.emit(f"Object {label} is no longer accepted.", False)
        else:
            self._next_doubtful()

    def _next_doubtful(self) -> None:
        assert self.book is not None
        waiting = self.book.doubtful()
        if not waiting:
            self.said.emit("Every object was looked at.", False)
            return
        label = waiting[0]
        if self.selected == self._came_to and self._came_to in waiting:  # passed over: go on, and in the end anew
            label = waiting[(waiting.index(self._came_to) + 1) % len(waiting)]
        self._came_to = label
        look_at(self._viewer, self.layer, self.book.inventory.box(label))
        self.layer.selected_label = label

    def _delete(self) -> None:
        assert self.book is not None
        label = self.selected
        if label is None:
            self.said.emit("Select the object to delete first: click it.", False)
            return
        box = self.book.inventory.box(label)
        before = np.asarray(self.layer.data[box])
        after = np.where(before == label, 0, before)
        self._write(Change(tuple((s.start, s.stop) for s in box), before, after), f"Object {label} deleted.")

    def split(self) -> None:
        """Part the selected object as the model would; once more, in another way."""
        self.when_counted(self._split)

    def _split(self) -> None:
        assert self.book is not None
        label = self.selected
        if label is None:
            self.said.emit("Select the object to split first: click it.", False)
            return
        change = None if self._ways is None else self._ways.next(self.layer.data, label)
        if change is not None:
            assert self._ways is not None
            self._write(change, self._ways.words())
            return
        given, place = self._asked(), pixel_of(self._viewer, self.layer, self.book.inventory.box(label), label)
        if place is None:
            self.said.emit("The selected object is not on the plane that is shown. Go to it first.", False)
        elif given is not None and self._job is None:
            start = splits_of(given, self.layer.data, place, self.book.fresh)
            self._begin(Job(f"Splitting {self.layer.name}", start, self), self._on_ways)

    def _on_ways(self, splits: Any) -> None:
        self._ways = Ways(splits)
        if self._ways.found:
            self._split()
        else:
            self.said.emit("The model always sees one object here. Use Cut and draw the border.", False)

    # strokes ------------------------------------------------------------------------------------------------------

    def _on_click(self, place: NDArray[np.float64]) -> None:
        pixel = tuple(np.round(place).astype(int))
        shape = self.layer.data.shape
        if self.tool is None and all(0 <= p < n for p, n in zip(pixel, shape, strict=True)):
            label = int(self.layer.data[pixel])
            if label:
                self.layer.selected_label = label

    def _on_stroke(self, corners: NDArray[np.float64]) -> None:
        kind = self.pen.kind
        assert kind is not None
        stroke = Stroke(kind=kind, points=tuple(tuple(float(p) for p in corner) for corner in corners))
        self._untouched[id(stroke)] = self.tool == "add"
        self._waiting.append(stroke)
        self._work()

    def _work(self) -> None:
        """Begin with the next stroke when the objects are known as they are."""
        if self._job is None and self._waiting:
            self.when_counted(self._correct)

    def _correct(self) -> None:
        if self._job is not None or not self._waiting:
            return
        assert self.book is not None
        stroke = self._waiting.popleft()
        keep_all = self._untouched.pop(id(stroke))
        locked = frozenset(self.book.inventory.labels.tolist()) if keep_all else self.book.locked
        given = self._asked()
        if given is None:
            self.pen.forget(1)
            return
        start = partial(_corrected, given, self.layer.data, stroke, self.book.fresh, locked)
        self._begin(Job(f"Correcting {self.layer.name}", start, self), self._on_corrected)

    def _asked(self) -> Given | None:
        """Return what the layer was made from, or say why that is not to be had."""
        try:
            return self._given()
        except MicrodiffError as error:
            self.said.emit(str(error), True)
            return None

    def _begin(self, job: Job, done: Callable[[Any], None]) -> None:
        self._job = job
        job.done.connect(done)
        job.failed.connect(lambda message: self.said.emit(message, True))
        job.ended.connect(self._on_ended)
        self.changed.emit()
        job.start()

    def _on_corrected(self, corrected: Any) -> None:
        change = Change(corrected.region, corrected.before, corrected.after)
        self._write(change, "")

    def _on_ended(self) -> None:
        self._job = None
        self.pen.forget(1)
        self.changed.emit()
        self._work()

    def _write(self, change: Change, words: str) -> None:
        assert self.book is not None
        if self.layer not in self._viewer.layers:
            self.said.emit("The layer was removed; the correction has nowhere to go.", True)
            return
        problem = write(self.layer, change, self.book.locked)
        self.said.emit(problem or words or change.words(), bool(problem))
        if not problem and change.selects is not None:
            self.layer.selected_label = change.selects

    # what is shown ------------------------------------------------------------------------------------------------

    def _on_selected(self, event: object = None) -> None:
        self._frame()
        self.changed.emit()

    def _frame(self) -> None:
        label = self.selected
        if label is None:
            self.pen.frame(None)
            return
        assert self.book is not None
        self.pen.frame(corners_of(self._viewer, self.layer, self.book.inventory.box(label)))


def _corrected(given: Given, labels: Any, stroke: Stroke, fresh: int, locked: frozenset[int]) -> Iterator[Any]:
    from ...tasks.correct import correct  # here, in the worker: torch comes with it

    return correct(given.request, given.image, labels, stroke, fresh=fresh, locked=locked)


def _inventory(labels: Any) -> Iterator[Inventory]:
    yield take_inventory(labels)
