"""A camera that is laid over what is drawn: photons, read noise and blur."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox

from ...engine.options import SynthesizeOptions
from ..layout import Rows, number_field


class CameraFields(Rows):
    """A tick, and rows that it makes available."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.on = QCheckBox("noise of a camera")
        self.on.setToolTip("Lay the noise and the blur of a camera over the image. Both are then known exactly.")
        self.photons = number_field(
            " photons", 0, 1e6, "Counted where the image is bright; with fewer it is noisier.", 0
        )
        self.photons.setSpecialValueText("no photon noise")
        self.photons.setValue(100)
        self.read_noise = number_field(" grey levels", 0, 1e4, "Standard deviation of what the camera adds.")
        self.blur = number_field(" px", 0, 50, "Standard deviation of a blur before the camera.")
        self._fields = (self.photons, self.read_noise, self.blur)
        self.add("Camera", self.on)
        for word, field in zip(("Light", "Readout", "Blur"), self._fields, strict=True):
            self.add(word, field)
            field.setEnabled(False)
            field.valueChanged.connect(self._tell)
        self.on.toggled.connect(self._toggled)

    def _toggled(self, on: bool) -> None:
        for field in self._fields:
            field.setEnabled(on)
        self.changed.emit()

    def _tell(self, _: float) -> None:
        self.changed.emit()

    @property
    def value(self) -> dict[str, Any]:
        """The fields of the options that it sets."""
        if not self.on.isChecked():
            return {}
        photons = self.photons.value() or None
        return {"photons": photons, "read_noise": self.read_noise.value(), "blur": self.blur.value()}

    def take(self, options: SynthesizeOptions) -> None:
        """Set it to what a request says."""
        self.on.setChecked(options.photons is not None or options.read_noise > 0 or options.blur > 0)
        if self.on.isChecked():
            self.photons.setValue(options.photons or 0)
        self.read_noise.setValue(options.read_noise)
        self.blur.setValue(options.blur)
