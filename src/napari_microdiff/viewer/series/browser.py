"""Goes through a series: what is open, what is saved before the next one is opened, and what is segmented meanwhile.

Nothing that the user drew is taken away before it is on the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import QObject, QThreadPool, QTimer, Signal

from ...files.series import Entry, Series, State
from ..corrections.settling import is_busy, when_settled
from ..jobs import Job
from . import words, work
from .autosave import Autosave
from .model import SeriesModel, ShownRows
from .preparation import Preparation
from .recipe import SeriesRecipe
from .stage import Stage
from .thumbnails import Thumbnails
from .work import Opened, Refused

_THREADS = 4  # on a computer with fewer cores, labels are still saved while an image is being segmented

# Who leafs through quickly has the last image read only. The pause also lets napari draw without the labels before the
# image goes: software renderers crash where both go at once and an image without labels comes.
_PAUSE_MS = 60


class Browser(QObject):
    """What the Series panel does; the panel shows it.

    Attributes
    ----------
    series : Series, optional
        The folder that is open.
    current : str
        The image that is open or being opened, or nothing.
    opened : Opened, optional
        That image, once it has been read.
    said : str
        The last thing to be told about it, and in ``warns`` whether something has to be done.
    unsaved : str
        Why the last corrections could not be saved when all was closed, or nothing.
    """

    changed = Signal()
    began = Signal()  # with another folder
    progressed = Signal(object)  # Progress of the image that is open
    refused = Signal(object)  # the folder in which nothing can be saved

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        pool = QThreadPool.globalInstance()
        pool.setMaxThreadCount(max(_THREADS, pool.maxThreadCount()))
        self.series: Series | None = None
        self.current, self.opened = "", None
        self.recipe = SeriesRecipe()
        self.said, self.warns, self.unsaved = "", False, ""
        self.thumbnails = Thumbnails(self)
        self.rows = SeriesModel(self.thumbnails, self)
        self.shown = ShownRows(self.rows, self)
        self.stage, self.autosave = Stage(viewer, self), Autosave(self)
        self._reader: Job | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE_MS)
        self._soon.timeout.connect(self._read_current)
        self.preparation = Preparation(self)
        self.stage.labels_removed.connect(partial(self.autosave.then, self._labels_removed))
        self.autosave.saved.connect(self._on_saved)
        self.autosave.settled.connect(self.changed)

    def say(self, text: str, warn: bool = False) -> None:
        """Have something shown."""
        self.said, self.warns = text, warn
        self.changed.emit()

    # folders ------------------------------------------------------------------------------------------------------

    def open_folder(self, folder: Path, output: Path | None = None) -> None:
        """Open a folder where it was left, after what is open has been saved."""
        self._leave(partial(self._look_through, folder, output))

    def _look_through(self, folder: Path, output: Path | None) -> None:
        job = self._read(f"Looking through {folder.name}", partial(work.look_through, folder, output))
        job.done.connect(self._on_folder)
        job.failed.connect(partial(self.say, warn=True))
        job.start()
        self.say("Looking through the folder…")

    def _on_folder(self, found: Series | Refused) -> None:
        if isinstance(found, Refused):
            self.refused.emit(found.folder)
            self.say(found.reason, warn=True)
            return
        self.when_saved(partial(self._begin, found))

    def _begin(self, series: Series) -> None:
        self.preparation.begin()
        self.series, self.current, self.opened = series, "", None
        self.shown.set_open("")
        self.rows.show(series)
        self.recipe = SeriesRecipe.from_facts({**self.recipe.facts(), **series.settings}, self.recipe.device)
        self.began.emit()
        self.go(series.last if series.last in series.names else series.names[0])

    # images -------------------------------------------------------------------------------------------------------

    def go(self, name: str) -> None:
        """Open an image, after what is open has been saved; the one that is open only if it could not be shown."""
        if self.series is not None and (name != self.current or not self._is_there):
            self._leave(partial(self._open, name))

    @property
    def _is_there(self) -> bool:
        """Whether the image that is open is shown as far as it can be, or is about to be."""
        opened, preparation = self.opened, self.preparation
        bare = opened is not None and opened.segmentation is None and preparation.gave_up(self.current)
        return self.can_finish or self.reading or bare or (opened is not None and preparation.waiting)

    def _leave(self, then: Callable[[], None]) -> None:
        if self.autosave.problem and self.stage.labels is None:
            self.autosave.detach()  # what cannot be saved was thrown away by the user
        self.when_saved(then)

    def when_saved(self, then: Callable[[], None]) -> None:
        """Do something once all strokes are worked on and saved."""
        if is_busy(self.stage.labels):
            self.say(words.STROKES)
        when_settled(self.stage.labels, partial(self.autosave.then, partial(self._saved, then)))

    def _saved(self, then: Callable[[], None]) -> None:
        """Do something unless a stroke was drawn while the labels were saved; it is waited for, too."""
        if is_busy(self.stage.labels):
            self.when_saved(then)
        else:
            then()

    def step(self, step: int) -> None:
        """Open the next image of those in the list, or with -1 the one before."""
        if self.series is None:
            return
        name = self.shown.neighbour(self.current, step)
        if name is None:
            self.say("This is the last image in the list." if step > 0 else "This is the first image in the list.")
        else:
            self.go(name)

    def finish(self) -> None:
        """Mark the image as done and open the next one."""
        if self.can_finish:
            self.when_saved(self._finish)

    @property
    def can_finish(self) -> bool:
        """Whether there are labels to be done with."""
        return self.autosave.layer is not None and self.autosave.name == self.current

    def _finish(self) -> None:
        series, name = self.series, self.current
        assert series is not None
        job = Job(f"Marking {name}", partial(work.mark, series, name, State.DONE), self, quiet=True)
        job.done.connect(lambda _: self._finished(name))
        job.failed.connect(partial(self.say, warn=True))
        job.start()

    def _finished(self, name: str) -> None:
        self.note(name)
        if self.current == name:
            self.step(1)

    def reopen(self) -> None:
        """Read the image that is open, and its labels, again."""
        self._open(self.current)

    def _open(self, name: str) -> None:
        # The labels are saved: they go now, so that nothing is drawn on them while the next image is read. The image
        # stays until then.
        self.autosave.detach()
        self.stage.clear_labels()
        self.current, self.opened = name, None
        self.preparation.opens(name)
        self.rows.set_problem(name, "")
        self.shown.set_open(name)
        if self._reader is not None:
            self._reader.cancel()
        self._soon.start()
        self.say("")

    def _read_current(self) -> None:
        series, name = self.series, self.current
        if series is not None:
            job = self._read(f"Opening {name}", partial(work.read, series, name))
            job.done.connect(partial(self._show, series))
            job.failed.connect(partial(self._show_nothing, name))
            job.start()

    def _read(self, title: str, start: Any) -> Job:
        """Return a job that replaces the one that reads now."""
        if self._reader is not None:
            self._reader.cancel()
        self._reader = job = Job(title, start, self, quiet=True)
        job.ended.connect(partial(self._on_read, job))
        return job

    def _on_read(self, job: Job) -> None:
        if self._reader is job:
            self._reader = None
            self.changed.emit()

    @property
    def reading(self) -> bool:
        """Whether an image or a folder is being opened."""
        return self._reader is not None or self._soon.isActive()

    def _show(self, series: Series, opened: Opened) -> None:
        if (series, opened.name) != (self.series, self.current):
            return
        missing = opened.segmentation is None and not opened.unusable
        if missing and series.has_labels(opened.name):  # they were made since the image was read
            self.reopen()
            return
        self.opened = opened
        self.stage.show(opened)
        if opened.segmentation is not None:
            self.show_labels(opened)
        self.note(opened.name)
        self.say("\n".join(opened.notices), warn=bool(opened.notices))
        self.preparation.look_ahead()

    def _show_nothing(self, name: str, problem: str) -> None:
        if name != self.current:
            return
        self.stage.clear()
        self.rows.set_problem(name, problem)
        self.say(problem, warn=True)
        self.preparation.look_ahead()

    def show_labels(self, opened: Opened) -> None:
        """Show the labels of the image that is open, and save what is done to them from now on."""
        assert self.series is not None
        self.opened = opened
        self.autosave.attach(self.series, opened, self.stage.show_labels(opened))

    def _labels_removed(self) -> None:
        if self.stage.labels is None and self.autosave.layer is not None:
            name = self.autosave.name
            self.autosave.detach()
            self.say(words.REMOVED.format(name))

    def _on_saved(self, name: str, entry: Entry) -> None:
        self.note(name)

    def note(self, name: str) -> None:
        """Show what is new about an image."""
        self.rows.note(name)
        self.changed.emit()

    def close(self) -> None:
        """Save what is not saved yet and stop all work; the layers stay."""
        self._soon.stop()
        self.preparation.stop()
        self.thumbnails.show(None)
        if self._reader is not None:
            self._reader.cancel()
        self.autosave.write_now()
        self.unsaved = self.autosave.problem
        self.autosave.detach()
        self.stage.close()
        self.series = None
