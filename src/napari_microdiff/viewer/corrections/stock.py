"""Keeps count of the objects of a layer, in the background, after whatever changed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, QTimer, Signal

from ...imaging.inventory import Inventory, take_inventory
from ..jobs import Job

_SOON_MS = 200  # after the last change of the labels the objects are counted again
_CHANGES = ("paint", "labels_update", "set_data")


class Stock(QObject):
    """Counts on opening and after every change: by a tool, napari's brush, undo or redo.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer is.
    layer : Labels
        Whole numbers in memory.
    parent : QObject
        Who asks; when it goes, counting stops.
    """

    counted = Signal(object)  # Inventory
    turned = Signal()  # another plane is shown
    failed = Signal(str)

    def __init__(self, viewer: ViewerModel, layer: Labels, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._layer = viewer, layer
        self._shown, self._point = self._plane(), tuple(viewer.dims.point)
        self._job: Job | None = None
        self._then: list[Callable[[], None]] = []
        self._soon = QTimer(self)
        self._perhaps = QTimer(self)  # as soon, but nobody waits for it
        for timer in (self._soon, self._perhaps):
            timer.setSingleShot(True)
            timer.setInterval(_SOON_MS)
            timer.timeout.connect(self.count)
        for name in _CHANGES:
            getattr(layer.events, name).connect(self._on_change)

    def count(self) -> None:
        """Count now, or once more after the count that is under way."""
        if self._job is not None:
            self._soon.start()
            return
        self._job = Job("Counting objects", partial(_inventory, self._layer.data), self, quiet=True)
        self._job.done.connect(self.counted)
        self._job.failed.connect(self.failed)
        self._job.ended.connect(self._on_ended)
        self._job.start()

    def when_counted(self, then: Callable[[], None]) -> None:
        """Call back when the objects are known as they are now."""
        if self._job is None and not self._soon.isActive():
            then()
        else:
            self._then.append(then)

    def close(self) -> None:
        """Count no more."""
        self._soon.stop()
        self._perhaps.stop()
        self._then.clear()
        if self._job is not None:
            self._job.cancel()
        for name in _CHANGES:
            getattr(self._layer.events, name).disconnect(self._on_change)

    def _on_change(self, event: Any) -> None:
        plane, point = self._plane(), tuple(self._viewer.dims.point)
        turned, moved = plane != self._shown, point != self._point
        self._shown, self._point = plane, point
        if event.type == "set_data" and turned:
            self.turned.emit()
        elif event.type == "set_data" and moved:
            self._perhaps.start()  # another layer came or was turned, or it was undo: napari says no more
        else:
            self._soon.start()

    def _plane(self) -> tuple[tuple[int, float], ...]:
        """Return where the layer is cut to be shown; the sliders of other layers do not matter."""
        dims = self._viewer.dims
        first = dims.ndim - self._layer.ndim
        return tuple((axis - first, float(dims.point[axis])) for axis in dims.not_displayed if axis >= first)

    def _on_ended(self) -> None:
        self._job = None
        while self._then and not self._soon.isActive():  # for one of them may change the labels
            self._then.pop(0)()


def _inventory(labels: Any) -> Iterator[Inventory]:
    yield take_inventory(labels)
