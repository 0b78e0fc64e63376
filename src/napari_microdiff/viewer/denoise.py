"""The Denoise panel: what it has beyond the anatomy that all panels share."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from ..engine.options import DenoiseOptions
from ..engine.request import Request
from . import words
from .adapt import Adapting, Words
from .decimals import DecimalSlider
from .layout import Rows
from .panel import Panel

ADAPT = Words("image", "this very image; no clean one is needed", "It takes two or three minutes")
NOT_MEASURED = "The noise of the image has not been measured yet."


class DenoisePanel(Panel):
    """Make a noisy image readable, and show where not to trust it."""

    task = "denoise"
    doing = "Denoising"
    made = "denoised"
    outputs = words.DENOISED
    details = ({"steps": 1}, {"steps": 4}, {"steps": 8}, {"steps": 20})

    def own_rows(self) -> list[QWidget]:
        """Return the rows of the noise and of adapting."""
        self.automatic = QCheckBox("automatic")
        self.automatic.setChecked(True)
        self.automatic.setToolTip("Measure the noise. Untick to set it yourself: a higher level smooths more.")
        self.noise = DecimalSlider(Qt.Orientation.Horizontal)
        self.noise.setEnabled(False)
        self.noise.setToolTip(NOT_MEASURED)
        self.automatic.toggled.connect(self._automatic_changed)
        self.noise.valueChanged.connect(self._noise_changed)
        level = QWidget()
        row = QHBoxLayout(level)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.automatic)
        row.addWidget(self.noise, 1)
        self.from_noise = QCheckBox("Start from the measured noise")
        self.from_noise.setToolTip(
            "For images that no model was trained on: the noisy image itself is the start of the diffusion,\n"
            "and the model only says what images look like in general."
        )
        self.adapting = Adapting(self, ADAPT)
        own = Rows()
        own.add("Noise", level)
        own.add("", self.from_noise)
        own.add("", self.adapting.button)
        self._level: float | None = None  # as measured
        self._known = False  # whether there is a level to begin with
        return [own]

    def options(self) -> dict[str, Any]:
        """Return the noise level and where the diffusion starts."""
        level = None if self.automatic.isChecked() or not self._known else max(self.noise.value(), 1e-9)
        start = "measured-noise" if self.from_noise.isChecked() else "condition"
        return {"options": DenoiseOptions(noise_level=level, start=start)}

    def detail_changed(self, position: int) -> None:
        """Set the steps. The mean is complete after one; what more of them bring is the sample."""
        super().detail_changed(position)
        self.ticks.boxes["sample"].setChecked(position > 0)

    def set_request(self, request: Request) -> None:
        """Set the panel to what a request asks for, but for its image and region."""
        super().set_request(request)
        assert isinstance(request.options, DenoiseOptions)
        self.from_noise.setChecked(request.options.start == "measured-noise")
        level = request.options.noise_level
        self.automatic.setChecked(level is None)
        if level is not None:
            self._put_slider(level)
        self._noise_changed()

    def looked(self, look: Any) -> None:
        """Put the slider around the measured noise; what was set by hand is kept."""
        self._level = float(look.noise_level)
        by_hand = self._known and not self.automatic.isChecked()
        self._put_slider(self.noise.value() if by_hand else None)
        self._noise_changed()

    def _put_slider(self, value: float | None) -> None:
        """Give the slider a range in which the measured level lies, and a value; else that level."""
        level = self._level or 0.0
        value = level if value is None else value
        if max(level, value) <= 0:
            return
        least = min(each for each in (level, value) if each > 0)
        self.noise.setDecimals(max(1, 2 - math.floor(math.log10(least))))
        self.noise.setRange(0, 4 * max(level, value))
        self.noise.setValue(value)
        self._known = True

    def refresh(self) -> None:
        """Bring everything up to date."""
        self.offer_sample()
        super().refresh()
        self.adapting.refresh(self.blocked())

    def _automatic_changed(self, on: bool) -> None:
        if on:
            self._put_slider(None)
        self._noise_changed()

    def _noise_changed(self, *_: object) -> None:
        own = not self.automatic.isChecked() and self._known
        self.noise.setEnabled(own)
        self.noise.setToolTip(
            NOT_MEASURED if self._level is None else f"Measured: {self._level:.3g}, in the units of the image."
        )
