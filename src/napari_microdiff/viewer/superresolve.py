"""The mode Finer pixels of the Super-resolve panel: what it has beyond the anatomy that all panels share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QCheckBox, QWidget

from ..engine.options import SuperresolveOptions
from ..engine.request import OutputName, Request
from ..engine.trust import compared, disagrees
from ..imaging.lattice import square_pixel
from . import view, words
from .blur_fields import BlurFields
from .layout import Rows
from .panel import Panel
from .parts import Line
from .recorded_optics import OpticsReader, sizes_of_file
from .running import Run

_MOST = 8  # times finer
_PRIOR_DETAIL = 2  # position of the slider from which on a model that was not trained for this is of use
_FACTOR_TIP = "Each pixel becomes a square of so many by so many."
_NOISELESS_TIP = (
    "Tick it for images without noise, such as averages of many or simulated ones:\n"
    "the result then agrees with the image, as far as the blur lets it through. A noisy image would keep its noise."
)
_SHOWN_BY = "'What is left of the image', under More,"


class SuperresolvePanel(Panel):
    """Make pixels finer, take back blur, and say how the result agrees with the image."""

    task = "superresolve"
    doing = "Super-resolving"
    made = "super-resolved"
    as_prior = ", any factor"
    outputs = words.DENOISED
    details = ({"steps": 1}, {"steps": 4}, {"steps": 8}, {"steps": 20})

    def add_rows(self, rows: Rows) -> None:
        """Add how much finer pixels become, and what blurred them."""
        self.factor = ComboBox(choices=(), tooltip=_FACTOR_TIP)
        self.blur, self.optics_line, self.oblong_line = BlurFields(self.viewer), Line(self.viewer), Line(self.viewer)
        rows.add("Pixels", self.factor.native)
        rows.add_wide(self.blur)
        rows.add("", self.optics_line)
        rows.add("", self.oblong_line)
        self._seen: Run | None = None  # the run of which it was said last how the result agrees
        self._recorded: Any = None  # the layer whose optics are filled in
        self._sizes_of_file: Mapping[str, float] = {}  # of pixels, if they are taken from there
        self.optics = OpticsReader(self)
        self.optics.found.connect(self._optics_found)
        self.factor.changed.connect(lambda _: self.refresh())
        self.blur.changed.connect(self.refresh_if_built)

    def own_rows(self) -> list[QWidget]:
        """Return the ticks for images without noise and for what is left over."""
        self.noiseless = QCheckBox("the image has no noise")
        self.noiseless.setToolTip(_NOISELESS_TIP)
        self.residual = QCheckBox("what is left of the image")
        self.residual.setToolTip(words.RESIDUAL)
        self.residual.toggled.connect(self.refresh_if_built)
        own = Rows()
        own.add("Noise", self.noiseless)
        own.add("Make", self.residual)
        return [own]

    @property
    def asked(self) -> tuple[OutputName, ...]:
        """What is to be made, with what is left over."""
        return (*super().asked, *(("residual",) if self.residual.isChecked() else ()))

    def own_results(self) -> list[QWidget]:
        """Return the line that says how the result agrees with the image."""
        self.agreement = Line(self.viewer)
        return [self.agreement]

    def blocked(self) -> str:
        """Return why nothing can be run now, or nothing if it can."""
        reason = super().blocked()
        if reason or not self.blur.asks_for_optics:
            return reason or self.blur.missing
        if self.optics.reading:
            return words.READING_OPTICS
        return self.blur.missing and (self.oblong_line.text() or self.blur.missing)

    def end(self) -> None:
        """Cancel all jobs, and measure no more beads."""
        self.blur.beads.close_down()
        super().end()

    def options(self) -> dict[str, Any]:
        """Return factor, blur and noise."""
        noise = 0.0 if self.noiseless.isChecked() else None
        factor = self.factor.value or 2
        return {"options": SuperresolveOptions(factor=factor, noise_level=noise, **self.blur.value)}

    def set_request(self, request: Request) -> None:
        """Set the panel to what a request asks for, but for its image and region."""
        super().set_request(request)
        assert isinstance(request.options, SuperresolveOptions)
        if request.options.factor in self.factor.choices:
            self.factor.value = request.options.factor
        self.blur.take(request.options)
        self.noiseless.setChecked(request.options.noise_level == 0)
        self.residual.setChecked("residual" in request.outputs)
        self.refresh()

    def detail_changed(self, position: int) -> None:
        """Set the steps. The mean is complete after one; what more of them bring is the sample."""
        super().detail_changed(position)
        self.ticks.boxes["sample"].setChecked(position > 0)

    def _offer_factors(self) -> None:
        card, before = self.model.card, self.factor.value
        factors = () if card is None else range(2, _MOST + 1) if self.model.by_prior else card.factors
        with self.factor.changed.blocked():
            self.factor.choices = ()  # else new ones would come after those that stay
            self.factor.choices = [(f"{factor} times finer", factor) for factor in factors]
            if before in factors:
                self.factor.value = before

    def _model_changed(self) -> None:
        self._offer_factors()
        if self.model.by_prior and self.detail.position < _PRIOR_DETAIL:
            self.detail.move_to(_PRIOR_DETAIL)
        super()._model_changed()

    def _image_changed(self) -> None:
        layer = self.image.layer
        if layer is not self._recorded:
            self._recorded = layer
            self.blur.forget()
        self.optics.read(None if layer is None else layer.source.path)
        self._take_told()
        super()._image_changed()

    def _optics_found(self) -> None:
        self._take_told()
        self.refresh()

    def _take_told(self) -> None:
        """Fill in what the layer and its file tell; of pixels the layer, if it does, for that was set later."""
        layer, told = self.image.layer, self.optics.told
        sizes = {} if layer is None else view.sizes_um(layer, view.axes_of(layer))
        self._sizes_of_file = {} if sizes or told is None else sizes_of_file(layer, told)
        sizes = sizes or self._sizes_of_file
        self.blur.know_pixel(square_pixel(sizes), of_file=bool(self._sizes_of_file))
        self.oblong_line.say(words.oblong(sizes))
        if told is not None:
            self.blur.know_optics(told.wavelength_um, told.aperture)

    def _say_optics(self) -> None:
        """Say what the file tells, and what has to be looked at or typed as nothing tells it."""
        layer, told = self.image.layer, self.optics.told
        wavelength, aperture = (None, None) if told is None else (told.wavelength_um, told.aperture)
        pixel = square_pixel(self._sizes_of_file) if self.blur.knows_pixel else None
        said, unknown = [words.optics_told(wavelength, aperture, pixel)], False
        read = layer is not None and (told is not None or layer.source.path is None)
        if read and self.blur.asks_for_optics:
            unknown = not self.blur.knows_pixel and not self.oblong_line.text()
            missing = words.NO_PIXEL if self.blur.was_told_pixel else words.PIXEL_UNTOLD
            said += [missing if unknown else "", words.optics_untold(wavelength, aperture)]
        self.optics_line.say(" ".join(filter(None, said)), warn=unknown)

    def refresh_if_built(self) -> None:
        """Bring everything up to date, once all is there."""
        if hasattr(self, "actions"):
            self.refresh()

    def refresh(self) -> None:
        """Bring everything up to date."""
        self.offer_sample()
        super().refresh()
        self._say_optics()
        self._say_how_it_agrees()

    def _say_how_it_agrees(self) -> None:
        shown = self.runner.shown
        if shown is None or shown.result is None:
            self.agreement.say("")
            return
        sizes = view.sizes_um(shown.source.layer, shown.source.axes)
        optics = shown.result.request.options.optics
        if not sizes and optics is not None:  # which were told how large a pixel is
            sizes = dict.fromkeys("YX", optics[-1])
        self.agreement.say("\n".join(compared(shown.result, _SHOWN_BY, sizes)), warn=disagrees(shown.result))
        if shown is not self._seen:  # it may be below what is seen of the panel
            self._seen = shown
            self.column.bring_into_view(self.agreement)
