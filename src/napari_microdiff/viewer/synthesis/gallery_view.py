"""The gallery on screen: a grid of thumbnails, the keys that work in it, and the buttons around it."""

from __future__ import annotations

from pathlib import Path

from napari.components import ViewerModel
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListView,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ..parts import Line
from . import words
from .gallery import KEPT, REJECTED, Gallery
from .thumbnails import SIDE, blank

_ROWS, _COLUMNS = 2, 4  # that are seen at once; the others are scrolled to
_MOST, _USUAL = 64, 16
_GAP = 4


class Grid(QListWidget):
    """Thumbnails in rows. Arrow keys walk through them."""

    kept = Signal(int)
    rejected = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setIconSize(QSize(SIDE, SIDE))
        self.setGridSize(QSize(SIDE + _GAP, SIDE + _GAP))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(_ROWS * (SIDE + _GAP) + 6)

    def begin(self, count: int) -> None:
        """Show so many images that are not begun yet."""
        self.clear()
        for number in range(count):
            item = QListWidgetItem(blank(), "")
            item.setSizeHint(QSize(SIDE + _GAP, SIDE + _GAP))
            item.setToolTip(f"Image {number + 1}")
            self.addItem(item)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keep with K, put away with Delete."""
        if event.key() == Qt.Key.Key_K:
            self.kept.emit(self.currentRow())
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.rejected.emit(self.currentRow())
        else:
            super().keyPressEvent(event)


class GalleryView(QWidget):
    """Shows a gallery, and hands on what is clicked.

    Parameters
    ----------
    viewer : ViewerModel
        For its colours.
    gallery : Gallery
        What is shown.
    """

    asked = Signal(int, bool)  # for so many images, checked or not

    def __init__(self, viewer: ViewerModel, gallery: Gallery) -> None:
        super().__init__()
        self._gallery = gallery
        self.count = QSpinBox()
        self.count.setRange(1, _MOST)
        self.count.setMaximumWidth(90)
        self.count.setValue(_USUAL)
        self.count.setToolTip("How many images to draw.")
        self.judge = QCheckBox(words.JUDGE)
        self.judge.setChecked(True)
        self.judge.setToolTip(words.JUDGE_TIP)
        self.draw = QPushButton("Draw")
        self.cancel, self.bar = QPushButton("Cancel"), QProgressBar()
        self.top = QStackedWidget()
        self.top.addWidget(_row(QLabel("Variations"), self.count, self.judge, self.draw))
        self.top.addWidget(_row(self.cancel, self.bar))
        self.top.setFixedHeight(self.top.sizeHint().height())
        self.grid, self.line = Grid(), Line(viewer)
        self.keep, self.reject, self.save = QPushButton("Keep"), QPushButton("Put away"), QPushButton(words.SAVE)
        self.buttons = _row(self.keep, self.reject, self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (self.top, self.grid, self.line, self.buttons):
            column.addWidget(widget)
        self._reason = ""
        self._connect()
        self.refresh()

    def _connect(self) -> None:
        gallery, grid = self._gallery, self.grid
        self.draw.clicked.connect(lambda: self.asked.emit(self.count.value(), self.judge.isChecked()))
        self.cancel.clicked.connect(self._cancel)
        grid.currentRowChanged.connect(self._look_at)
        grid.itemClicked.connect(lambda item: self._look_at(grid.row(item)))
        grid.kept.connect(self._keep)
        grid.rejected.connect(self._reject)
        self.keep.clicked.connect(lambda: self._keep(grid.currentRow()))
        self.reject.clicked.connect(lambda: self._reject(grid.currentRow()))
        self.save.clicked.connect(self.ask_and_save)
        gallery.began.connect(self._began)
        gallery.drawn.connect(self._drawn)
        gallery.changed.connect(self.refresh)
        gallery.progressed.connect(self._progress)
        gallery.said.connect(self._say)

    def allow(self, reason: str) -> None:
        """Say why nothing can be drawn now; nothing if it can."""
        self._reason = reason
        self.refresh()

    def refresh(self) -> None:
        """Bring buttons and tooltips up to date."""
        gallery, number = self._gallery, self.grid.currentRow()
        self.top.setCurrentIndex(int(gallery.job is not None))
        self.cancel.setEnabled(gallery.job is not None)
        self.draw.setEnabled(not self._reason)
        self.draw.setToolTip(self._reason or words.VARIATIONS_TIP)
        sheet = gallery.sheet
        for widget in (self.grid, self.buttons):
            widget.setVisible(sheet is not None)
        sample = gallery.finished(number)
        finished, state = sample is not None, "" if sample is None else sample.state
        self.keep.setText("Do not keep" if state == KEPT else "Keep")
        self.reject.setText("Bring back" if state == REJECTED else "Put away")
        for button, tip in ((self.keep, words.KEEP_TIP), (self.reject, words.REJECT_TIP)):
            button.setEnabled(finished)
            button.setToolTip(tip if finished else "Click an image that is done first.")
        self.save.setEnabled(bool(gallery.kept) and gallery.job is None)
        self.save.setToolTip(words.SAVE_TIP if gallery.kept else words.NOTHING_KEPT)

    def ask_and_save(self) -> None:
        """Ask for a folder and save what is kept there."""
        folder = QFileDialog.getExistingDirectory(self, "A new folder for the pairs, or one to add to")
        if folder:
            self._gallery.save(Path(folder))

    def _began(self) -> None:
        assert self._gallery.sheet is not None
        self.grid.begin(len(self._gallery.sheet.samples))
        self.bar.setRange(0, 0)
        self.bar.setFormat("starting…")

    def _drawn(self, number: int) -> None:
        sheet = self._gallery.sheet
        if sheet is not None and number < self.grid.count():
            sample = sheet.samples[number]
            self.grid.item(number).setIcon(sample.thumbnail.icon(sheet.limits, sample.state))

    def _look_at(self, number: int) -> None:
        self._gallery.look_at(number)
        self.refresh()

    def _keep(self, number: int) -> None:
        self._gallery.keep(number)
        self.grid.setFocus()

    def _reject(self, number: int) -> None:
        self._gallery.reject(number)
        self.grid.setFocus()

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self._gallery.cancel()

    def _progress(self, done: int, total: int, text: str) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setFormat(text)

    def _say(self, text: str, warn: bool) -> None:
        self.line.say(text, warn=warn)


def _row(*children: QWidget) -> QWidget:
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for child in children:
        row.addWidget(child, 1 if isinstance(child, QPushButton | QProgressBar) else 0)
    return widget
