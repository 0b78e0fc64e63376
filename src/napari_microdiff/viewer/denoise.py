"""The Denoise panel: what it has beyond the anatomy that all panels share."""

from __future__ import annotations

from functools import partial
from typing import Any

from napari.utils.notifications import show_error
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QWidget
from superqt import QLabeledDoubleSlider

from ..engine.options import DenoiseOptions
from ..errors import MicrodiffError
from . import words
from .adapt import AdaptDialog, BeforeAfterDialog, start_adapting, verdict
from .jobs import Job
from .layers import Source
from .layout import Rows
from .panel import Panel

ADAPT_TIP = "Train the model on this very image for a minute or two; no clean image is needed."
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
        self.noise = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.noise.setEnabled(False)
        self.noise.setToolTip(NOT_MEASURED)
        self.automatic.toggled.connect(self._noise_changed)
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
        self.adapt = QPushButton("Adapt to this image…")
        self.adapt.clicked.connect(self.ask_to_adapt)
        own = Rows()
        own.add("Noise", level)
        own.add("", self.from_noise)
        own.add("", self.adapt)
        self._level: float | None = None
        return [own]

    def options(self) -> dict[str, Any]:
        """Return the noise level and where the diffusion starts."""
        level = None if self.automatic.isChecked() or self._level is None else max(self.noise.value(), 1e-9)
        start = "measured-noise" if self.from_noise.isChecked() else "condition"
        return {"options": DenoiseOptions(noise_level=level, start=start)}

    def detail_changed(self, position: int) -> None:
        """Set the steps. The mean is complete after one; what more of them bring is the sample."""
        super().detail_changed(position)
        self.ticks.boxes["sample"].setChecked(position > 0)

    def looked(self, look: Any) -> None:
        """Put the slider around the measured noise."""
        self._level = float(look.noise_level)
        if self.automatic.isChecked() and self._level > 0:
            self.noise.setDecimals(1 if self._level > 5 else 3)
            self.noise.setRange(0, 4 * self._level)
            self.noise.setValue(self._level)
        self._noise_changed()

    def refresh(self) -> None:
        """Bring everything up to date."""
        self.offer_sample()
        super().refresh()
        reason = self.blocked()
        self.adapt.setEnabled(not reason)
        self.adapt.setToolTip(
            reason or "Train the model on this very image for a minute or two; no clean image needed."
        )

    def _noise_changed(self, *_: object) -> None:
        own = not self.automatic.isChecked() and self._level is not None
        self.noise.setEnabled(own)
        self.noise.setToolTip(
            NOT_MEASURED if self._level is None else f"Measured: {self._level:.3g}, in the units of the image."
        )

    # adapting -----------------------------------------------------------------------------------------------------

    def ask_to_adapt(self) -> None:
        """Ask for a name, then adapt the model to the image."""
        layer, card = self.image.layer, self.model.card
        if layer is None or card is None:
            return
        dialog = AdaptDialog(layer.name, card, self)
        dialog.accepted.connect(lambda: self.start_adapting(dialog.name, dialog.steps))
        dialog.open()

    def start_adapting(self, name: str, steps: int) -> None:
        """Adapt the chosen model to the chosen image in the background."""
        layer, card = self.image.layer, self.model.card
        if layer is None or card is None or self.blocked():
            return
        try:
            source = Source.of(layer)
        except MicrodiffError as error:
            show_error(str(error))
            return
        seed, device = int(self.more.seed.value), self.more.device
        options = {"axes": source.axes, "name": name, "steps": steps, "seed": seed, "device": device}
        # The worker gets arrays, never layers: the last to let go of a layer must be the GUI thread.
        start = partial(start_adapting, card.id, source.array, **options)
        job = Job(f"Adapting {card.title} to {source.name}", start, self)
        job.done.connect(partial(self._adapted, source))
        self.runner.begin(job)

    def _adapted(self, source: Source, adapted: Any) -> None:
        self.reload_models()
        if adapted.gain_db is None or adapted.gain_db > 0:
            self.model.choose(adapted.model_id)
        self.results.line.say(verdict(adapted.model_id, source.name, adapted.gain_db))
        BeforeAfterDialog(adapted.before, adapted.after, source.name, self).show()
