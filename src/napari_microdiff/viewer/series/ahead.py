"""Segments images in the background: the one that is open if it has no labels, then the next ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from qtpy.QtCore import QObject, Signal

from ...engine.events import Progress
from ...files.series import Entry, Series
from ..jobs import Job
from . import work
from .recipe import SeriesRecipe


@dataclass(frozen=True, eq=False)
class Wish:
    """An image to be segmented.

    Attributes
    ----------
    name : str
        The image.
    opened : Opened, optional
        The image where the user waits for it; it comes before all others.
    keep : Entry, optional
        What was known of its labels when the user wished for it, if these are to be kept under another name.
    """

    name: str
    opened: work.Opened | None = None
    keep: Entry | None = None


class Segmenter(QObject):
    """Segments one image at a time, in the order in which they are needed."""

    progressed = Signal(str, object)  # the image, Progress
    finished = Signal(str, object)  # the image, Opened
    failed = Signal(str, str)
    changed = Signal()  # another image is being segmented, or none
    ended = Signal(str)  # the work on an image is over, whatever came of it

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._wish: Wish | None = None
        self._how: tuple[Series, SeriesRecipe] | None = None
        self._queue: list[Wish] = []
        self._next: tuple[Series, SeriesRecipe] | None = None

    @property
    def busy(self) -> str:
        """The image that is being segmented, or nothing."""
        return self._wish.name if self._wish is not None and self._job is not None and not self._job.stopping else ""

    @property
    def unfinished(self) -> str:
        """That image also while the work on it is being stopped."""
        return self._wish.name if self._wish is not None else ""

    @property
    def idle(self) -> bool:
        """Whether nothing runs any more."""
        return self._job is None

    def want(self, series: Series, recipe: SeriesRecipe, wishes: Sequence[Wish]) -> None:
        """Say what is needed from now on, the most urgent first; what is not needed any more is cancelled."""
        self._queue, self._next = list(wishes), (series, recipe)
        busy = self.busy
        names = [wish.name for wish in wishes]
        urgent = bool(wishes) and wishes[0].opened is not None and busy != names[0]
        if busy and busy in names and not urgent and self._how == self._next:
            self._queue = [wish for wish in wishes if wish.name != busy]
        elif self._job is not None:
            self._job.cancel()
        self._start_next()

    def stop(self) -> None:
        """Need nothing any more."""
        self._queue = []
        if self._job is not None:
            self._job.cancel()
            self.changed.emit()

    def _start_next(self) -> None:
        if self._job is None and self._queue and self._next is not None:
            wish = self._queue.pop(0)
            series, recipe = self._next
            start = partial(work.segment, series, wish.name, recipe, wish.opened, wish.keep)
            self._wish, self._how = wish, self._next
            self._job = job = Job(f"Segmenting {wish.name}", start, self, quiet=True)
            job.progressed.connect(partial(self._on_progress, wish.name))
            job.done.connect(partial(self.finished.emit, wish.name))
            job.failed.connect(partial(self.failed.emit, wish.name))
            job.ended.connect(partial(self._on_ended, wish.name))
            job.start()
        self.changed.emit()

    def _on_progress(self, name: str, progress: Progress) -> None:
        self.progressed.emit(name, progress)

    def _on_ended(self, name: str) -> None:
        self._job = self._wish = None
        self.ended.emit(name)
        self._start_next()
