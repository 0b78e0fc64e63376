"""The rows of a series: name, how far each image is, and a thumbnail."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, QSortFilterProxyModel, Qt

from ...files.series import Series, State
from . import words
from .thumbnails import Thumbnails

Role = Qt.ItemDataRole
FILTERS: dict[str, tuple[State, ...] | None] = {
    "all images": tuple(State),
    "not done yet": (State.NEW, State.SEGMENTED, State.CORRECTING),
    **{str(state): (state,) for state in State},
    "with a problem": None,
}


class SeriesModel(QAbstractListModel):
    """All images of a series, one row each.

    Attributes
    ----------
    problems : dict of str to str
        What is wrong with an image, in words; forgotten when the series is closed.
    busy : str
        The image that is being segmented, or nothing.
    """

    def __init__(self, thumbnails: Thumbnails, parent: QObject) -> None:
        super().__init__(parent)
        self.series: Series | None = None
        self.problems: dict[str, str] = {}
        self.busy = ""
        self._rows: dict[str, int] = {}
        self._thumbnails = thumbnails
        thumbnails.made.connect(self.note)

    def show(self, series: Series | None) -> None:
        """Show another series, or none."""
        self.beginResetModel()
        self.series, self.problems, self.busy = series, {}, ""
        self._rows = {} if series is None else {name: row for row, name in enumerate(series.names)}
        self._thumbnails.show(series)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of images."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: QModelIndex, role: int = Role.DisplayRole) -> Any:
        """Return what a row shows. Its thumbnail is asked for by rows that are painted only."""
        if self.series is None or not index.isValid():
            return None
        name = self.series.names[index.row()]
        problem = self.problems.get(name, "")
        if role == Role.DisplayRole:
            return words.row(name, self.series.entries[name], problem, name == self.busy)
        if role == Role.DecorationRole:
            return self._thumbnails.picture(name)
        if role == Role.ToolTipRole:
            return "\n".join(filter(None, (str(self.series.path(name)), problem)))
        return None

    def name(self, row: int) -> str:
        """Return the image of a row."""
        assert self.series is not None
        return self.series.names[row]

    def row(self, name: str) -> int:
        """Return the row of an image."""
        return self._rows[name]

    def note(self, name: str) -> None:
        """Show what is new about an image."""
        if name in self._rows:
            index = self.index(self._rows[name])
            self.dataChanged.emit(index, index)

    def set_problem(self, name: str, problem: str) -> None:
        """Say what is wrong with an image, or with an empty text that nothing is."""
        self.problems.pop(name, None)
        if problem:
            self.problems[name] = problem
        self.note(name)

    def set_busy(self, name: str) -> None:
        """Say which image is being segmented."""
        before, self.busy = self.busy, name
        self.note(before)
        self.note(name)


class ShownRows(QSortFilterProxyModel):
    """The rows that were asked for, and that of the image that is open."""

    def __init__(self, model: SeriesModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model
        self._states = FILTERS["all images"]
        self._open = ""
        self.setSourceModel(model)

    def show_only(self, choice: str) -> None:
        """Show only the rows of one of `FILTERS`."""
        self._states = FILTERS[choice]
        self.invalidate()

    def set_open(self, name: str) -> None:
        """Say which image is open; the one before may go from the list now."""
        before, self._open = self._open, name
        self._model.note(name)
        self._model.note(before)

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        """Whether a row is shown."""
        name = self._model.name(row)
        return name == self._open or self._asked(name)

    def neighbour(self, name: str, step: int) -> str | None:
        """Return the next image of those that were asked for, or with a step of -1 the one before."""
        return next(self.following(name, step), None)

    def following(self, name: str, step: int = 1) -> Any:
        """Yield the images of those that were asked for that come after one, or with -1 before it."""
        row = self._model.row(name) + step
        while 0 <= row < self._model.rowCount():
            if self._asked(self._model.name(row)):
                yield self._model.name(row)
            row += step

    def _asked(self, name: str) -> bool:
        if self._states is None:
            return name in self._model.problems
        assert self._model.series is not None
        return self._model.series.entries[name].state in self._states
