"""The layers of the image that is open: an Image, and its Labels."""

from __future__ import annotations

import json
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import QObject, Signal

from ...engine.record import KEY
from ...files import Picture
from ..layers import placement
from ..objects import colour_by_confidence, has_confidence
from .work import Opened

_FEATURES = ("label", "area", "confidence", "state")


class Stage(QObject):
    """Puts one image and its labels into the viewer, in the place of the ones before."""

    labels_removed = Signal()  # by the user

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.image: Image | None = None
        self.labels: Labels | None = None
        self.by_confidence = False
        viewer.layers.events.removed.connect(self._on_removed)

    def close(self) -> None:
        """Watch the viewer no more; the layers stay."""
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def clear(self) -> None:
        """Take the layers away."""
        layers, self.image, self.labels = (self.labels, self.image), None, None
        for layer in layers:
            if layer is not None and layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def clear_labels(self) -> None:
        """Take the labels away and leave the image."""
        layer, self.labels = self.labels, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def show(self, opened: Opened) -> None:
        """Show an image in the place of the one before."""
        self.clear()
        picture = opened.picture
        look = {} if opened.limits is None else {"contrast_limits": opened.limits}
        self.image = Image(picture.array, name=opened.name, rgb=picture.rgb, **place(picture), **look)
        self._viewer.add_layer(self.image)
        self._viewer.layers.selection.active = self.image
        self._viewer.reset_view()

    def show_labels(self, opened: Opened) -> Labels:
        """Show the labels of the image on it. They are selected unless the user works on another layer."""
        segmentation = opened.segmentation
        assert segmentation is not None
        self.clear_labels()
        table, image = segmentation.table, self.image
        there = image is not None and image in self._viewer.layers
        where = placement(image) if there else place(opened.picture)
        features = {("index" if name == "label" else name): table[name] for name in _FEATURES}
        name = f"{opened.name} objects"
        # A copy: what the user began with tells later what was edited.
        layer = Labels(segmentation.labels.copy(), name=name, features=features, metadata=_memory(opened), **where)
        active = self._viewer.layers.selection.active
        self.labels = layer
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = layer if active in (None, image) else active
        self.colour(self.by_confidence)
        return layer

    def colour(self, by_confidence: bool) -> None:
        """Colour objects by how sure the model is of them, or each in a colour of its own; later images too."""
        changes = by_confidence != self.by_confidence
        self.by_confidence = by_confidence
        if self.labels is not None and (changes or by_confidence):
            colour_by_confidence(self.labels, by_confidence and has_confidence(self.labels))

    def _on_removed(self, event: Any) -> None:
        layer: Layer = event.value
        if layer is self.image:
            self.image = None
        elif layer is self.labels:
            self.labels = None
            self.labels_removed.emit()


def place(picture: Picture) -> dict[str, Any]:
    """Return the arguments that give a layer the axes and the pixel size of an image."""
    axes = picture.axes.replace("S", "")
    sizes = picture.pixel_size_um
    return {
        "scale": tuple(sizes.get(letter, 1.0) for letter in axes),
        "units": tuple("um" if letter in sizes else "pixel" for letter in axes),
        "axis_labels": tuple(axes.lower()),
    }


def _memory(opened: Opened) -> dict[str, str]:
    """Return what the file of the labels says of how they were made, as a layer remembers it."""
    assert opened.segmentation is not None
    try:
        return {KEY: json.dumps(json.loads(opened.segmentation.description)[KEY])}
    except (ValueError, TypeError, KeyError):
        return {}
