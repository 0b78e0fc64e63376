"""A first look at the chosen image, in the background: how noisy it is, and whether the model suits it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from ..engine.request import Request
from .jobs import Job
from .layers import LayerSource

_PAUSE_MS = 300  # who goes through a list does not start a look at each


class Looker(QObject):
    """Looks at one image at a time; a new look ends the one before.

    Parameters
    ----------
    parent : QObject
        When it goes, the look ends.
    wanted : callable
        Returns the request that is to be looked at and its source, or None if nothing can be run.
    """

    looked = Signal(object)  # Look

    def __init__(self, parent: QObject, wanted: Callable[[], tuple[Request, LayerSource] | None]) -> None:
        super().__init__(parent)
        self.job: Job | None = None
        self._closed = False
        self._wanted = wanted
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE_MS)
        self._soon.timeout.connect(self.look)

    def look_soon(self) -> None:
        """Look once nothing has been chosen otherwise for a moment."""
        if not self._closed:
            self._soon.start()

    def close(self) -> None:
        """Look at nothing any more."""
        self._closed = True
        self.stop()

    def look(self) -> None:
        """Look now; if there is nothing to look at, load torch, so that the first run need not wait for it."""
        self.stop()
        wanted = self._wanted()
        if wanted is not None:
            request, source = wanted
            job = Job(f"Looking at {source.name}", partial(_look, request, source.array), self, quiet=True)
            job.done.connect(self.looked)
            self._start(job)
        elif "torch" not in sys.modules:
            self._start(Job("Loading torch", _prepare, self, quiet=True))

    def _start(self, job: Job) -> None:
        self.job = job
        job.ended.connect(partial(self._ended, job))
        job.start()

    def stop(self) -> None:
        """End the look that goes on; it says nothing any more."""
        self._soon.stop()
        if self.job is not None:
            self.job.cancel()

    def _ended(self, job: Job) -> None:
        if self.job is job:
            self.job = None


def in_words(look: Any) -> tuple[str, bool]:
    """Return what a look says of how the model suits the image, and whether that is a warning."""
    if look.likeness is None:
        return look.advice, False
    return ("● like its training images", False) if look.likeness.alike else (f"▲ {look.advice}", True)


def _look(request: Request, array: Any) -> Iterator[Any]:
    from ..tasks import look  # here, in the worker: torch may come with it

    yield look(request, array)


def _prepare() -> Iterator[Any]:
    import_module("..tasks", __package__)
    yield from ()
