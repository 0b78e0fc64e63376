"""The settings that matter to few, folded away: sampler, steps, samples, seed, device and tiles."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, get_args

from magicgui.widgets import ComboBox, SpinBox
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ..engine.request import SamplerName
from .layout import Rows
from .settings import DEVICES

_SAMPLERS = {
    "dpmpp-2m": "DPM-Solver++(2M), usual for most",
    "heun": "Heun",
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "sde": "SDE (Euler-Maruyama)",
}
_TILES = {"Automatic": 0, "256 px": 256, "512 px": 512, "1024 px": 1024, "2048 px": 2048}


class More(QWidget):
    """What "More" unfolds: a panel's own rows, then the settings of every panel."""

    changed = Signal()

    def __init__(self, own_rows: Sequence[QWidget]) -> None:
        super().__init__()
        self.sampler = ComboBox(
            choices=[(_SAMPLERS.get(name, name), name) for name in get_args(SamplerName)],
            label="Sampler",
            tooltip="How the reverse diffusion is integrated. It makes no difference at one step.",
        )
        self._steps = SpinBox(
            value=1,
            min=1,
            max=1000,
            label="Steps",
            tooltip="Network evaluations per sample; Detail sets it too.",
        )
        self._samples = SpinBox(
            value=1,
            min=1,
            max=1000,
            label="Samples",
            tooltip="How many to draw. Their mean and their spread are returned; each takes as long as the first.",
        )
        self.seed = SpinBox(value=0, min=0, max=2**31 - 1, label="Seed", tooltip="Another seed gives other samples.")
        devices = [(title, name) for title, name in DEVICES.items() if (name == "mps") <= (sys.platform == "darwin")]
        self._device = ComboBox(choices=devices, label="Device", tooltip="Where the network runs.")
        self.tile = ComboBox(
            choices=list(_TILES.items()),
            label="Tiles",
            tooltip="Largest side of a tile. Smaller tiles need less memory; the result is the same.",
        )
        mine = [self.sampler, self._steps, self._samples, self.seed, self._device, self.tile]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        rows = Rows()
        for widget in mine:
            rows.add(widget.label, widget.native)
            widget.changed.connect(self._tell)
        for row in (*own_rows, rows):
            column.addWidget(row)

    def _tell(self, _: object) -> None:
        self.changed.emit()

    @property
    def steps(self) -> int:
        """Evaluations of the network per sample."""
        return int(self._steps.value)

    @steps.setter
    def steps(self, steps: int) -> None:
        self._steps.value = steps

    @property
    def samples(self) -> int:
        """Number of samples."""
        return int(self._samples.value)

    @samples.setter
    def samples(self, samples: int) -> None:
        self._samples.value = samples

    @property
    def device(self) -> str:
        """Where to run, as a request says it."""
        return str(self._device.value)

    @device.setter
    def device(self, device: str) -> None:
        if device in self._device.choices:
            self._device.value = device

    def fields(self) -> dict[str, Any]:
        """Return these settings as fields of a request."""
        return {
            "sampler": self.sampler.value,
            "steps": self.steps,
            "samples": self.samples,
            "seed": int(self.seed.value),
            "device": self.device,
            "tile": self.tile.value or None,
        }

    def set_fields(self, fields: Mapping[str, Any]) -> None:
        """Set these settings from the fields of a request; those that it lacks stay as they are."""
        setters = {
            "sampler": partial(setattr, self.sampler, "value"),
            "steps": partial(setattr, self._steps, "value"),
            "samples": partial(setattr, self._samples, "value"),
            "seed": lambda seed: setattr(self.seed, "value", min(seed, 2**31 - 1)),
            "device": partial(setattr, self, "device"),
            "tile": self._set_tile,
        }
        for name, set_it in setters.items():
            if name in fields:
                set_it(fields[name])

    def _set_tile(self, side: int | None) -> None:
        if (side or 0) in self.tile.choices:
            self.tile.value = side or 0
