"""How the microscope blurred an image: not at all, by a Gaussian, as its aperture does, or as beads show."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox

from ..engine.options import SuperresolveOptions
from .bead_fields import BeadFields
from .layout import Rows, number_field

_NONE, _GAUSSIAN, _OPTICS, _BEADS = range(4)
_WAYS = ("leave as it is", "Gaussian", "of the objective", "measured on beads")
_WAY_TIP = (
    "What is known of the blur is taken back.\n"
    "Left as it is, pixels become finer and nothing becomes sharper than the microscope showed it."
)
_NM_PER_UM = 1000


class BlurFields(Rows):
    """A choice, and rows that belong to it.

    Parameters
    ----------
    viewer : ViewerModel
        In which there may be an image of beads.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.way = QComboBox()
        self.way.addItems(_WAYS)
        self.way.setToolTip(_WAY_TIP)
        self.sigma = number_field(" px", 0.1, 8, "Standard deviation of the blur, in pixels of the image.", 2)
        self.sigma.setValue(0.8)
        self.wavelength = number_field(" nm", 1, 5000, "Of the light that the camera saw: the emission of the dye.", 0)
        self.wavelength.setValue(520)
        self.aperture = number_field("", 0.01, 2, "Numerical aperture (NA), as it is written on the objective.", 2)
        self.aperture.setValue(1.4)
        self.pixel = number_field(" nm", 0.1, 100_000, "Side of a pixel in the sample, from the layer if it says it.")
        self.pixel.setValue(100)
        self.add("Blur", self.way)
        self._rows = {
            "Width": (self.sigma, _GAUSSIAN),
            "Light": (self.wavelength, _OPTICS),
            "NA": (self.aperture, _OPTICS),
            "Pixel": (self.pixel, _OPTICS),
        }
        for word, (field, _) in self._rows.items():
            self.add(word, field)
            field.valueChanged.connect(self._tell)
        self.beads = BeadFields(viewer)
        self.beads.changed.connect(self.changed)
        self.add_wide(self.beads)
        self.way.currentIndexChanged.connect(self._choose)
        self._choose(_NONE)

    def _choose(self, way: int) -> None:
        for field, of in self._rows.values():
            self.show_row(field, of == way)
        self.beads.setVisible(way == _BEADS)
        self.changed.emit()

    def _tell(self, _: float) -> None:
        self.changed.emit()

    def know_pixel(self, side_um: float | None) -> None:
        """Take the side of a pixel from the image; if it says none it stays as it is."""
        self.beads.know_pixel(side_um)
        if side_um:
            self.pixel.setValue(_NM_PER_UM * side_um)

    def know_optics(self, wavelength_um: float | None, aperture: float | None) -> None:
        """Take what the file of the image tells; whether blur is taken back at all is left as it is."""
        if wavelength_um:
            self.wavelength.setValue(_NM_PER_UM * wavelength_um)
        if aperture:
            self.aperture.setValue(aperture)

    @property
    def missing(self) -> str:
        """What has to be done before it can be taken back, or nothing."""
        return self.beads.missing if self.way.currentIndex() == _BEADS else ""

    @property
    def value(self) -> dict[str, Any]:
        """The fields of the options that it sets."""
        way = self.way.currentIndex()
        if way == _GAUSSIAN:
            return {"blur": self.sigma.value()}
        if way == _OPTICS:
            wavelength, pixel = self.wavelength.value() / _NM_PER_UM, self.pixel.value() / _NM_PER_UM
            return {"optics": (wavelength, self.aperture.value(), pixel)}
        if way == _BEADS and self.beads.psf is not None:
            return {"psf": self.beads.psf.parts}
        return {}

    def take(self, options: SuperresolveOptions) -> None:
        """Set it to what a request says."""
        if options.psf:
            from ..imaging.point_spread import MeasuredPsf  # takes scipy to import

            self.beads.take(MeasuredPsf(options.psf, 0))
        if options.optics is not None:
            wavelength, aperture, pixel = options.optics
            self.wavelength.setValue(_NM_PER_UM * wavelength)
            self.aperture.setValue(aperture)
            self.pixel.setValue(_NM_PER_UM * pixel)
        elif options.blur:
            self.sigma.setValue(options.blur)
        told = {_OPTICS: options.optics, _GAUSSIAN: options.blur, _BEADS: options.psf}
        self.way.setCurrentIndex(next((way for way, what in told.items() if what), _NONE))
