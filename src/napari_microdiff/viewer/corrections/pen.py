"""Drawing strokes over a Labels layer while it stays the active one. All of it runs on the GUI thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from .scratch import Drawing, ScratchLayer

COLOURS = {"object": "#4fd1ff", "cut": "#ff8c1a"}
_FRAME = "#ffe14d"
_PLACED = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")  # events of a layer


class Pen(QObject):
    """Takes clicks and strokes on one layer and shows them.

    Parameters
    ----------
    scratch : ScratchLayer
        Where strokes are shown.
    layer : Labels
        The layer that is drawn over.
    parent : QObject
        Who asks.
    """

    clicked = Signal(object)  # a place, in pixels of the layer
    drawn = Signal(str, object)  # its kind, and the corners of a line, in pixels of the layer

    def __init__(self, scratch: ScratchLayer, layer: Labels, parent: QObject) -> None:
        super().__init__(parent)
        self._scratch, self._layer = scratch, layer
        self._kind: str | None = None  # what a stroke stands for; without, dragging moves the view as always
        self._frame: NDArray[np.float64] | None = None
        self._paths: list[tuple[str, NDArray[np.float64]]] = []
        layer.mouse_drag_callbacks.append(self._drag)
        for name in _PLACED:
            getattr(layer.events, name).connect(self._on_placed)

    def take(self, kind: str | None) -> None:
        """Take up the pen, or put it down."""
        if kind is None and self._kind is None:
            return  # whoever else keeps the view from moving goes on to do so
        self._kind = kind
        if kind is not None:
            self._layer.mode = "pan_zoom"
            self._scratch.ready(self._layer)
        self._layer.mouse_pan = kind is None and self._layer.mode == "pan_zoom"

    def frame(self, corners: NDArray[np.float64] | None) -> None:
        """Draw a box around an object, shape (4, axes), in pixels of the layer, or none."""
        if not np.array_equal(_or_nothing(corners), _or_nothing(self._frame)):
            self._frame = corners
            self._show()

    def forget(self, count: int | None = None) -> None:
        """Take away the oldest strokes, or all of them."""
        if self._paths:
            self._paths = [] if count is None else self._paths[count:]
            self._show()

    def close(self) -> None:
        """Leave the layer as it was found."""
        if self._drag in self._layer.mouse_drag_callbacks:
            self._layer.mouse_drag_callbacks.remove(self._drag)
        for name in _PLACED:
            getattr(self._layer.events, name).disconnect(self._on_placed)
        self.take(None)
        self._frame, self._paths = None, []
        self._show()

    def _drag(self, layer: Labels, event: Any) -> Iterator[None]:
        if layer.mode != "pan_zoom" or event.button != 1 or set(event.modifiers):
            return
        kind = self._kind
        places = [self._place(event)]
        yield
        while event.type == "mouse_move":
            places.append(self._place(event))
            if kind is not None:
                self._show((kind, np.array(places)))
            yield
        if len(places) == 1:
            self.clicked.emit(places[0])
        if kind is not None:
            self._paths.append((kind, np.array(places)))
            self._show()
            self.drawn.emit(kind, np.array(places))

    def _place(self, event: Any) -> NDArray[np.float64]:
        return np.asarray(self._layer.world_to_data(event.position), dtype=float)

    def _on_placed(self, event: object) -> None:
        """Show what is shown where the layer is now, in lines of the same width on screen."""
        self._scratch.follow(self._layer)
        self._show()

    def _show(self, forming: tuple[str, NDArray[np.float64]] | None = None) -> None:
        paths = [*self._paths, *([forming] if forming else [])]
        drawings: list[Drawing] = [("path", COLOURS[kind], _two_corners(path)) for kind, path in paths]
        if self._frame is not None:
            drawings.insert(0, ("polygon", _FRAME, self._frame))
        self._scratch.show(self._layer, drawings)


def _or_nothing(corners: NDArray[np.float64] | None) -> NDArray[np.float64]:
    return np.zeros(0) if corners is None else corners


def _two_corners(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a path that can be drawn: a click has one corner only."""
    return path if len(path) > 1 else np.concatenate([path, path + 0.01])
