"""A first look at the chosen image, in the background: how noisy it is, and whether the model suits it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
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
        self.stop()
        self.job = Job(f"Looking at {source.name}", partial(_look, request, source.array), self, quiet=True)
        self.job.done.connect(self.looked)
        self.job.ended.connect(partial(self._ended, self.job))
        self.job.start()

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
