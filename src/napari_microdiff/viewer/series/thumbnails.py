"""Thumbnails of the rows that are looked at, made in the background and kept while they may be seen again."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtGui import QIcon

from ...files.series import Series
from ..icons import empty_square, icon_of, in_square
from ..jobs import Job
from .pixels import SIDE, thumbnails

_KEPT = 500
_AT_ONCE = 4  # so that other jobs are not kept waiting
_WAITING = 24  # about the rows that are visible; who scrolls on does not wait for what was passed
_PAUSE_MS = 60
_MARGIN = 3


class Thumbnails(QObject):
    """Makes thumbnails when they are asked for, the newest wish first."""

    made = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._series: Series | None = None
        self._pictures: OrderedDict[str, QIcon] = OrderedDict()
        self._wanted: list[str] = []
        self.job: Job | None = None
        self._blank = icon_of(empty_square(SIDE))
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE_MS)
        self._soon.timeout.connect(self._make)

    @property
    def idle(self) -> bool:
        """Whether all that was asked for is made."""
        return self.job is None and not self._soon.isActive()

    def show(self, series: Series | None) -> None:
        """Begin with another series, or with none."""
        self._series = series
        self._pictures.clear()
        self._wanted.clear()
        self._soon.stop()
        if self.job is not None:
            self.job.cancel()

    def picture(self, name: str) -> QIcon:
        """Return the thumbnail of an image; an empty one as long as it is being made."""
        known = self._pictures.get(name)
        if known is not None:
            self._pictures.move_to_end(name)
            return known
        if name in self._wanted:
            self._wanted.remove(name)
        self._wanted = [*self._wanted, name][-_WAITING:]
        if self.job is None and not self._soon.isActive():
            self._soon.start()
        return self._blank

    def _make(self) -> None:
        if self._series is None or not self._wanted or self.job is not None:
            return
        names = self._wanted[-_AT_ONCE:]
        del self._wanted[-_AT_ONCE:]
        self.job = Job("Making thumbnails", partial(thumbnails, self._series, names), self, quiet=True)
        self.job.done.connect(self._keep)
        self.job.ended.connect(self._ended)
        self.job.start()

    def _keep(self, pictures: dict[str, Any]) -> None:
        for name, pixels in pictures.items():
            self._pictures[name] = self._blank if pixels is None else icon_of(in_square(pixels, SIDE, _MARGIN))
            self.made.emit(name)
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)

    def _ended(self) -> None:
        self.job = None
        if self._wanted:
            self._soon.start()
