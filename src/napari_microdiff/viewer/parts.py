"""The small parts that every panel is built from. They show and report; what to do is decided by the panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.components import ViewerModel
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
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


class DetailSlider(QWidget):
    """From instant to finest: the one setting that matters.

    Parameters
    ----------
    positions : int
        How many there are.
    tip : str
        What it does, which differs from panel to panel.
    least : str
        Name of the first position.
    """

    changed = Signal(int)

    def __init__(self, positions: int, tip: str, least: str = "Instant") -> None:
        super().__init__()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, positions - 1)
        self._slider.setPageStep(1)
        self._slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self._slider.setTickInterval(1)
        self.setToolTip(tip)
        fill(self, QLabel(least), self._slider, QLabel("Finest"))
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
        self._tooltips = dict(zip(names, tooltips, strict=True))
        self.boxes = {name: QCheckBox(name) for name in names}
        for name, box in self.boxes.items():
            box.setToolTip(self._tooltips[name])
            box.toggled.connect(self.changed)
        fill(self, *self.boxes.values(), stretch=True)

    @property
    def ticked(self) -> tuple[str, ...]:
        """Names of the boxes that are ticked and can be."""
        return tuple(name for name, box in self.boxes.items() if box.isChecked() and box.isEnabled())

    def offer(self, name: str, reason: str = "") -> None:
        """Let a box be ticked, or with a reason say why it cannot be."""
        box = self.boxes[name]
        box.setEnabled(not reason)
        box.setToolTip(reason or self._tooltips[name])

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
            fill(page, *widgets)
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
        fill(self.buttons, self.again, self.copy, self.copy_command, self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.line)
        column.addWidget(self.buttons)
        self.buttons.hide()


def fill(widget: QWidget, *children: Any, stretch: bool = False) -> None:
    """Put widgets beside each other into another one."""
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for child in children:
        row.addWidget(child)
    if stretch:
        row.addStretch(1)
