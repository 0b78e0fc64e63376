"""The mode Isotropic z of the Super-resolve panel: what it has beyond the anatomy that all panels share."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QSpinBox, QWidget

from ..engine.options import IsotropicOptions
from ..engine.request import Request, Span
from ..engine.trust import NOT_SQUARE, slices_are_far, slices_tell
from . import view, words
from .adapt import Adapting, Words
from .layout import Rows
from .panel import Panel
from .parts import Line
from .recorded_optics import OpticsReader
from .running import Run
from .voxels import Voxels, told_voxels

_LEAST, _MOST = 2, 10
_PREVIEW = 128  # pixels of a side
_TIP = (
    "How many pixels lie from one slice to the next: so many slices are made of each.\n"
    "If the layer or its file says how far apart its slices are, it is set for you."
)


ADAPT = Words(
    "stack",
    "the slices of this stack, which show along their axes what may lie between them",
    "It takes five to ten minutes",
)
READING_SLICES = "The file is being read for how far apart its slices are. Wait a moment."
NO_SLICES = "This model knows images only. Choose one that was trained to fill in slices."


class IsotropicPanel(Panel):
    """Draw what may lie between the slices of a stack, so that its voxels become cubes."""

    task = "isotropic"
    doing = "Making isotropic"
    made = "isotropic"
    as_prior = ", knows images only"
    detail_tip = words.DETAIL_BETWEEN_TIP
    outputs = words.BETWEEN
    details = ({"steps": 1}, {"steps": 4}, {"steps": 8}, {"steps": 20})
    detail_at_first = 2
    nothing_open = "Open a stack of electron micrographs."
    nothing_chosen = "Choose a stack of slices first."

    def add_rows(self, rows: Rows) -> None:
        """Add how far apart slices are."""
        self._seen: Run | None = None  # the run whose result was shown last
        self._typed = False  # whether the distance was, or came with a request, since the image was chosen
        self._of: Any = None  # the image that it was typed for
        self.file = OpticsReader(self)
        self.file.found.connect(self._file_read)
        self.factor = QSpinBox()
        self.factor.setRange(_LEAST, _MOST)
        self.factor.setSuffix(" pixels apart")
        self.factor.setToolTip(_TIP)
        self.factor_line = Line(self.viewer)
        rows.add("Slices", self.factor, self.factor_line)
        self.factor.valueChanged.connect(self._factor_changed)

    def own_rows(self) -> list[QWidget]:
        """Return what adapts the model to the stack."""
        self.adapting = Adapting(self, ADAPT, lambda: {"factor": self.factor.value()}, self._cubes)
        own = Rows()
        own.add("", self.adapting.button)
        return [own]

    def own_results(self) -> list[QWidget]:
        """Return the line that says how much of the result the slices tell."""
        self.told = Line(self.viewer)
        return [self.told]

    def options(self) -> dict[str, Any]:
        """Return the distance of slices."""
        return {"options": IsotropicOptions(factor=self.factor.value())}

    def set_request(self, request: Request) -> None:
        """Set the panel to what a request asks for, but for its image and region."""
        assert isinstance(request.options, IsotropicOptions)
        self.factor.setValue(request.options.factor)
        self._typed = True  # what the file tells may be found after this
        super().set_request(request)

    def detail_changed(self, position: int) -> None:
        """Set the steps; of one there is a mean, of more also what looks like a slice."""
        super().detail_changed(position)
        others = tuple(name for name in self.ticks.ticked if name not in ("mean", "sample"))
        self.ticks.tick((("sample" if position else "mean"), *others))

    def blocked(self) -> str:
        """Return why nothing can be run now, or nothing if it can."""
        reason = super().blocked() or self._no_stack()
        waits = self.file.reading and not self._typed and self._told().distance is None
        return reason or (READING_SLICES if waits else "")

    def previewed(self, region: tuple[Span, ...], axes: str) -> tuple[Span, ...]:
        """Return the middle of what is visible, of the slice that is shown and the next one.

        Of the last slice it is the one before. The network has to see far around, so that more would take minutes.
        """
        assert self.image.layer is not None
        at, last = region[axes.index("Z")][0], view.level_0(self.image.layer).shape[axes.index("Z")] - 1
        first = min(at, last - 1)
        middles = {letter: view.middle(*span, _PREVIEW) for letter, span in zip(axes, region, strict=True)}
        spans = {**dict(zip(axes, region, strict=True)), "Z": (first, first + 2), "Y": middles["Y"], "X": middles["X"]}
        return tuple(spans[letter] for letter in axes)

    def request(self, axes: str | None = None, region: tuple[Span, ...] | None = None) -> Request:
        """Return what the panel asks for now; for a preview that is the mean, if the model makes it in one step."""
        request = super().request(axes, region)
        if region is None:
            return request
        quick = {"outputs": ("sample",)} if self.model.by_prior else {"steps": 1, "outputs": ("mean",)}
        return request.model_copy(update={"samples": 1, **quick})

    def refresh(self) -> None:
        """Bring everything up to date."""
        self.offer_sample()
        super().refresh()
        self.adapting.refresh(self.blocked() or (NO_SLICES if self.model.by_prior else ""))
        self._say_of_slices()
        shown = self.runner.shown
        result = None if shown is None else shown.result
        self.told.say(slices_tell(result), warn=slices_are_far(result))

    def _no_stack(self) -> str:
        layer = self.image.layer
        if layer is None:
            return self.nothing_chosen
        axes, shape = view.axes_of(layer), view.level_0(layer).shape
        if "Z" not in axes:
            return "This image is no stack of slices. Choose one that is, or name its axis of depth Z."
        return "" if shape[axes.index("Z")] > 1 else "This stack has one slice only. Choose one with two or more."

    def _told(self) -> Voxels:
        """Return what the layer tells of its voxels, or its file if the layer does not."""
        layer = self.image.layer
        return Voxels() if layer is None else told_voxels(layer, self.file)

    def _say_of_slices(self) -> None:
        layer, told = self.image.layer, self._told()
        reason = "" if layer is None else self._no_stack()
        if layer is None or reason:
            self.factor_line.say(reason)
            return
        slices = view.level_0(layer).shape[view.axes_of(layer).index("Z")]
        said = [f"{slices} slices become {(slices - 1) * self.factor.value() + 1}."]
        if told.distance is not None or not self.file.reading:
            said.append(_said_of_distance(told, self.factor.value()))
        self.factor_line.say(" ".join(filter(None, said)), warn=told.oblong)

    def _cubes(self) -> bool | None:
        told = self._told()
        if told.distance is None:
            return False
        return True if told.distance == 1 and not told.oblong else None

    def _fill_in_distance(self) -> None:
        distance = self._told().distance
        if self._typed and (distance is None or not _LEAST <= distance <= _MOST):
            return
        nearest = IsotropicOptions().factor if distance is None else min(max(distance, _LEAST), _MOST)
        self.factor.setValue(nearest)
        self._typed = False

    def _factor_changed(self) -> None:
        self._typed = True
        if hasattr(self, "actions"):
            self.refresh()

    def _file_read(self) -> None:
        if not self._typed:
            self._fill_in_distance()
        self.refresh()

    def _image_changed(self) -> None:
        layer = self.image.layer
        if layer is not self._of:
            self._of, self._typed = layer, False
        self.file.read(None if layer is None else layer.source.path)
        self._fill_in_distance()
        super()._image_changed()

    def _job_changed(self) -> None:
        super()._job_changed()
        last = self.runner.last
        if self.runner.job is not None or last is self._seen:  # one that was cancelled made nothing to show
            return
        self._seen = last
        if last is not None and last.layers and last.request.region is not None:
            self._show_between(last.layers[0], last.source.axes.index("Z"))

    def _show_between(self, layer: Any, axis: int) -> None:
        """After a preview, show what was drawn: the slice in the middle."""
        if layer in self.viewer.layers and self.viewer.dims.ndisplay == 2:
            middle = layer.data_to_world([n // 2 for n in layer.data.shape[: layer.ndim]])
            shown = self.viewer.dims.ndim - layer.ndim + axis
            if shown not in self.viewer.dims.displayed:
                self.viewer.dims.set_point(shown, middle[axis])


def _said_of_distance(told: Voxels, factor: int) -> str:
    """Say what is told of the distance of slices, as far as it is not the one that was set."""
    said = ""
    if told.distance is None:
        said = "The layer does not say how far apart they are."
    elif told.distance > _MOST:
        far = f"By its {told.teller} its slices are {told.distance} pixels apart"
        said = f"{far}; {_MOST} is the most that is drawn at once."
    elif told.distance < _LEAST and not told.oblong:
        said = f"By its {told.teller} its voxels are cubes already."
    elif told.distance != factor:
        said = f"By its {told.teller} they are {told.distance} {'pixel' if told.distance == 1 else 'pixels'} apart."
    return f"{said} Its pixels {NOT_SQUARE}".strip() if told.oblong else said
