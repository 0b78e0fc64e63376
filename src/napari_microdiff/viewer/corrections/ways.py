"""Going through the ways in which the model would part an object."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...engine.request import Span
from .change import Change


class Ways:
    """The ways to part one object, the likeliest first, and in the end not to part it.

    Parameters
    ----------
    region : tuple of (start, stop)
        The window that the object lies in.
    before : ndarray of int
        Its labels.
    after : tuple of ndarray of int
        What they become in each way; see `tasks.split`.
    """

    def __init__(
        self, region: tuple[Span, ...], before: NDArray[np.integer], after: tuple[NDArray[np.integer], ...]
    ) -> None:
        self._region = region
        self._all = (*after, before)
        self._at = len(after)

    @property
    def found(self) -> bool:
        """Whether there is any way."""
        return len(self._all) > 1

    def next(self, labels: NDArray[np.integer], selected: int | None) -> Change | None:
        """Return the change to the next way; None if the labels are no longer as they were left, or it is not meant."""
        window = tuple(slice(start, stop) for start, stop in self._region)
        now = np.asarray(labels[window])
        if not self.found or not np.array_equal(now, self._all[self._at]):
            return None
        concerned = self._all[0] != self._all[-1]
        if selected not in now[concerned | np.isin(self._all[-1], self._all[-1][concerned])]:
            return None
        before, self._at = self._all[self._at], (self._at + 1) % len(self._all)
        return Change(self._region, before, self._all[self._at])

    def refused(self) -> None:
        """Go back: the change was not written."""
        self._at = (self._at - 1) % len(self._all)

    def words(self) -> str:
        """Say which way is shown."""
        if self._at == len(self._all) - 1:
            return "One object again. Split shows the first way once more."
        parts = len(np.unique(self._all[self._at])) - len(np.unique(self._all[-1])) + 1
        which = f"way {self._at + 1} of {len(self._all) - 1}"
        return f"In {parts} parts, {which}. Split (Shift+S) shows the next; Ctrl+Z takes it back."
