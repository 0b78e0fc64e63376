"""Corrects the objects of one Labels layer: what is asked for, done in the background, and undone by Ctrl+Z."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ...engine.options import Stroke
from .book import ACCEPTED, Book
from .change import Change
from .corrected_layer import CorrectedLayer
from .given import Given
from .outliner import Outliner
from .pen import Pen
from .places import NOT_ON_PLANES, look_at, shows_planes
from .scratch import ScratchLayer


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
    scratch : ScratchLayer
        Where strokes are shown.
    parent : QObject
        Who asks; when it goes, everything stops.
    """

    said = Signal(str, bool)  # a sentence, and whether it is a warning
    changed = Signal()  # objects, states, what is selected, or whether a job runs

    def __init__(
        self, viewer: ViewerModel, layer: Labels, given: Callable[[], Given], scratch: ScratchLayer, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer, self.layer = viewer, layer
        self.pen = Pen(scratch, layer, self)
        self._objects = CorrectedLayer(viewer, layer, self.pen, self)
        self._outliner = Outliner(self._objects, given, self.pen, self)
        self.selection, self.stock = self._objects.selection, self._objects.stock
        self.tool: str | None = None
        self._came_to: int | None = None  # by way of `next_doubtful`
        self._objects.said.connect(self.said)
        self._objects.changed.connect(self.changed)
        self.pen.clicked.connect(self._on_click)
        self.pen.drawn.connect(self._on_stroke)
        self.stock.count()

    @property
    def book(self) -> Book | None:
        """What is known of the objects; None until they are counted for the first time."""
        return self._objects.book

    @property
    def busy(self) -> bool:
        """Whether the model is at work on a stroke, or is to be."""
        return self._outliner.busy

    @property
    def selected(self) -> int | None:
        """The object that somebody selected, if there is one of that label."""
        return self._objects.selected

    def close(self) -> None:
        """Stop, and leave the layer and the viewer as if nobody had corrected."""
        self._objects.close()
        self.cancel()
        self.pen.close()

    def cancel(self) -> None:
        """Give up the strokes that are being worked on."""
        self._outliner.cancel()

    # by hand ------------------------------------------------------------------------------------------------------

    def accept(self) -> None:
        """Accept the selected object as it is, and go on; an accepted one is given back."""
        self.stock.when_counted(self._accept)

    def next_doubtful(self) -> None:
        """Go to the object that the model is least sure of among those that nobody has looked at."""
        self.stock.when_counted(self._next_doubtful)

    def delete(self) -> None:
        """Delete the selected object."""
        self.stock.when_counted(self._delete)

    def _accept(self) -> None:
        book, label = self.book, self.selected
        assert book is not None
        if label is None:
            self._objects.say("Select an object first: click it, or go to the next doubtful one (N).")
            return
        accepted = book.state(label) == ACCEPTED
        book.accept(label, not accepted)
        self._objects.update_features()
        if accepted:
            self._objects.say(f"Object {label} is no longer accepted.")
        else:
            self._next_doubtful()

    def _next_doubtful(self) -> None:
        book = self.book
        assert book is not None
        waiting = book.doubtful()
        if not waiting:
            self._objects.say("Every object was looked at.")
            return
        label = waiting[0]
        if self.selected == self._came_to and self._came_to in waiting:  # passed over: go on, and in the end anew
            label = waiting[(waiting.index(self._came_to) + 1) % len(waiting)]
        self._came_to = label
        look_at(self._viewer, self.layer, book.inventory.box(label))
        self.selection.turn_to(label)

    def _delete(self) -> None:
        book, label = self.book, self.selected
        assert book is not None
        if label is None:
            self._objects.say("Select the object to delete first: click it.")
            return
        box = book.inventory.box(label)
        before = np.asarray(self.layer.data[box])
        after = np.where(before == label, 0, before)
        change = Change(tuple((s.start, s.stop) for s in box), before, after)
        self._objects.write(change, f"Object {label} deleted.")

    # by the model -------------------------------------------------------------------------------------------------

    def use(self, tool: str | None) -> None:
        """Take up a tool: "merge", "cut" or "add"; none to look and to select."""
        self.tool = tool
        self.pen.take({"merge": "object", "add": "object", "cut": "cut"}.get(tool or ""))
        self.changed.emit()

    def split(self) -> None:
        """Part the selected object as the model would; once more, in another way."""
        self.stock.when_counted(self._outliner.split)

    # the pen ------------------------------------------------------------------------------------------------------

    def _on_click(self, place: NDArray[np.float64]) -> None:
        if self._viewer.dims.ndisplay != 2:  # where a place on the screen is a line in space
            self._objects.say(NOT_ON_PLANES)
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
            self._objects.warn(NOT_ON_PLANES)
            return
        stroke = Stroke(kind=kind, points=tuple(tuple(float(p) for p in corner) for corner in corners))
        self._outliner.correct(stroke, all_stays=self.tool == "add")
