"""A layer whose objects are corrected: which there are, which one is selected, and how a change is written."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from napari.components import ViewerModel
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ...imaging.inventory import Inventory
from ..objects import behind_proxy, colour_by_confidence, is_coloured_by_confidence
from .book import Book, Columns, prints_of, says
from .change import Change, write
from .pen import Pen
from .places import corners_of
from .selection import Selection
from .stock import Stock

# Our columns and the fingerprints of objects, as they were when somebody ceased to correct a layer.
_LEFT: WeakKeyDictionary[Labels, tuple[Columns, dict[int, int]]] = WeakKeyDictionary()


class CorrectedLayer(QObject):
    """The objects of one layer, which is held as an object.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer is.
    layer : Labels
        Whole numbers in memory that may be written.
    pen : Pen
        Frames the selected object.
    parent : QObject
        Who asks; when it goes, everything stops.

    Attributes
    ----------
    book : Book or None
        What is known of the objects; None until they are counted for the first time.
    """

    said = Signal(str, bool)  # a sentence, and whether it is a warning
    changed = Signal()  # objects, states, or what is selected

    def __init__(self, viewer: ViewerModel, layer: Labels, pen: Pen, parent: QObject) -> None:
        super().__init__(parent)
        self.viewer, self.layer, self._pen = viewer, layer, pen
        self.book: Book | None = None
        self.selection = Selection(layer, self)
        self.stock = Stock(viewer, layer, self)
        self._told: dict[str, NDArray[Any]] | None = None  # features that were given to the layer
        self.stock.counted.connect(self._on_counted)
        self.stock.turned.connect(self._frame)
        self.stock.failed.connect(self.warn)
        self.selection.changed.connect(self._on_selected)

    @property
    def selected(self) -> int | None:
        """The object that somebody selected, if there is one of that label."""
        label = self.selection.label
        return label if label is not None and self.book is not None and label in self.book else None

    def say(self, text: str) -> None:
        """Say a sentence."""
        self.said.emit(text, False)

    def warn(self, text: str) -> None:
        """Say a sentence that is a warning."""
        self.said.emit(text, True)

    def fresh(self) -> int:
        """Return the first label that nobody uses or is about to."""
        assert self.book is not None
        return max(self.book.fresh, self.selection.painted + 1)

    def clear(self, change: Change) -> Change:
        """Return the change without numbers that others have got meanwhile, or are about to be painted."""
        book, painted = self.book, self.selection.painted
        assert book is not None
        return change.clear_of(lambda label: label in book or label == painted, self.fresh())

    def write(self, change: Change, words: str = "", *, select: bool = True) -> bool:
        """Write a change and say so, or why not; whether it was written."""
        assert self.book is not None
        if self.layer not in self.viewer.layers:
            self.warn("The layer was removed; the correction has nowhere to go.")
            return False
        problem = write(self.layer, change, self.book.locked)
        self.said.emit(problem or words or change.words(), bool(problem))
        if not problem and select and change.selects is not None:
            self.selection.select(change.selects)
        return not problem

    def update_features(self) -> None:
        """Have the features of the layer say what the book does."""
        assert self.book is not None
        features = self.book.features()
        new, self._told = self.book.table(features, self._told, self.layer.features), features
        if new is not None:
            self.layer.features = new
            if is_coloured_by_confidence(self.layer):
                colour_by_confidence(self.layer, True)
        self._frame()
        self.changed.emit()

    def close(self) -> None:
        """Count and follow no more."""
        if self.book is not None and self._told is not None:
            _LEFT[behind_proxy(self.layer)] = self._told, prints_of(self.book.inventory)
        self.stock.close()
        self.selection.close()

    def _on_counted(self, inventory: Inventory) -> None:
        if self.book is None:
            self.book = Book(inventory, self.layer.features, self._prints_left())
        else:
            self.book.update(inventory)
        self.update_features()

    def _prints_left(self) -> dict[int, int] | None:
        """Return the fingerprints of the objects that the table was written of, if we wrote it: some may be painted."""
        told, prints = _LEFT.get(self.layer, (None, None))
        return prints if told is not None and says(self.layer.features, told) else None

    def _on_selected(self) -> None:
        self._frame()
        self.changed.emit()

    def _frame(self) -> None:
        label = self.selected
        if label is None:
            self._pen.frame(None)
            return
        assert self.book is not None
        self._pen.frame(corners_of(self.viewer, self.layer, self.book.inventory.box(label)))
