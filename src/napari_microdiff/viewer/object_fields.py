"""What the panels ask about objects: how they are shown, and their diameter."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from .decimals import DecimalField

SHOWN = {
    "brighter than the background": "bright",
    "darker than the background": "dark",
    "stained, in images in colours": "stained",
}


class DiameterField(QWidget):
    """A number of pixels, or that it be measured.

    Parameters
    ----------
    tip : str
        Tooltip.
    """

    changed = Signal()

    def __init__(self, tip: str) -> None:
        super().__init__()
        self.automatic, self.pixels = QCheckBox("automatic"), DecimalField()
        self.pixels.setRange(2.0, 2000.0)
        self.pixels.setDecimals(1)
        self.pixels.setValue(30.0)
        self.pixels.setSuffix(" px")
        self.automatic.toggled.connect(self.pixels.setDisabled)
        self.automatic.setChecked(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.automatic)
        row.addWidget(self.pixels, 1)
        for widget in (self.automatic, self.pixels):
            widget.setToolTip(tip)
        self.automatic.toggled.connect(lambda _: self.changed.emit())
        self.pixels.valueChanged.connect(lambda _: self.changed.emit())

    @property
    def value(self) -> float | None:
        """The diameter, or None if it is to be measured."""
        return None if self.automatic.isChecked() else float(self.pixels.value())

    @value.setter
    def value(self, diameter: float | None) -> None:
        self.automatic.setChecked(diameter is None)
        if diameter is not None:
            self.pixels.setValue(diameter)

    def show_measured(self, diameter: float) -> None:
        """Show what was measured, unless the user decides."""
        if self.automatic.isChecked():
            self.pixels.setValue(diameter)
