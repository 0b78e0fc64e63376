"""The small parts that every panel is built from. They show and report; what to do is decided by the panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from magicgui.widgets import ComboBox
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ..engine.request import Request
from ..models.card import Card

TASKS = ("denoise", "superresolve", "isotropic", "repair", "segment", "synthesize")
USUAL_MODELS = frozenset(Request.model_validate({"task": task}).model for task in TASKS)
_NO_LAYER = "no layer"
_LETTERS = 12  # of a name that is always shown


class Line(QLabel):
    """A line of quiet text under what it belongs to; ``warn`` makes it stand out."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._warns = False
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        viewer.events.theme.connect(self._paint)
        self.say("")

    def say(self, text: str, *, warn: bool = False) -> None:
        """Show ``text``; nothing takes no room."""
        self._warns = warn
        self.setText(text)
        self.setVisible(bool(text))
        self._paint()

    @property
    def warns(self) -> bool:
        """Whether it shows a warning."""
        return self._warns

    def _paint(self, event: object = None) -> None:
        theme = get_theme(self._viewer.theme)
        text, warning = theme.text.as_rgb_tuple()[:3], theme.warning.as_rgb_tuple()[:3]
        if sum(text) < 3 * 128:  # dark on light, where napari's yellow could not be read
            warning = tuple((a + b) // 2 for a, b in zip(text, warning, strict=True))
        red, green, blue = warning if self._warns else text
        self.setStyleSheet(f"color: rgba({red}, {green}, {blue}, {255 if self._warns else 175}); background: none;")


class LayerChoice(QWidget):
    """Which layer of one kind. Others are not offered.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers are offered.
    kind : type
        Of the layers.
    tip : str
        Tooltip.
    none : str
        What the choice of no layer is called, which then is the first one; without it some layer is chosen as soon as
        there is one.
    """

    changed = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        kind: type[Layer] = Image,
        tip: str = "The image to work on. Only image layers are offered.",
        none: str = "",
    ) -> None:
        super().__init__()
        self._viewer, self.kind = viewer, kind
        self.none = none
        self._box = ComboBox(choices=self._choices, nullable=False)
        self._box.native.setToolTip(tip)
        _cut_short(self._box)
        _fill(self, self._box.native)
        self._box.changed.connect(lambda _: self.changed.emit())
        for event in (viewer.layers.events.inserted, viewer.layers.events.removed, viewer.layers.events.renamed):
            event.connect(self._refresh)
        active = viewer.layers.selection.active
        if isinstance(active, kind) and not none:
            self.choose(active)

    def _choices(self, box: object = None) -> list[tuple[str, Any]]:
        layers = [(layer.name, layer) for layer in self._viewer.layers if isinstance(layer, self.kind)]
        return [(self.none, _NO_LAYER), *layers] if self.none else layers

    def _refresh(self, event: object = None) -> None:
        before = self.layer
        self._box.reset_choices()
        if self.layer is not before:
            self.changed.emit()

    @property
    def layer(self) -> Any:
        """The chosen layer, or None."""
        value = self._box.value
        return value if isinstance(value, self.kind) else None

    def choose(self, layer: Layer | None) -> None:
        """Choose a layer of the viewer, or none."""
        wanted = _NO_LAYER if layer is None else layer
        self._box.value = next(mine for _, mine in self._choices() if mine == wanted)

    def call_none(self, words: str) -> None:
        """Call the choice of no layer otherwise."""
        self.none = words
        self._refresh()


class ModelChoice(QWidget):
    """Which model, and a button that shows its card."""

    changed = Signal()
    asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[Card] = []
        self._box = ComboBox(choices=self._choices, nullable=False)
        _cut_short(self._box)
        self.about = QPushButton("i")
        self.about.setFixedWidth(24)
        self.about.setToolTip("What this model is: training images, measured quality, known failures.")
        self.about.clicked.connect(self.asked)
        _fill(self, self._box.native, self.about)
        self._box.changed.connect(lambda _: self.changed.emit())

    def _choices(self, box: object = None) -> list[tuple[str, str]]:
        return [(card.title, card.id) for card in self.cards]

    def offer(self, cards: Sequence[Card]) -> None:
        """Offer these models, keeping the one that is chosen if it is still there."""
        titles = [card.title for card in cards]
        self.cards = [
            card if titles.count(card.title) == 1 else card.model_copy(update={"title": f"{card.title} ({card.id})"})
            for card in cards
        ]
        before = self._box.value
        self._box.reset_choices()
        if before is None:
            self.choose(next((card.id for card in cards if card.id in USUAL_MODELS), ""))
        self.changed.emit()

    @property
    def card(self) -> Card | None:
        """Card of the chosen model."""
        return next((card for card in self.cards if card.id == self._box.value), None)

    def choose(self, model_id: str) -> bool:
        """Choose a model; return whether it is on offer."""
        if all(card.id != model_id for card in self.cards):
            return False
        self._box.value = model_id
        return True


class DetailSlider(QWidget):
    """From instant to finest: the one setting that matters."""

    changed = Signal(int)

    def __init__(self, positions: int) -> None:
        super().__init__()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, positions - 1)
        self._slider.setPageStep(1)
        self._slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self._slider.setTickInterval(1)
        self.setToolTip(
            "Instant gives the best estimate of every pixel in one step: measure on it.\n"
            "More steps add the detail that a sharp image would have, and take as much longer."
        )
        _fill(self, QLabel("Instant"), self._slider, QLabel("Finest"))
        self._slider.valueChanged.connect(self.changed)

    @property
    def position(self) -> int:
        """Where it stands, from 0."""
        return self._slider.value()

    def move_to(self, position: int) -> None:
        """Move it."""
        self._slider.setValue(position)


class Ticks(QWidget):
    """What to make: boxes to tick."""

    changed = Signal()

    def __init__(self, names: Sequence[str], tooltips: Sequence[str]) -> None:
        super().__init__()
        self.boxes = {name: QCheckBox(name) for name in names}
        for box, tooltip in zip(self.boxes.values(), tooltips, strict=True):
            box.setToolTip(tooltip)
            box.toggled.connect(self.changed)
        _fill(self, *self.boxes.values(), stretch=True)

    @property
    def ticked(self) -> tuple[str, ...]:
        """Names of the boxes that are ticked and can be."""
        return tuple(name for name, box in self.boxes.items() if box.isChecked() and box.isEnabled())

    def tick(self, names: Sequence[str]) -> None:
        """Tick exactly these."""
        for name, box in self.boxes.items():
            box.setChecked(name in names)


class RunBar(QStackedWidget):
    """The buttons that start, or while something runs the one that stops it and how far it is."""

    def __init__(self) -> None:
        super().__init__()
        self.preview = QPushButton("Preview view")
        self.run = QPushButton("Run on all")
        self.cancel = QPushButton("Cancel")
        self.bar = QProgressBar()
        self.bar.setTextVisible(True)
        for widgets in ((self.preview, self.run), (self.cancel, self.bar)):
            page = QWidget()
            _fill(page, *widgets)
            self.addWidget(page)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def busy(self, yes: bool) -> None:
        """Show the one page or the other."""
        self.setCurrentIndex(int(yes))
        self.cancel.setEnabled(True)
        self.bar.setRange(0, 0)
        self.bar.setFormat("starting…")

    def stopping(self) -> None:
        """Show that Cancel was heard."""
        self.cancel.setEnabled(False)
        self.bar.setFormat("stopping…")

    def progress(self, done: int, total: int, text: str) -> None:
        """Show how far it is."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setFormat(text)


class ResultBar(QWidget):
    """What was made, and what can be done with it."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.line = Line(viewer)
        self.again = QPushButton("Run again")
        self.again.setToolTip("The same request on the same layer: it gives the identical result.")
        self.copy = QPushButton("Copy as Python")
        self.copy.setToolTip("Put code that makes this result on the clipboard.")
        self.copy_command = QPushButton("as command")
        self.copy_command.setToolTip("Put a command for the terminal that does the same to a file on the clipboard.")
        self.save = QPushButton("Save…")
        self.save.setToolTip("Write the result to a file, with its pixel size and how it was made.")
        self.buttons = QWidget()
        _fill(self.buttons, self.again, self.copy, self.copy_command, self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.line)
        column.addWidget(self.buttons)
        self.buttons.hide()


def _cut_short(box: ComboBox) -> None:
    """Let long names be cut short, instead of making the panel wider than its dock."""
    box.native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.native.setMinimumContentsLength(_LETTERS)


def _fill(widget: QWidget, *children: Any, stretch: bool = False) -> None:
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for child in children:
        row.addWidget(child)
    if stretch:
        row.addStretch(1)
