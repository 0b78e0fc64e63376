"""The blur of a microscope, measured in the background on a layer that shows beads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import QTimer, Signal

from ..engine.events import Progress
from ..errors import ImageError
from ..imaging.lattice import square_pixel
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
_SIZE_TIP = (
    "Diameter of the beads, which is taken back; at most three times the width of the blur.\n"
    "Leave it at 'points' if they are smaller than a pixel."
)
_SIZE_UNKNOWN = "The layer of the beads does not say how large its pixels are, so they are taken for points."
_NM_PER_UM = 1000
_PAUSE_MS = 300  # in which the size may go on changing


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
    psf : MeasuredPsf, optional
        What was measured, on the pixels of the image; ``None`` if nothing was, not yet, or it is too wide there.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.psf: MeasuredPsf | None = None
        self._measured: MeasuredPsf | None = None  # on the pixels of the beads
        self._plane: tuple[Any, ...] | None = None  # on which that was measured, or is being
        self._pixel_of_beads: float | None = None
        self._problem = ""
        self.pixel_um: float | None = None
        self.job: Job | None = None
        self.layer = LayerChoice(viewer, tip=_BEADS_TIP, none="choose an image of beads")
        self.size = number_field(" nm", 0, 5000, _SIZE_TIP, 0)
        self.size.setSpecialValueText("points")
        self.size.setKeyboardTracking(False)
        self.line = Line(viewer)
        self.add("Beads", self.layer)
        self.add("Size", self.size, self.line)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE_MS)
        self._soon.timeout.connect(self._start)
        self.layer.changed.connect(self._layer_changed)
        self.layer.told.connect(self.measure)
        self.size.valueChanged.connect(self.measure)
        viewer.dims.events.point.connect(self._on_moved)

    def close_down(self) -> None:
        """Measure no more."""
        self._viewer.dims.events.point.disconnect(self._on_moved)
        self._stop()

    @property
    def busy(self) -> bool:
        """Whether beads are being measured, or are about to be."""
        return self.job is not None or self._soon.isActive()

    @property
    def missing(self) -> str:
        """Why there is nothing to take back, or nothing if there is."""
        if self.psf is not None:
            return ""
        if self.busy:
            return "The beads are being measured."
        return words.NO_BEADS if self.layer.layer is None else "No blur could be measured on these beads."

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

    def measure(self, _: object = None) -> None:
        """Measure on the chosen layer soon, if there is one; what is being measured is given up."""
        self._stop()
        if self.layer.layer is not None:
            self._measured = None
            self._soon.start()
        self._say()

    def _start(self) -> None:
        layer = self.layer.layer
        if layer is None:
            return
        self._plane = view.shown_plane(self._viewer, layer)
        sizes = view.sizes_um(layer, view.axes_of(layer))
        self._pixel_of_beads = square_pixel(sizes)
        self.size.setEnabled(self._pixel_of_beads is not None)
        self.size.setToolTip(_SIZE_TIP if self.size.isEnabled() else _SIZE_UNKNOWN)
        oblong = words.oblong_beads(sizes)
        if oblong:
            self._fail(oblong)
            return
        diameter = self.size.value() / _NM_PER_UM / self._pixel_of_beads if self._pixel_of_beads else 0.0
        self.job = Job(f"Measuring {layer.name}", partial(_measure, self._read(layer), diameter), self, quiet=True)
        self.job.done.connect(self._take_measured)
        self.job.failed.connect(self._fail)
        self.job.ended.connect(partial(self._ended, self.job))
        self.job.start()
        self._say()

    def _read(self, layer: Any) -> Callable[[], np.ndarray]:
        """Return what reads the plane that is shown, in the worker; from a copy if it is in memory."""
        array, index = view.level_0(layer), self._plane
        if isinstance(array, np.ndarray):
            return partial(np.asarray, array[index].copy())
        return lambda: np.asarray(array[index])

    def _layer_changed(self) -> None:
        self._measured = None
        self.measure()

    def _on_moved(self, _: object) -> None:
        """Measure anew where another plane is shown: out of focus, beads tell of another blur."""
        layer = self.layer.layer
        if layer is not None and view.shown_plane(self._viewer, layer) != self._plane:
            self.measure()

    def _stop(self) -> None:
        self._soon.stop()
        self._problem = ""
        if self.job is not None:
            self.job.cancel()
            self.job = None

    def _take_measured(self, psf: MeasuredPsf) -> None:
        self._measured = psf
        self._say()

    def _fail(self, problem: str) -> None:
        self._problem = problem
        self._say()

    def _ended(self, job: Job) -> None:
        if self.job is job:
            self.job = None
            self._say()

    def _on_pixels(self) -> MeasuredPsf | None:
        """Return what was measured on the pixels of the image.

        Raises
        ------
        ImageError
            If it is too wide there.
        """
        if self._measured is None or not self.pixel_um or not self._pixel_of_beads:
            return self._measured
        return self._measured.on_pixels(self.pixel_um / self._pixel_of_beads)

    def _say(self) -> None:
        """Bring what can be taken back, and the line that says it, up to date."""
        problem = self._problem
        try:
            self.psf = self._on_pixels()
        except ImageError as error:
            self.psf, problem = None, str(error)
        if self.psf is not None:
            self.line.say(words.beads_measured(self.psf.beads, self.psf.width, self.pixel_um))
        else:
            self.line.say("Measuring…" if self.busy else problem, warn=not self.busy)
        self.changed.emit()


def _measure(plane: Callable[[], np.ndarray], diameter: float) -> Iterator[Any]:
    from ..imaging.point_spread import measure_psf

    yield Progress(0, 1)  # for whoever was cancelled while it waited
    yield measure_psf(plane(), diameter)
