"""How the microscope blurred an image: not at all, by a Gaussian, as its aperture does, or as beads show."""

from __future__ import annotations

from functools import partial
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox

from ..engine.options import SuperresolveOptions
from . import words
from .bead_fields import BeadFields
from .layout import Rows, number_field

_NONE, _GAUSSIAN, _OPTICS, _BEADS = range(4)
_WAYS = ("leave as it is", "Gaussian", "of the objective", "measured on beads")
_WAY_TIP = (
    "What is known of the blur is taken back.\n"
    "Left as it is, pixels become finer and nothing becomes sharper than the microscope showed it."
)
_PIXEL_TIP = "Side of a pixel in the sample, from the layer or its file if these say it."
_NM_PER_UM = 1000
_UNKNOWN = 0  # nm, of a pixel


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
        self.pixel = number_field(" nm", _UNKNOWN, 100_000, _PIXEL_TIP)
        self.pixel.setSpecialValueText("not known")
        self._pixel_told: float | None = None
        self._own = {field: field.value() for field in (self.wavelength, self.aperture)}  # where no image tells them
        self._typed: set[QDoubleSpinBox] = set()  # since the image was chosen
        self.add("Blur", self.way)
        self._rows = {
            "Width": (self.sigma, _GAUSSIAN),
            "Light": (self.wavelength, _OPTICS),
            "NA": (self.aperture, _OPTICS),
            "Pixel": (self.pixel, _OPTICS),
        }
        for word, (field, _) in self._rows.items():
            self.add(word, field)
            field.valueChanged.connect(partial(self._take_typed, field))
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

    def _take_typed(self, field: QDoubleSpinBox, number: float) -> None:
        self._typed.add(field)
        if field in self._own:
            self._own[field] = number
        self.changed.emit()

    def forget(self) -> None:
        """Forget what an image told, as another one is chosen.

        Light and aperture are those of a microscope, so that what was typed last holds again. The pixel is that of the
        image alone.
        """
        for field, number in self._own.items():
            _fill(field, number)
        _fill(self.pixel, _UNKNOWN)
        self._typed.clear()
        self._pixel_told = None
        self.beads.know_pixel(None)

    def know_pixel(self, side_um: float | None, *, of_file: bool = False) -> None:
        """Take the side of a pixel from the layer, or from its file; ``None`` if neither says it.

        What a file says may be read when the side was typed already, which then holds.
        """
        if side_um == self._pixel_told:
            return  # else what was typed would be lost as soon as the pixels are edited
        self._pixel_told = side_um
        self.beads.know_pixel(side_um)
        if of_file and self.pixel in self._typed:
            return
        self._typed.discard(self.pixel)
        _fill(self.pixel, _NM_PER_UM * side_um if side_um else _UNKNOWN)

    def know_optics(self, wavelength_um: float | None, aperture: float | None) -> None:
        """Take what the file of the image tells, but for what was typed since the image was chosen.

        Whether blur is taken back at all is left as it is.
        """
        if wavelength_um and self.wavelength not in self._typed:
            _fill(self.wavelength, _NM_PER_UM * wavelength_um)
        if aperture and self.aperture not in self._typed:
            _fill(self.aperture, aperture)

    @property
    def asks_for_optics(self) -> bool:
        """Whether light, aperture and pixel are used."""
        return self.way.currentIndex() == _OPTICS

    @property
    def knows_pixel(self) -> bool:
        """Whether the side of a pixel was told or typed."""
        return self.pixel.value() > _UNKNOWN

    @property
    def was_told_pixel(self) -> bool:
        """Whether the layer or its file says the side of a pixel, even if another was typed, or none."""
        return self._pixel_told is not None

    @property
    def missing(self) -> str:
        """What has to be done before it can be taken back, or nothing."""
        if self.asks_for_optics and not self.knows_pixel:
            return words.NO_PIXEL
        return self.beads.missing if self.way.currentIndex() == _BEADS else ""

    @property
    def value(self) -> dict[str, Any]:
        """The fields of the options that it sets."""
        way = self.way.currentIndex()
        if way == _GAUSSIAN:
            return {"blur": self.sigma.value()}
        if way == _OPTICS and self.knows_pixel:
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
            _fill(self.wavelength, _NM_PER_UM * wavelength)
            _fill(self.aperture, aperture)
            _fill(self.pixel, _NM_PER_UM * pixel)
            self._typed |= {self.wavelength, self.aperture, self.pixel}  # what the file tells may be found after this
        elif options.blur:
            self.sigma.setValue(options.blur)
        told = {_OPTICS: options.optics, _GAUSSIAN: options.blur, _BEADS: options.psf}
        self.way.setCurrentIndex(next((way for way, what in told.items() if what), _NONE))


def _fill(field: QDoubleSpinBox, number: float) -> None:
    """Set a field to what nobody typed."""
    field.blockSignals(True)
    field.setValue(number)
    field.blockSignals(False)
