"""A first look at the chosen image, in the background: how noisy it is, and whether the model suits it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Any

from qtpy.QtCore import QObject, Signal

from ..engine.request import Request
from .jobs import Job
from .layers import Source


class Looker(QObject):
    """Looks at one image at a time; a new look ends the one before."""

    looked = Signal(object)  # Look

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.job: Job | None = None

    def look(self, request: Request, source: Source) -> None:
        """Start to look at an image as a request would treat it."""
        job = Job(f"Looking at {source.name}", partial(_look, request, source.array), self, quiet=True)
        job.done.connect(self.looked)
        self._start(job)

    def prepare(self) -> None:
        """Load torch where there is nothing to look at, so that the first run need not wait for it."""
        if "torch" not in sys.modules:
            self._start(Job("Loading torch", _prepare, self, quiet=True))

    def _start(self, job: Job) -> None:
        self.stop()
        self.job = job
        job.ended.connect(partial(self._ended, job))
        job.start()

    def stop(self) -> None:
        """End the look that goes on; it says nothing any more."""
        if self.job is not None:
            self.job.cancel()

    def _ended(self, job: Job) -> None:
        if self.job is job:
            self.job = None


def _look(request: Request, array: Any) -> Iterator[Any]:
    from ..tasks import look  # here, in the worker: torch may come with it

    yield look(request, array)


def _prepare() -> Iterator[Any]:
    import_module("..tasks", __package__)
    yield from ()
