"""The parts of the Series panel. They show and report; what to do is decided by the panel."""

from __future__ import annotations

from napari.components import ViewerModel
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListView,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ...files.series import Series
from ..parts import Line
from . import keys, words
from .model import FILTERS, ShownRows
from .pixels import SIDE


class Folder(QWidget):
    """Which folder is open, and how far it is."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.open = QPushButton("Open folder…")
        self.open.setToolTip("Choose a folder of TIFF, PNG or JPEG images. It is opened where it was left.")
        self.elsewhere = QPushButton("Save labels elsewhere…")
        self.elsewhere.setToolTip(words.RESULTS_TIP)
        self.name, self.summary = QLabel(), Line(viewer)
        row = QHBoxLayout()
        row.addWidget(self.open)
        row.addWidget(self.elsewhere)
        row.addWidget(self.name, 1)
        column = _column(self)
        column.addLayout(row)
        column.addWidget(self.summary)

    def show_series(self, series: Series) -> None:
        """Show a series."""
        self.name.setText(series.folder.name)
        self.name.setToolTip(f"Images: {series.folder}\nLabels: {series.output}")
        self.summary.say(words.summary(series))


class ImageList(QWidget):
    """The images, and which of them are shown."""

    chosen = Signal(str)
    filtered = Signal(str)

    def __init__(self, rows: ShownRows) -> None:
        super().__init__()
        self._rows = rows
        self.which = QComboBox()
        self.which.addItems(list(FILTERS))
        self.which.setToolTip("Which images are listed. Previous and Next go through these.")
        self.which.currentTextChanged.connect(self.filtered)
        self.view = QListView()
        self.view.setModel(rows)
        self.view.setIconSize(QSize(SIDE, SIDE))
        self.view.setUniformItemSizes(True)
        self.view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setMinimumHeight(2 * (SIDE + 10))
        self.view.clicked.connect(self._choose)
        self.view.activated.connect(self._choose)
        self._open = ""
        row = QHBoxLayout()
        row.addWidget(QLabel("Show"))
        row.addWidget(self.which, 1)
        column = _column(self)
        column.addLayout(row)
        column.addWidget(self.view, 1)

    def move_to(self, name: str) -> None:
        """Highlight the image that is open."""
        model = self._rows.sourceModel()
        if not name:
            self._open = ""
            return
        index = self._rows.mapFromSource(model.index(model.row(name), 0))
        moved = name != self._open or self.view.currentIndex() != index
        self._open = name
        if moved and index.isValid():
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)

    def _choose(self, index: object) -> None:
        source = self._rows.mapToSource(index)
        self.chosen.emit(self._rows.sourceModel().name(source.row()))


class Here(QWidget):
    """The image that is open: what is known of it, and where to go from it."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.line, self.told = Line(viewer), Line(viewer)
        self.previous, self.next = QPushButton("Previous"), QPushButton("Next")
        self.done = QPushButton("Mark as done and go on")
        self.again, self.cancel = QPushButton("Segment again"), QPushButton("Cancel")
        self.bar = QProgressBar()
        self.by_confidence = QCheckBox("Colour by confidence")
        for button, what, key in ((self.previous, "before", keys.PREVIOUS), (self.next, "after", keys.NEXT)):
            button.setToolTip(f"Save, and open the image {what} this one in the list. ({keys.spoken(key)})")
        self.again.setToolTip(
            "Segment this image with the settings below. Labels that were corrected are kept under another name."
        )
        self.by_confidence.setToolTip("Blue objects are sure, orange ones are doubtful: look at those first.")
        self._work = QStackedWidget()
        for widgets in ((self.by_confidence, self.again), (self.bar, self.cancel)):
            page = QWidget()
            row = QHBoxLayout(page)
            row.setContentsMargins(0, 0, 0, 0)
            row.addWidget(widgets[0], 1)
            row.addWidget(widgets[1])
            self._work.addWidget(page)
        grid = QGridLayout()
        grid.setSpacing(6)
        grid.addWidget(self.previous, 0, 0)
        grid.addWidget(self.next, 0, 1)
        grid.addWidget(self.done, 1, 0, 1, 2)
        column = _column(self)
        column.addWidget(self.line)
        column.addWidget(self.told)
        column.addWidget(self._work)
        column.addLayout(grid)

    def busy(self, yes: bool) -> None:
        """Show how far the work is, or what can be done."""
        if bool(self._work.currentIndex()) != yes:
            self._work.setCurrentIndex(int(yes))
            self.bar.setRange(0, 0)
            self.bar.setFormat("segmenting…")

    def progress(self, done: int, total: int, text: str) -> None:
        """Show how far it is."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setFormat(f"segmenting, {text}")


def _column(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    return column
