"""The blur of a microscope, measured in the background on a layer that shows beads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import Signal

from . import view, words
from .choices import LayerChoice
from .jobs import Job
from .layout import Rows, number_field
from .parts import Line

if TYPE_CHECKING:
    from ..imaging.point_spread import MeasuredPsf

_BEADS_TIP = (
    "An image of small beads, recorded as your image was: in focus, apart from each other and not overexposed.\n"
    "Of a stack, the plane that is shown. One bead is enough; many are better. An image of a point-spread function\n"
    "is one bead, too."
)
_SIZE_TIP = "Diameter of the beads, which is taken back. Leave it at 'points' if they are smaller than a pixel."
_SIZE_UNKNOWN = "The layer of the beads does not say how large its pixels are, so they are taken for points."
_NM_PER_UM = 1000


class BeadFields(Rows):
    """Which layer shows beads, how large these are, and what was measured on them.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers are offered.

    Attributes
    ----------
    pixel_um : float, optional
        Side of a pixel of the image whose blur it is; where that of the beads is known, too, widths are converted.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._measured: MeasuredPsf | None = None
        self._pixel_of_beads: float | None = None
        self.pixel_um: float | None = None
        self.job: Job | None = None
        self.layer = LayerChoice(viewer, tip=_BEADS_TIP, none="choose an image of beads")
        self.size = number_field(" nm", 0, 5000, _SIZE_TIP, 0)
        self.size.setSpecialValueText("points")
        self.line = Line(viewer)
        self.add("Beads", self.layer)
        self.add("Size", self.size, self.line)
        self.layer.changed.connect(self._layer_changed)
        self.size.valueChanged.connect(lambda _: self.measure())

    @property
    def psf(self) -> MeasuredPsf | None:
        """What was measured, on the pixels of the image; ``None`` if nothing was, or not yet."""
        if self._measured is None or not self.pixel_um or not self._pixel_of_beads:
            return self._measured
        return self._measured.on_pixels(self.pixel_um / self._pixel_of_beads)

    @property
    def missing(self) -> str:
        """Why there is nothing to take back, or nothing if there is."""
        if self._measured is not None:
            return ""
        return "The beads are being measured." if self.job is not None else words.NO_BEADS

    def know_pixel(self, side_um: float | None) -> None:
        """Take the side of a pixel of the image; ``None`` if it says none."""
        self.pixel_um = side_um
        self._say()

    def take(self, psf: MeasuredPsf) -> None:
        """Take what was measured before, on the pixels of the image."""
        self._stop()
        self.layer.blockSignals(True)
        self.layer.choose(None)
        self.layer.blockSignals(False)
        self._measured, self._pixel_of_beads = psf, None
        self._say()

    def measure(self) -> None:
        """Measure on the chosen layer, if there is one; what is being measured is given up."""
        layer = self.layer.layer
        if layer is None:
            return
        self._stop()
        self._measured = None
        self._pixel_of_beads = view.sizes_um(layer, view.axes_of(layer)).get("Y")
        self.size.setEnabled(self._pixel_of_beads is not None)
        self.size.setToolTip(_SIZE_TIP if self.size.isEnabled() else _SIZE_UNKNOWN)
        bead = self.size.value() / _NM_PER_UM / self._pixel_of_beads if self._pixel_of_beads else 0.0
        self.job = Job(f"Measuring {layer.name}", partial(_measure, self._plane(layer), bead), self, quiet=True)
        self.job.done.connect(self._take_measured)
        self.job.failed.connect(partial(self._say, warn=True))
        self.job.ended.connect(partial(self._ended, self.job))
        self.job.start()
        self.line.say("Measuring…")
        self.changed.emit()

    def _plane(self, layer: Any) -> Callable[[], np.ndarray]:
        """Return what reads the plane that is shown, from a copy of it if it is in memory."""
        array, index = view.level_0(layer), view.shown_plane(self._viewer, layer)
        plane = array[index]
        if isinstance(array, np.ndarray):
            plane = plane.copy()
        return partial(np.asarray, plane)

    def _layer_changed(self) -> None:
        if self.layer.layer is None:
            self._stop()
            self._measured = None
            self._say()
        self.measure()

    def _stop(self) -> None:
        if self.job is not None:
            self.job.cancel()
            self.job = None

    def _take_measured(self, psf: MeasuredPsf) -> None:
        self._measured = psf
        self._say()

    def _ended(self, job: Job) -> None:
        if self.job is job:
            self.job = None
            self.changed.emit()

    def _say(self, text: str = "", *, warn: bool = False) -> None:
        psf = self.psf
        if psf is not None and not text:
            text = words.beads_measured(psf.beads, psf.width, self.pixel_um)
        self.line.say(text, warn=warn)
        self.changed.emit()


def _measure(plane: Callable[[], np.ndarray], bead: float) -> Iterator[Any]:
    from ..imaging.point_spread import measure_psf

    yield measure_psf(plane(), bead)
