"""A real image behind the mask: what of it is kept, and how much of it shows through."""

from __future__ import annotations

from napari.components import ViewerModel
from napari.layers import Image, Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from ..choices import LayerChoice
from ..decimals import DecimalField
from ..layout import Rows
from . import words


class BehindFields(Rows):
    """Which image, whose objects are replaced, and whether drawing begins from it.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers are offered.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.image = LayerChoice(viewer, Image, words.BEHIND_TIP, none=words.NOTHING_BEHIND)
        self.objects = LayerChoice(viewer, Labels, words.OBJECTS_TIP, none=words.NOTHING_KEPT_BEHIND)
        self.begins, self.noise = QCheckBox(words.BEGIN), DecimalField()
        self.begins.setToolTip(words.BEGIN_TIP)
        self.noise.setRange(0.05, 20)
        self.noise.setValue(1)
        self.noise.setSingleStep(0.25)
        self.noise.setToolTip(words.BEGIN_TIP)
        begin = QWidget()
        row = QHBoxLayout(begin)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.begins)
        row.addWidget(self.noise, 1)
        self.add("Behind", self.image)
        self.add("Replace", self.objects)
        self.add("", begin)
        for signal in (self.image.changed, self.objects.changed, self.begins.toggled, self.noise.valueChanged):
            signal.connect(self._refresh)
        self._refresh()

    def _refresh(self, _: object = None) -> None:
        there = self.image.layer is not None
        self.objects.setEnabled(there)
        self.begins.setEnabled(there)
        self.noise.setEnabled(there and self.begins.isChecked())
        self.changed.emit()

    @property
    def layers(self) -> tuple[Image | None, Labels | None]:
        """The image behind, and the objects in it that are replaced."""
        return self.image.layer, self.objects.layer if self.image.layer is not None else None

    @property
    def start(self) -> float | None:
        """Noise over the image from which drawing begins."""
        return self.noise.value() if self.image.layer is not None and self.begins.isChecked() else None

    def take(self, start: float | None) -> None:
        """Set it to what a request says; the image is none of it."""
        self.begins.setChecked(start is not None)
        if start is not None:
            self.noise.setValue(start)
