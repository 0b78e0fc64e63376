"""Drawing strokes over a Labels layer while it stays the active one. All of it runs on the GUI thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Shapes
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ..layers import placement
from ..view import camera

NAME = "strokes"
COLOURS = {"object": "#4fd1ff", "cut": "#ff8c1a"}
_FRAME = "#ffe14d"


class Pen(QObject):
    """Takes clicks and strokes on one layer and shows them in a scratch layer.

    Parameters
    ----------
    viewer : ViewerModel
        Where the scratch layer goes.
    layer : Labels
        The layer that is drawn over.
    parent : QObject
        Who asks.
    """

    clicked = Signal(object)  # a place, in pixels of the layer
    drawn = Signal(object)  # corners of a line, in pixels of the layer

    def __init__(self, viewer: ViewerModel, layer: Labels, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._layer = viewer, layer
        self._kind: str | None = None
        self._frame: NDArray[np.float64] | None = None
        self._paths: list[tuple[str, NDArray[np.float64]]] = []
        self.scratch: Shapes | None = None
        layer.mouse_drag_callbacks.append(self._drag)

    @property
    def kind(self) -> str | None:
        """What a stroke stands for; None if dragging moves the view as always."""
        return self._kind

    def take(self, kind: str | None) -> None:
        """Take up the pen, or put it down."""
        self._kind = kind
        if kind is not None:
            self._layer.mode = "pan_zoom"
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
        self.take(None)
        if self.scratch is not None and self.scratch in self._viewer.layers:
            self._viewer.layers.remove(self.scratch)
        self.scratch = None

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
            self.drawn.emit(np.array(places))

    def _place(self, event: Any) -> NDArray[np.float64]:
        return np.asarray(self._layer.world_to_data(event.position), dtype=float)

    def _show(self, forming: tuple[str, NDArray[np.float64]] | None = None) -> None:
        paths = [*self._paths, *([forming] if forming else [])]
        shown = [(kind, _two_corners(path)) for kind, path in paths]
        data = [path for _, path in shown]
        colours = [COLOURS[kind] for kind, _ in shown]
        types = ["path"] * len(data)
        if self._frame is not None:
            data, colours, types = [self._frame, *data], [_FRAME, *colours], ["polygon", *types]
        if self.scratch is None or self.scratch not in self._viewer.layers:
            if not data:
                return
            self.scratch = self._new_scratch()
        scratch = self.scratch
        scratch.selected_data = set()
        scratch.data = []
        if data:
            scratch.add(data, shape_type=types, edge_color=colours, face_color="transparent", edge_width=self._width())

    def _new_scratch(self) -> Shapes:
        selected = list(self._viewer.layers.selection)
        scratch = Shapes(ndim=self._layer.ndim, name=NAME, **placement(self._layer))
        self._viewer.add_layer(scratch)
        self._viewer.layers.selection = selected  # the labels stay active: their keys are the tools
        return scratch

    def _width(self) -> float:
        """Return the width of two points on screen, in pixels of the layer."""
        size = float(np.min(np.abs(np.asarray(self._layer.scale)[-2:])))
        return 2.0 / max(1e-9, camera(self._viewer).zoom * size)


def _or_nothing(corners: NDArray[np.float64] | None) -> NDArray[np.float64]:
    return np.zeros(0) if corners is None else corners


def _two_corners(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a path that can be drawn: a click has one corner only."""
    return path if len(path) > 1 else np.concatenate([path, path + 0.01])
