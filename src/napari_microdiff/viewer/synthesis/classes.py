"""Classes of the objects of a mask: the column "class" of its features, which anybody may edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from ...imaging.kinds import COLUMN, kinds_of, label_column
from . import words

_INDEX = "index"  # what napari calls the label in features; without label or index, the row is the label


def classes_in(mask: Labels, known: Sequence[str]) -> dict[int, int] | None:
    """Return the class of each object that has one, from 1; None where nothing is said of classes.

    Parameters
    ----------
    mask : Labels
    known : sequence of str
        The classes of the model; where it knows but one, nothing needs to be said.

    Raises
    ------
    ImageError
        If an object is of a class that is none of these.
    """
    if len(known) < 2 or COLUMN not in mask.features:
        return None
    return kinds_of(_table(mask), known)


def set_class(mask: Labels, label: int, name: str | None) -> None:
    """Say of which class an object is, or that it has none."""
    table = mask.features.copy()
    column = label_column(table)
    if column is None:
        column = _INDEX
        table[column] = np.arange(len(table))
    if COLUMN not in table:
        table[COLUMN] = None
    table[COLUMN] = table[COLUMN].astype(object)
    rows = table.index[table[column] == label]
    row = rows[0] if len(rows) else len(table)
    table.loc[row, [column, COLUMN]] = [label, name]
    table[column] = table[column].astype(int)
    mask.features = table


def named_classes(mask: Labels) -> dict[int, str]:
    """Return what the table calls the class of each object that has one."""
    if COLUMN not in mask.features:
        return {}
    table = _table(mask)
    cells = zip(
        np.asarray(table[label_column(table) or _INDEX]).tolist(), np.asarray(table[COLUMN]).tolist(), strict=True
    )
    return {int(label): str(cell) for label, cell in cells if cell is not None and cell == cell and str(cell).strip()}


def _table(mask: Labels) -> Mapping[str, Any]:
    table = {name: mask.features[name] for name in mask.features}
    return table if label_column(table) else {_INDEX: np.arange(len(mask.features)), **table}


class ClassRow(QWidget):
    """Chooses the class of the selected object."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.box = QComboBox()
        self.box.activated.connect(lambda place: self.chosen.emit(self.box.itemText(place)))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 4, 0, 0)
        row.addWidget(QLabel(words.CLASS))
        row.addWidget(self.box, 1)

    @property
    def known(self) -> tuple[str, ...]:
        """The classes that can be chosen."""
        return tuple(self.box.itemText(place) for place in range(self.box.count()))

    def offer(self, classes: Sequence[str]) -> None:
        """Offer the classes of a model."""
        if tuple(classes) != self.known:
            self.box.clear()
            self.box.addItems(list(classes))

    def show_class(self, number: int | None) -> None:
        """Show the class of the selected object, from 1, or that none is selected."""
        self.box.setEnabled(number is not None)
        self.box.setToolTip(words.CLASS_TIP if number is not None else words.CLICK_OBJECT)
        self.box.setCurrentIndex(-1 if number is None else number - 1)
