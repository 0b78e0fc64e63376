"""The thread of a job: it drives a generator of events, and passes on what is worth showing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from napari.qt.threading import GeneratorWorkerSignals, WorkerBase

from ..engine.events import Notice, Preview, Progress
from ..engine.request import Span

NEWS_EVERY = 0.1  # seconds between two signs of life
PREVIEW_EVERY = 0.4  # seconds between two previews: a little more than 2 Hz
PREVIEW_SHARE = 12  # a preview that takes t seconds of the GUI thread is followed by at least 12 t without one
SHOWN_WITHIN = 0.5  # seconds that a worker waits for a preview to be shown, for napari needs the processor to show it


@dataclass
class News:
    """What happened in a job since it was last heard of, and whether the worker waits until it is shown."""

    progress: Progress | None = None
    notices: list[Notice] = field(default_factory=list)
    previews: dict[tuple[int, tuple[Span, ...]], Preview] = field(default_factory=dict)
    waits: bool = False


@dataclass(frozen=True)
class Failure:
    """An error that ended a job."""

    error: Exception


class EventWorker(WorkerBase):
    """Drives a generator of events in a thread and passes them on as `News`; its last event is its result.

    napari's ``GeneratorWorker`` would do, but it takes every ``RuntimeError`` (as torch raises them) for a deleted
    window and then never says that it has finished, and it leaves a generator that was cancelled unclosed. Errors are
    handed over as results, because napari 0.9 raises an error of its own when a worker says ``errored``.

    Attributes
    ----------
    preview_every : float
        Seconds between two previews.
    eager : bool
        Whether the first preview is passed on as soon as there is one.
    waits : bool
        Whether it waits until its next news were taken note of, as it always does with previews.
    shown : threading.Event
        What it waits for, though not for ever: to be set when these news are shown.
    seconds_per_evaluation : float, optional
        The pace, without the time that it took to get going.
    """

    def __init__(self, start: Callable[[], Iterator[Any]]) -> None:
        super().__init__(SignalsClass=GeneratorWorkerSignals)
        self._start: Callable[[], Iterator[Any]] | None = start
        self.preview_every = PREVIEW_EVERY
        self.eager = False
        self.waits = False
        self.shown = threading.Event()
        self.seconds_per_evaluation: float | None = None
        self._first: tuple[float, int] | None = None
        self._counted = -1

    def work(self) -> Any:
        """Run until the generator ends or `quit` is called; then close the generator, in this thread."""
        assert self._start is not None
        start, self._start = self._start, None  # so that a worker that is done does not keep the source alive
        events: Iterator[Any] | None = None
        try:
            events = start()
            return self._drive(events)
        except Exception as error:
            return Failure(error)
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                close()

    def keep_share(self, seconds: float) -> None:
        """Make previews rarer if the last took so many seconds of the GUI thread."""
        self.preview_every = max(PREVIEW_EVERY, PREVIEW_SHARE * seconds)

    def _keep_pace(self, progress: Progress) -> None:
        if progress.done <= self._counted:  # a sign of life, while results are read
            return
        now, self._counted = time.monotonic(), progress.done
        if self._first is None:
            self._first = now, progress.done
        else:
            self.seconds_per_evaluation = (now - self._first[0]) / (progress.done - self._first[1])

    def _drive(self, events: Iterator[Any]) -> Any:
        news = News()
        last_news = last_preview = time.monotonic() - (PREVIEW_EVERY if self.eager else 0)
        result: Any = None
        for event in events:
            if self.abort_requested:
                self.aborted.emit()
                return None
            match event:
                case Progress():
                    news.progress = event
                    self._keep_pace(event)
                case Notice():
                    news.notices.append(event)
                case Preview():
                    place = event.number, event.region
                    news.previews.pop(place, None)  # the newest estimate of a place is drawn last
                    news.previews[place] = event
                case _:
                    result = event
            now = time.monotonic()
            if now - last_news < NEWS_EVERY:
                continue
            waiting = news.previews
            if now - last_preview < self.preview_every:
                news.previews = {}
            elif waiting:
                waiting, last_preview = {}, now
            else:
                waiting = {}
            news.waits = self.waits or bool(news.previews)
            self.shown.clear()
            self.yielded.emit(news)
            if news.waits:
                self.shown.wait(SHOWN_WITHIN)
            news, last_news = News(previews=waiting), now
        self.yielded.emit(News(news.progress, news.notices))  # the result is better than a last preview
        return result
