"""What the model is asked for: strokes, one after the other, and the ways to split an object."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from napari.layers import Labels
from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtWidgets import QApplication

from ...engine.options import Stroke
from ...errors import MicrodiffError
from ..jobs import Job
from .change import Change
from .corrected_layer import CorrectedLayer
from .given import Given
from .pen import Pen
from .places import NOT_ON_PLANES, pixel_of, shows_planes
from .ways import Ways

_BRUSHES = ("paint", "erase")
_RELEASED_MS = 50  # how often to look whether a brush was lifted


class _Asked(NamedTuple):
    """A stroke, whether all that is there must stay, and how often an object had been selected when it was drawn."""

    stroke: Stroke
    all_stays: bool
    turns: int


class Outliner(QObject):
    """Has the model work on one layer in the background, one job at a time, and writes what comes of it.

    Parameters
    ----------
    objects : CorrectedLayer
        Where that is written.
    given : callable
        Returns what the layer was made from; asked for at each stroke. Raises `MicrodiffError` if there is nothing.
    pen : Pen
        Shows a stroke until it was worked on.
    parent : QObject
        Who asks; when it goes, everything stops.
    """

    def __init__(self, objects: CorrectedLayer, given: Callable[[], Given], pen: Pen, parent: QObject) -> None:
        super().__init__(parent)
        self._objects, self._given, self._pen = objects, given, pen
        self._waiting: deque[_Asked] = deque()
        self._landing = 0  # strokes that the model has seen, and that wait for the objects to be counted
        self._ways: Ways | None = None
        self._job: Job | None = None
        self._held: list[tuple[Change, int]] = []  # until a brush is lifted
        self._lifted = QTimer(self)
        self._lifted.setSingleShot(True)
        self._lifted.setInterval(_RELEASED_MS)
        self._lifted.timeout.connect(self._land_held)

    @property
    def busy(self) -> bool:
        """Whether the model is at work on a stroke, or is to be."""
        return self._job is not None or bool(self._waiting) or self._landing > 0

    def cancel(self) -> None:
        """Give up the strokes that are being worked on."""
        self._waiting.clear()
        self._lifted.stop()
        self._landing -= len(self._held)
        self._held.clear()
        self._pen.forget()
        if self._job is not None:
            self._job.cancel()

    def _try_given(self) -> Given | None:
        """Return what the layer was made from, or say why that is not to be had."""
        try:
            return self._given()
        except MicrodiffError as error:
            self._objects.warn(str(error))
            return None

    def _begin(self, job: Job, done: Callable[[Any], None]) -> None:
        self._job = job
        job.done.connect(done)
        job.failed.connect(self._objects.warn)
        job.ended.connect(self._on_ended)
        self._objects.changed.emit()
        job.start()

    def _on_ended(self) -> None:
        self._job = None
        self._objects.changed.emit()
        self._work()

    # strokes ------------------------------------------------------------------------------------------------------

    def correct(self, stroke: Stroke, *, all_stays: bool) -> None:
        """Work on a stroke when its turn comes, and leave all objects as they are that are there if so asked."""
        self._waiting.append(_Asked(stroke, all_stays, self._objects.selection.turns))
        self._work()

    def _work(self) -> None:
        """Begin with the next stroke when the objects are known as they are."""
        if self._job is None and self._waiting:
            self._objects.stock.when_counted(self._correct)

    def _correct(self) -> None:
        book, layer = self._objects.book, self._objects.layer
        if self._job is not None or not self._waiting or book is None:
            return
        asked = self._waiting.popleft()
        locked = frozenset(book.inventory.labels.tolist()) if asked.all_stays else book.locked
        given = self._try_given()
        if given is None:
            self._pen.forget(1)
            self._objects.changed.emit()
            self._work()
            return
        start = partial(given.correction, layer.data, asked.stroke, self._objects.fresh(), locked)
        job = Job(f"Correcting {layer.name}", start, self)
        job.ended.connect(partial(self._pen.forget, 1))
        self._begin(job, partial(self._on_corrected, asked.turns))

    def _on_corrected(self, turns: int, corrected: Any) -> None:
        """Write what came of a stroke when the objects are known as they are now: one need not have waited for it."""
        change = Change(corrected.region, corrected.before, corrected.after)
        self._landing += 1
        self._objects.stock.when_counted(partial(self._land, change, turns))

    def _land(self, change: Change, turns: int) -> None:
        if _is_painted(self._objects.layer):  # napari takes what is written within a stroke back together with it
            self._held.append((change, turns))
            self._lifted.start()
            return
        self._landing -= 1
        looking = self._objects.layer.mode == "pan_zoom" and turns == self._objects.selection.turns
        self._objects.write(self._objects.clear(change), select=looking)
        self._objects.changed.emit()

    def _land_held(self) -> None:
        held, self._held = self._held, []
        for change, turns in held:
            self._objects.stock.when_counted(partial(self._land, change, turns))

    # splitting ----------------------------------------------------------------------------------------------------

    def split(self) -> None:
        """Part the selected object as the model would; once more, in another way. The objects have to be counted."""
        objects, label = self._objects, self._objects.selected
        assert objects.book is not None
        if label is None:
            objects.say("Select the object to split first: click it.")
            return
        if self._ways is not None and self._show_next_of(self._ways):
            return
        if not shows_planes(objects.viewer, objects.layer):
            objects.warn(NOT_ON_PLANES)
            return
        given = self._try_given()
        place = pixel_of(objects.viewer, objects.layer, objects.book.inventory.box(label), label)
        if place is None:
            objects.say("The selected object is not on the plane that is shown. Go to it first.")
        elif given is not None and self._job is None:
            start = partial(given.splits, objects.layer.data, place, objects.fresh())
            self._begin(Job(f"Splitting {objects.layer.name}", start, self), self._on_ways)

    def _show_next_of(self, ways: Ways) -> bool:
        """Part the object in the next way; whether there is one for it as it is."""
        change = ways.next(self._objects.layer.data, self._objects.selected)
        if change is not None and not self._objects.write(change, ways.words()):
            ways.refused()
        return change is not None

    def _on_ways(self, splits: Any) -> None:
        self._objects.stock.when_counted(partial(self._show_ways, splits))

    def _show_ways(self, splits: Any) -> None:
        changes = (Change(splits.region, splits.before, after) for after in splits.after)
        self._ways = Ways(splits.region, splits.before, tuple(self._objects.clear(change).after for change in changes))
        if not self._ways.found:
            self._objects.say("The model always sees one object here. Use Cut and draw the border.")
        elif not self._show_next_of(self._ways):
            self._objects.warn("The object was edited, or another one selected, meanwhile. Split it again.")


def _is_painted(layer: Labels) -> bool:
    """Whether a brush is down."""
    return layer.mode in _BRUSHES and QApplication.mouseButtons() != Qt.MouseButton.NoButton
