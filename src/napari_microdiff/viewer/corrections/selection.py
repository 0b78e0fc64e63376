"""Which object of a layer somebody selected. All of it runs on the GUI thread."""

from __future__ import annotations

from napari.layers import Labels
from qtpy.QtCore import QObject, Signal


class Selection(QObject):
    """The selected label of a layer, as far as somebody selected it: napari begins with 1, whatever that is.

    Parameters
    ----------
    layer : Labels
        Whose labels are selected.
    parent : QObject
        Who asks.

    Attributes
    ----------
    turns : int
        How often somebody turned to an object, by which one can tell later whether they have turned away.
    """

    changed = Signal()

    def __init__(self, layer: Labels, parent: QObject) -> None:
        super().__init__(parent)
        self._layer, self.turns = layer, 0
        self._chosen: int | None = None
        self._label = int(layer.selected_label)
        layer.events.selected_label.connect(self._on_selected)

    @property
    def label(self) -> int | None:
        """The label that somebody selected."""
        label = int(self._layer.selected_label)
        return label if label == self._chosen else None

    @property
    def painted(self) -> int:
        """The label that a brush would paint."""
        return int(self._layer.selected_label)

    def turn_to(self, label: int) -> None:
        """Select what somebody asked for."""
        self.turns += 1
        self.select(label)

    def select(self, label: int) -> None:
        """Select what came of a correction."""
        self._chosen = self._label = self._layer.selected_label = label
        self.changed.emit()

    def close(self) -> None:
        """Follow no more."""
        self._layer.events.selected_label.disconnect(self._on_selected)

    def _on_selected(self, event: object = None) -> None:
        if self.painted != self._label:  # napari tells it with new colours, too
            self.turn_to(self.painted)
