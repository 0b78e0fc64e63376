"""The layer that strokes and the frame around the selected object are shown in. All of it runs on the GUI thread."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Shapes
from numpy.typing import NDArray

from ..layers import placement
from ..view import camera

NAME = "strokes"
Drawing = tuple[str, str, NDArray]  # kind of shape, colour, corners


class ScratchLayer:
    """One layer for all layers of objects in turn.

    It stays, hidden, when a layer of objects goes: vispy with a software renderer crashes when a Shapes layer is
    removed together with the labels, or drawn empty, and the next image comes without labels.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Shapes | None = None
        self._owner: Labels | None = None
        self.placing = False  # while this is true, what napari selects is no choice of the user's

    def ready(self, owner: Labels) -> None:
        """Have the layer there and drawn once, with nothing to see: the first time takes napari half a second."""
        if self._layer is None or self._layer not in self._viewer.layers:
            speck = np.zeros((4, owner.ndim))
            speck[1:3, -1] = speck[2:, -2] = 1.0
            self.show(owner, [("polygon", "transparent", speck)])

    def show(self, owner: Labels, drawings: list[Drawing]) -> None:
        """Show drawings, in pixels of ``owner``, and nothing else."""
        if not drawings or self._viewer.dims.ndisplay > owner.ndim:  # where napari cannot add shapes of fewer axes
            if self._layer is not None and self._owner == owner:
                self._layer.visible = False
            return
        layer = self._lying_on(owner)
        layer.selected_data = set()
        layer.data = []
        types, colours, corners = (list(part) for part in zip(*drawings, strict=True))
        width = self._width(owner)
        layer.visible = True
        layer.add(corners, shape_type=types, edge_color=colours, face_color="transparent", edge_width=width)

    def follow(self, owner: Labels) -> None:
        """Lie where the owner has gone, if what is shown is in its pixels."""
        if self._layer is not None and self._owner == owner:
            _lay(self._layer, placement(owner))

    def close(self) -> None:
        """Take the layer away."""
        if self._layer is not None and self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
        self._layer = self._owner = None

    def _lying_on(self, owner: Labels) -> Shapes:
        """Return the layer, on top of the list and where its owner is."""
        layer, layers = self._layer, self._viewer.layers
        if layer is not None and layer in layers and layer.ndim != owner.ndim:
            layers.remove(layer)
        where = placement(owner)
        if layer is None or layer not in layers:
            layer = self._layer = self._added(Shapes(ndim=owner.ndim, name=NAME, visible=False, **where))
        elif self._owner != owner:
            layer.data = []
            _lay(layer, where)
            layers.move(layers.index(layer), len(layers))
        self._owner = owner
        return layer

    def _added(self, layer: Shapes) -> Shapes:
        """Add the layer and leave selected what is: the keys of the labels are the tools."""
        selected, self.placing = list(self._viewer.layers.selection), True
        self._viewer.add_layer(layer)
        self._viewer.layers.selection = selected
        self.placing = False
        return layer

    def _width(self, owner: Labels) -> float:
        """Return the width of two points on screen, in pixels of a layer."""
        size = min(abs(float(s)) for s in owner.scale[-2:])
        return 2.0 / max(1e-9, camera(self._viewer).zoom * size)


def _lay(layer: Shapes, where: dict[str, Any]) -> None:
    for name, value in where.items():
        setattr(layer, name, value)
