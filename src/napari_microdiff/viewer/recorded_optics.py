"""What the file of a layer says about its optics and pixels, read in the background."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from ..errors import FileError
from . import view
from .jobs import Job


class OpticsReader(QObject):
    """Reads one file at a time; a new one ends the one before.

    Attributes
    ----------
    told : files.optics.RecordedOptics, optional
        What the file tells that is to be read; ``None`` until it was.
    """

    found = Signal()  # what it tells, or that it cannot be told

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.job: Job | None = None
        self.told: Any = None
        self._path: str | None = None

    @property
    def reading(self) -> bool:
        """Whether it is not known yet what the file tells."""
        return self.job is not None and self.told is None

    def read(self, path: str | None) -> None:
        """Start to read a file, unless it was read last; of layers that come from none there is nothing to tell."""
        if path == self._path:
            return
        if self.job is not None:
            self.job.cancel()
            self.job = None
        self._path, self.told = path, None
        if path is None:
            return
        self.job = Job(f"Reading {path}", partial(_read, path), self, quiet=True)
        self.job.done.connect(self._find)
        self.job.ended.connect(partial(self._ended, self.job))
        self.job.start()

    def _find(self, told: Any) -> None:
        self.told = told
        self.found.emit()

    def _ended(self, job: Job) -> None:
        if self.job is job:
            self.job = None
            if self.told is None:
                self.found.emit()


def sizes_of_file(layer: Any, told: Any, along: str = "YX") -> Mapping[str, float]:
    """Return what a file says of its pixels, unless the layer, which has no units, was scaled otherwise along these."""
    sizes: Mapping[str, float] = told.pixel_size_um
    for letter, scale in zip(view.axes_of(layer), layer.scale, strict=False):
        if letter in along and not np.isclose(abs(scale), (1, sizes.get(letter, 1)), rtol=0.01).any():
            return {}
    return sizes


def _read(path: str) -> Iterator[Any]:
    from ..files.optics import RecordedOptics, read_optics

    try:
        yield read_optics(path)
    except FileError:  # other plugins open what we cannot; that it says nothing is no fault of the user's
        yield RecordedOptics()
