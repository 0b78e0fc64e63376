"""How the parts of a panel are laid out: rows with a word in front, and a column that scrolls."""

from __future__ import annotations

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from .decimals import DecimalField

LABEL_WIDTH = 60


class Rows(QWidget):
    """Rows with a word on the left and what it names on the right."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        self._grid.setColumnStretch(1, 1)

    def add(self, word: str, *widgets: QWidget) -> None:
        """Add a named row, and below it what belongs to it."""
        for number, widget in enumerate(widgets):
            row = self._grid.rowCount()
            if number == 0 and word:
                label = QLabel(word)
                label.setBuddy(widget)
                self._grid.addWidget(label, row, 0)
            self._grid.addWidget(widget, row, 1)
        if len(widgets) > 1:  # a little air below what belongs together
            self._grid.setRowMinimumHeight(self._grid.rowCount(), 7)

    def add_wide(self, rows: Rows) -> None:
        """Add rows that have words of their own, in line with these."""
        self._grid.addWidget(rows, self._grid.rowCount(), 0, 1, 2)

    def show_row(self, widget: QWidget, shown: bool) -> None:
        """Show or hide a widget, and the word in front of it."""
        row = self._grid.getItemPosition(self._grid.indexOf(widget))[0]
        item = self._grid.itemAtPosition(row, 0)
        for part in (widget, item.widget() if item is not None else None):
            if part is not None:
                part.setVisible(shown)


def number_field(suffix: str, low: float, high: float, tip: str, decimals: int = 1) -> DecimalField:
    """Return a field for a number with a unit."""
    field = DecimalField()
    field.setRange(low, high)
    field.setDecimals(decimals)
    field.setSuffix(suffix)
    field.setToolTip(tip)
    return field


class Column(QScrollArea):
    """A column of widgets that can be scrolled where the window is low; it fills a panel."""

    def __init__(self, panel: QWidget, *widgets: QWidget) -> None:
        super().__init__(panel)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(6, 8, 6, 8)
        column.setSpacing(8)
        for widget in widgets:
            column.addWidget(widget)
        column.addStretch(1)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidget(inside)
        outside = QVBoxLayout(panel)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(self)
        self._shown: QWidget = inside
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(lambda: self.ensureWidgetVisible(self._shown))

    def bring_into_view(self, widget: QWidget) -> None:
        """Scroll to a widget as soon as it has its new size."""
        self._shown = widget
        self._soon.start(0)
