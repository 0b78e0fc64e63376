"""Long work in napari's own workers: progress, previews, cancelling and errors, the same for every panel.

A job drives a generator of events in a thread. Everything that it tells arrives on the GUI thread, thinned so that
watching costs little.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from napari.qt.threading import create_worker
from napari.utils import cancelable_progress
from napari.utils.notifications import notification_manager, show_error
from qtpy.QtCore import QObject, QTimer, Signal

from ..engine.events import Progress
from ..errors import MicrodiffError
from .courtesy import courtesy
from .worker import EventWorker, Failure, News

logger = logging.getLogger(__name__)

TICK_MS = 150
# To enter the activity dock keeps the viewer busy for about a tenth of a second, or several while a worker computes, so
# it is done when there is news, and the worker waits.
SHOWN_AFTER_MS = 600
ENTERED_WITHIN_MS = 1500


class _Named:
    """A callable that napari's "still busy, close anyway?" dialog can name in plain words."""

    def __init__(self, start: Callable[[], Iterator[Any]], name: str) -> None:
        self._start = start
        self._name = name

    def __call__(self) -> Iterator[Any]:
        return self._start()

    def __repr__(self) -> str:
        return self._name


class Job(QObject):
    """One piece of work in the background, from start to its result, its error or its cancelling.

    Parameters
    ----------
    title : str
        What is done to what, such as ``"Denoising actin"``; shown in napari's activity dock.
    start : callable
        Returns the generator of events. It is called in the worker's thread, so that heavy imports happen there.
    parent : QObject
        When it is destroyed the job is cancelled.
    quiet : bool
        Work that nobody asked for, such as measuring the noise: no entry in the activity dock, no pop-up for what the
        user could mend.
    eager : bool
        Whether the first preview is shown as soon as there is one, for work that is over within a moment.
    """

    progressed = Signal(object)  # Progress
    noticed = Signal(str)
    previewed = Signal(list)  # list of Preview
    done = Signal(object)  # the last event of the generator
    failed = Signal(str)
    cancelled = Signal()
    ended = Signal()  # last of all, whatever happened

    def __init__(
        self,
        title: str,
        start: Callable[[], Iterator[Any]],
        parent: QObject | None = None,
        *,
        quiet: bool = False,
        eager: bool = False,
    ) -> None:
        super().__init__(parent)
        self.title = title
        self._quiet = quiet
        self._stopping = False
        self._failed = False
        self.over = False  # whether it has ended, one way or the other
        self._progress: Progress | None = None
        self._bar: cancelable_progress | None = None
        self._worker: EventWorker = create_worker(
            _Named(start, title), _worker_class=EventWorker, _start_thread=False, _ignore_errors=True
        )
        self._worker.eager = eager
        self._worker.yielded.connect(self._on_news)
        self._worker.returned.connect(self._on_returned)
        self._worker.warned.connect(_log_warning)
        self._worker.finished.connect(self._on_finished)
        self._worker.finished.connect(courtesy().end)  # also where the job itself is gone by then
        self.destroyed.connect(self._worker.quit)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._enter_soon)
        self._enter = QTimer(self)
        self._enter.setSingleShot(True)
        self._enter.timeout.connect(self._enter_dock)
        self._painted = QTimer(self)  # of no time: it is over after all that is already to be done
        self._painted.setSingleShot(True)
        self._painted.timeout.connect(self._on_painted)

    def start(self) -> None:
        """Start the work. What is over within a moment is not shown in the activity dock."""
        if not self._quiet:
            self._soon.start(SHOWN_AFTER_MS)
        courtesy().begin()
        self._worker.start()

    def cancel(self) -> None:
        """Stop within one evaluation; nothing of the job is shown from now on."""
        if not self._stopping:
            self._stopping = True
            self._worker.quit()

    @property
    def seconds_per_evaluation(self) -> float | None:
        """The pace so far, without the time that it took to get going; None after a single evaluation."""
        return self._worker.seconds_per_evaluation

    @property
    def stopping(self) -> bool:
        """Whether it was cancelled."""
        return self._stopping

    def _on_news(self, news: News) -> None:
        if self._stopping:
            self._worker.shown.set()
            return
        if news.progress is not None:
            self._progress = news.progress
            self.progressed.emit(news.progress)
        for notice in news.notices:
            self.noticed.emit(notice.message)
        if news.previews:
            began = time.monotonic()
            self.previewed.emit(list(news.previews.values()))
            self._worker.keep_share(time.monotonic() - began)
        if news.waits:
            self._painted.start()

    def _on_painted(self) -> None:
        """Let the worker go on, after what is better done while it waits."""
        if self._worker.waits:
            self._enter_dock()
        self._worker.shown.set()

    def _on_returned(self, result: Any) -> None:
        # A click on Cancel may have been dealt with between the last event and now.
        if self._stopping:
            return
        if isinstance(result, Failure):
            self._fail(result.error)
        elif result is not None:
            self.done.emit(result)

    def _fail(self, error: Exception) -> None:
        self._failed = True
        message = str(error)
        if not isinstance(error, MicrodiffError):
            message = f"Unexpected error ({type(error).__name__}): {error}"
            notification_manager.receive_error(type(error), error, error.__traceback__)
        elif not self._quiet:
            show_error(message)
        self.failed.emit(message)

    def _on_finished(self) -> None:
        self._soon.stop()
        self._enter.stop()
        self._painted.stop()
        self._timer.stop()
        self._bar = None
        self.over = True
        if self._stopping or (self._worker.abort_requested and not self._failed):
            self.cancelled.emit()
        self.ended.emit()
        self.deleteLater()

    def _enter_soon(self) -> None:
        self._worker.waits = True
        self._enter.start(ENTERED_WITHIN_MS)

    def _enter_dock(self) -> None:
        """Show a bar. To make one runs the event loop, so the job may end in between."""
        self._worker.waits = False
        self._enter.stop()
        if self._stopping:
            return
        bar = cancelable_progress(total=0, desc=self.title)
        if self.over:
            bar.close()
            return
        self._worker.finished.connect(bar.close)
        self._bar = bar
        self._timer.start()

    def _tick(self) -> None:
        """Bring the activity dock up to date. Its bar runs the event loop, so the job may end in between."""
        # The dock's own Cancel button.
        if self._bar is not None and self._bar.is_canceled:
            self.cancel()
        if self._bar is None or self._progress is None or self._stopping:
            return
        if self._bar.total != self._progress.total:
            self._bar.total = self._progress.total
        if self._bar is not None and self._progress.done > self._bar.n:
            self._bar.update(self._progress.done - self._bar.n)


def _log_warning(warning: tuple[Any, ...]) -> None:
    message, category, filename, line = warning[:4]
    logger.warning("%s:%s: %s: %s", filename, line, category.__name__, message)
