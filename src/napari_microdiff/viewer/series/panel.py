"""The Series panel: a folder of images, gone through one by one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from napari.components import ViewerModel
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from ...engine.events import Progress
from ..docked import Docked
from ..words import progress as progress_in_words
from . import keys, words
from .browser import Browser
from .keys import Keys
from .parts import Folder, Here, ImageList
from .recipe_rows import RecipeRows

WIDTH = 380


class SeriesPanel(Docked):
    """Go through a folder of images: each opens segmented, and corrections are saved as they are made.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer to work in.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:  # type: ignore[name-defined]  # noqa: F821
        super().__init__()
        self.viewer: ViewerModel = napari_viewer
        self.browser = Browser(napari_viewer, self)
        self.folder, self.list, self.here = Folder(self.viewer), ImageList(self.browser.shown), Here(self.viewer)
        self.recipe = RecipeRows()
        self._refused: Path | None = None
        self._top: QWidget | None = None
        self._closing = False  # whether the window was to be closed
        self._warned = False  # whether it was said that something could not be saved before it closes
        browser = self.browser
        self.keys = Keys(
            {
                keys.PREVIOUS: partial(browser.step, -1),
                keys.NEXT: partial(browser.step, 1),
                keys.DONE: browser.finish,
            },
            self,
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.folder)
        column.addWidget(self.list, 100)
        column.addWidget(self.here)
        column.addWidget(self.recipe)
        column.addStretch(1)
        self.setMinimumWidth(WIDTH)
        self._connect()
        browser.recipe = self.recipe.recipe
        self.refresh()

    def _connect(self) -> None:
        browser, here = self.browser, self.here
        self.folder.open.clicked.connect(self.ask_for_folder)
        self.folder.elsewhere.clicked.connect(self.ask_for_results)
        self.list.chosen.connect(browser.go)
        self.list.filtered.connect(self._filter)
        here.previous.clicked.connect(partial(browser.step, -1))
        here.next.clicked.connect(partial(browser.step, 1))
        here.done.clicked.connect(browser.finish)
        here.again.clicked.connect(self.segment_again)
        here.cancel.clicked.connect(browser.preparation.cancel)
        here.by_confidence.toggled.connect(browser.stage.colour)
        self.recipe.changed.connect(browser.preparation.set_recipe)
        browser.changed.connect(self.refresh)
        browser.began.connect(self._on_began)
        browser.refused.connect(self._on_refused)
        browser.progressed.connect(self._on_progress)

    # what is asked for --------------------------------------------------------------------------------------------

    def ask_for_folder(self) -> None:
        """Ask for a folder and open it."""
        series = self.browser.series
        folder = QFileDialog.getExistingDirectory(self, "Open a folder of images", str(series.folder if series else ""))
        if folder:
            self.open_folder(Path(folder))

    def open_folder(self, folder: Path, output: Path | None = None) -> None:
        """Open a folder where it was left.

        Parameters
        ----------
        folder : Path
            Where the images are.
        output : Path, optional
            Where a folder for the results is made, if not beside the images.
        """
        self._refused = None
        self.browser.open_folder(folder, output)

    def ask_for_results(self) -> None:
        """Ask for another folder for the results, and open the folder of images again."""
        if self._refused is None:
            return
        output = QFileDialog.getExistingDirectory(self, "Keep the labels in a folder in…")
        if output:
            self.open_folder(self._refused, Path(output))

    def segment_again(self) -> None:
        """Segment the image that is open with the settings as they are shown."""
        self.recipe.hurry()
        self.browser.preparation.segment_again()

    def _filter(self, choice: str) -> None:
        self.browser.shown.show_only(choice)
        self.list.move_to(self.browser.current)
        self.browser.preparation.look_ahead()

    # what is shown ------------------------------------------------------------------------------------------------

    def _on_began(self) -> None:
        self.recipe.show_recipe(self.browser.recipe)
        self.browser.recipe = self.recipe.recipe  # a model may not be installed any more

    def _on_refused(self, folder: Path) -> None:
        self._refused = folder

    def _on_progress(self, progress: Progress) -> None:
        self.here.progress(progress.done, progress.total, progress_in_words(progress))

    def refresh(self) -> None:
        """Bring lines and buttons up to date."""
        browser, here = self.browser, self.here
        for widget in (self.list, here, self.recipe):
            widget.setVisible(browser.series is not None)
        self.folder.elsewhere.setVisible(self._refused is not None)
        if browser.series is None:
            self.folder.summary.say(browser.said or words.START, warn=browser.warns)
            return
        self.folder.show_series(browser.series)
        self.list.move_to(browser.current)
        waiting, can_finish = browser.preparation.waiting, browser.can_finish
        here.busy(waiting)
        here.done.setEnabled(can_finish)
        here.done.setToolTip(words.DONE_TIP.format(keys.spoken(keys.DONE)) if can_finish else words.NOTHING_YET)
        here.again.setEnabled(browser.opened is not None and not waiting)
        here.again.setText("Segment again" if can_finish else "Segment this image")
        self._say()

    def _say(self) -> None:
        browser, here = self.browser, self.here
        if browser.current:
            here.line.say(words.status(browser.series, browser.rows.row(browser.current)))
        if browser.autosave.problem:
            here.told.say(words.NOT_SAVED.format(browser.autosave.problem, browser.autosave.name), warn=True)
        else:
            hint = words.HINT if browser.can_finish else words.WAITING if browser.preparation.waiting else ""
            here.told.say(browser.said or hint, warn=browser.warns)

    # when it comes and goes ---------------------------------------------------------------------------------------

    def showEvent(self, event: object) -> None:
        """Make the keys work in the window that it was put into, and hear of it when that closes."""
        super().showEvent(event)
        top: QWidget = self
        while top.parentWidget() is not None:
            top = top.parentWidget()
        if not self.closed and top is not self._top:
            self._top = top
            top.installEventFilter(self)
            self.keys.bind(top)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Save what is not saved yet before the window closes, and end when it is gone: napari may ask in between."""
        kind = event.type() if watched is self._top else None
        if kind == QEvent.Type.Close and self._top.isVisible():
            self._closing = not self._holds(event)
            return not self._closing
        if kind == QEvent.Type.Close or (kind == QEvent.Type.Hide and self._closing and not event.spontaneous()):
            self.shut()  # to minimise a window hides it, too, but spontaneously
        return False

    def _holds(self, closing: QEvent) -> bool:
        """Save; if that fails and it is the user who closes the window, it stays open once."""
        autosave = self.browser.autosave
        autosave.write_now()
        problem = autosave.problem
        holds = bool(problem) and closing.spontaneous() and not self._warned
        self._warned = bool(problem)
        if holds:
            closing.ignore()
            self.refresh()
            self._tell_unsaved(autosave.name, problem, words.STAYS_OPEN)
        return holds

    def taken_out(self) -> None:
        """Save what is not saved yet, and say so, or why that failed."""
        name = self.browser.autosave.name
        self.shut()
        if name and self.browser.unsaved:
            self._tell_unsaved(name, self.browser.unsaved)
        elif name:
            show_info(words.CLOSED.format(name))

    def _tell_unsaved(self, name: str, problem: str, *more: str) -> None:
        labels = self.browser.stage.labels
        where = () if labels is None else (words.STILL_THERE.format(labels.name),)
        show_error(" ".join((words.UNSAVED.format(name, problem), *where, *more)))

    def end(self) -> None:
        """Save, stop all work and give the keys back; the layers stay."""
        if self._top is not None:
            self._top.removeEventFilter(self)
            self._top = None
        self.recipe.stop()
        self.keys.release()
        self.browser.close()
