"""Corrects the objects of one Labels layer: what is asked for, done in the background, and undone by Ctrl+Z."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ...engine.options import Stroke
from ...errors import MicrodiffError
from ...imaging.inventory import Inventory
from ..jobs import Job
from ..objects import colour_by_confidence, is_coloured_by_confidence
from .book import ACCEPTED, Book
from .change import Change, write
from .given import Given
from .pen import Pen
from .places import corners_of, look_at, pixel_of, shows_planes
from .scratch import Scratch
from .selection import Selection
from .stock import Stock
from .ways import Ways

_ASIDE = "Objects are corrected on planes of height and width. Go back to the 2-D display of them first."


class _Asked(NamedTuple):
    """A stroke, whether all that is there must stay, and how often an object had been selected when it was drawn."""

    stroke: Stroke
    all_stays: bool
    turns: int


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
        self.selection = Selection(layer, self)
        self._told: dict[str, NDArray[Any]] | None = None  # features that were given to the layer
        self._waiting: deque[_Asked] = deque()
        self._landing = 0  # strokes that the model has seen, and that wait for the objects to be counted
        self._came_to: int | None = None  # by way of `next_doubtful`
        self._ways: Ways | None = None
        self._job: Job | None = None
        self.stock = Stock(viewer, layer, self)
        self.stock.counted.connect(self._on_counted)
        self.stock.turned.connect(self._frame)
        self.stock.failed.connect(self._on_failed)
        self.pen.clicked.connect(self._on_click)
        self.pen.drawn.connect(self._on_stroke)
        self.selection.changed.connect(self._on_selected)
        self.stock.count()

    # what is known ------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether the model is at work on a stroke, or is to be."""
        return self._job is not None or bool(self._waiting) or self._landing > 0

    @property
    def selected(self) -> int | None:
        """The object that somebody selected, if there is one of that label."""
        label = self.selection.label
        return label if label is not None and self.book is not None and label in self.book else None

    def close(self) -> None:
        """Stop, and leave the layer and the viewer as if nobody had corrected."""
        self.stock.close()
        self.cancel()
        self.selection.close()
        self.pen.close()

    def _on_counted(self, inventory: Inventory) -> None:
        if self.book is None:
            self.book = Book(inventory, self.layer.features)
        else:
            self.book.update(inventory)
        self._tell()

    def _on_failed(self, message: str) -> None:
        self.said.emit(message, True)

    def _tell(self) -> None:
        """Bring the layer's features up to date."""
        assert self.book is not None
        features = self.book.features()
        new, self._told = self.book.table(features, self._told, self.layer.features), features
        if new is not None:
            self.layer.features = new
            if is_coloured_by_confidence(self.layer):
                colour_by_confidence(self.layer, True)
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
        self.stock.when_counted(self._accept)

    def next_doubtful(self) -> None:
        """Go to the object that the model is least sure of among those that nobody has looked at."""
        self.stock.when_counted(self._next_doubtful)

    def delete(self) -> None:
        """Delete the selected object."""
        self.stock.when_counted(self._delete)

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
        self.selection.turn_to(label)

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
        self.stock.when_counted(self._split)

    def _split(self) -> None:
        assert self.book is not None
        label = self.selected
        if label is None:
            self.said.emit("Select the object to split first: click it.", False)
            return
        if self._ways is not None and self._show_next_of(self._ways):
            return
        if not shows_planes(self._viewer, self.layer):
            self.said.emit(_ASIDE, True)
            return
        given, place = self._asked(), pixel_of(self._viewer, self.layer, self.book.inventory.box(label), label)
        if place is None:
            self.said.emit("The selected object is not on the plane that is shown. Go to it first.", False)
        elif given is not None and self._job is None:
            start = partial(given.splits, self.layer.data, place, self._fresh())
            self._begin(Job(f"Splitting {self.layer.name}", start, self), self._on_ways)

    def _show_next_of(self, ways: Ways) -> bool:
        """Part the object in the next way; whether there is one for it as it is."""
        change = ways.next(self.layer.data, self.selected)
        if change is not None and not self._write(change, ways.words()):
            ways.refused()
        return change is not None

    def _on_ways(self, splits: Any) -> None:
        self.stock.when_counted(partial(self._show_ways, splits))

    def _show_ways(self, splits: Any) -> None:
        ways = (Change(splits.region, splits.before, after) for after in splits.after)
        self._ways = Ways(splits.region, splits.before, tuple(self._clear(way).after for way in ways))
        if not self._ways.found:
            self.said.emit("The model always sees one object here. Use Cut and draw the border.", False)
        elif not self._show_next_of(self._ways):
            self.said.emit("The object was edited, or another one selected, meanwhile. Split it again.", True)

    # strokes ------------------------------------------------------------------------------------------------------

    def _on_click(self, place: NDArray[np.float64]) -> None:
        if self._viewer.dims.ndisplay != 2:  # where a place on the screen is a line in space
            self.said.emit(_ASIDE, False)
            return
        pixel = tuple(np.round(place).astype(int))
        shape = self.layer.data.shape
        if self.tool is None and all(0 <= p < n for p, n in zip(pixel, shape, strict=True)):
            label = int(self.layer.data[pixel])
            if label:
                self.selection.turn_to(label)

    def _on_stroke(self, kind: str, corners: NDArray[np.float64]) -> None:
        if not shows_planes(self._viewer, self.layer):
            self.pen.forget()
            self.said.emit(_ASIDE, True)
            return
        stroke = Stroke(kind=kind, points=tuple(tuple(float(p) for p in corner) for corner in corners))
        self._waiting.append(_Asked(stroke, self.tool == "add", self.selection.turns))
        self._work()

    def _work(self) -> None:
        """Begin with the next stroke when the objects are known as they are."""
        if self._job is None and self._waiting:
            self.stock.when_counted(self._correct)

    def _correct(self) -> None:
        if self._job is not None or not self._waiting or self.book is None:
            return
        asked = self._waiting.popleft()
        locked = frozenset(self.book.inventory.labels.tolist()) if asked.all_stays else self.book.locked
        given = self._asked()
        if given is None:
            self.pen.forget(1)
            self.changed.emit()
            self._work()
            return
        start = partial(given.correction, self.layer.data, asked.stroke, self._fresh(), locked)
        job = Job(f"Correcting {self.layer.name}", start, self)
        job.ended.connect(partial(self.pen.forget, 1))
        self._begin(job, partial(self._on_corrected, asked.turns))

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
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)
        self.changed.emit()
        job.start()

    def _on_corrected(self, turns: int, corrected: Any) -> None:
        """Write what came of a stroke when the objects are known as they are now: one need not have waited for it."""
        change = Change(corrected.region, corrected.before, corrected.after)
        self._landing += 1
        self.stock.when_counted(partial(self._land, change, turns))

    def _land(self, change: Change, turns: int) -> None:
        self._landing -= 1
        looking = self.layer.mode == "pan_zoom" and turns == self.selection.turns
        self._write(self._clear(change), "", select=looking)
        self.changed.emit()

    def _clear(self, change: Change) -> Change:
        """Return the change without numbers that others have got meanwhile, or are about to be painted."""
        book, painted = self.book, self.selection.painted
        assert book is not None
        return change.clear_of(lambda label: label in book or label == painted, self._fresh())

    def _fresh(self) -> int:
        """Return the first label that nobody uses or is about to."""
        return max(self.book.fresh, self.selection.painted + 1)

    def _on_ended(self) -> None:
        self._job = None
        self.changed.emit()
        self._work()

    def _write(self, change: Change, words: str, *, select: bool = True) -> bool:
        """Write a change and say so, or why not; whether it was written."""
        assert self.book is not None
        if self.layer not in self._viewer.layers:
            self.said.emit("The layer was removed; the correction has nowhere to go.", True)
            return False
        problem = write(self.layer, change, self.book.locked)
        self.said.emit(problem or words or change.words(), bool(problem))
        if not problem and select and change.selects is not None:
            self.selection.select(change.selects)
        return not problem

    # what is shown ------------------------------------------------------------------------------------------------

    def _on_selected(self) -> None:
        self._frame()
        self.changed.emit()

    def _frame(self) -> None:
        label = self.selected
        if label is None:
            self.pen.frame(None)
            return
        assert self.book is not None
        self.pen.frame(corners_of(self._viewer, self.layer, self.book.inventory.box(label)))
