"""What is known of each object of a layer while it is corrected.

States follow from fingerprints, so that they are right again after napari's own undo, redo, brush and eraser.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...imaging.inventory import Inventory
from ...imaging.kinds import label_column
from ..objects import AUTO

EDITED, ACCEPTED = "edited", "accepted"
_STATES = {AUTO, EDITED, ACCEPTED}
_INDEX, _LABEL = "index", "label"  # what napari calls the label in features, and what others do
_OURS = ("confidence", "state")  # columns of ours that somebody else may have, with another meaning
Columns = Mapping[str, NDArray[Any]]


class Book:
    """The objects of one layer.

    Parameters
    ----------
    inventory : Inventory
        The objects as they are.
    features : mapping of str to sequence
        Columns ``index`` or ``label``, ``confidence`` and ``state`` of what is known of them; may lack any. An object
        without a state is as the model made it.
    prints : mapping of int to int, optional
        Fingerprints of the objects that the columns were written of; without, they are written of the objects as they
        are.
    """

    def __init__(
        self, inventory: Inventory, features: Mapping[str, Any], prints: Mapping[int, int] | None = None
    ) -> None:
        index = _labels_of(features).tolist()
        ours = has_states(features)
        states = dict(zip(index, features["state"], strict=False)) if ours else {}
        self._confidence = dict(zip(index, _numbers(features.get("confidence", ()), np.float64), strict=False))
        prints = prints_of(inventory) if prints is None else prints
        # An area that somebody else measured, perhaps in other units, stays theirs.
        self._measures = "area" not in features or ours
        self._made = {label: p for label, p in prints.items() if states.get(label, AUTO) in (AUTO, ACCEPTED)}
        self._accepted = {label: p for label, p in prints.items() if states.get(label) == ACCEPTED}
        self._others = _OtherColumns()
        self.update(inventory)

    def update(self, inventory: Inventory) -> None:
        """Take in the objects as they are now."""
        self.inventory = inventory
        self._judge()

    def _judge(self) -> None:
        """Tell the states, once for all who ask: there may be very many objects."""
        now = zip(self.inventory.labels.tolist(), self.inventory.prints.tolist(), strict=True)
        self._states = np.array([self._state_of(label, p) for label, p in now], dtype=object)

    def _state_of(self, label: int, fingerprint: int) -> str:
        if self._accepted.get(label) == fingerprint:
            return ACCEPTED
        return AUTO if self._made.get(label) == fingerprint else EDITED

    @property
    def counts(self) -> Counter[str]:
        """How many objects are in each state."""
        return Counter(self._states.tolist())

    def __contains__(self, label: int) -> bool:
        """Whether there is an object of this label."""
        return self.inventory.place(label) is not None

    @property
    def fresh(self) -> int:
        """The first label that never was in use."""
        known = (*self._made, *self._accepted, *self._confidence, *self._others.labels)
        return int(max(self.inventory.labels.max(initial=0), *known, 0)) + 1

    @property
    def locked(self) -> frozenset[int]:
        """Objects that were accepted as they are now."""
        return frozenset(self.inventory.labels[self._states == ACCEPTED].tolist())

    def state(self, label: int) -> str:
        """Return whether an object is as the model made it, edited or accepted."""
        place = self.inventory.place(label)
        return EDITED if place is None else str(self._states[place])

    def confidence(self, label: int) -> float:
        """Return how sure the model was of an object; nan if that is not known or no longer true."""
        return self._confidence.get(label, np.nan) if self.state(label) != EDITED else np.nan

    def accept(self, label: int, yes: bool = True) -> None:
        """Accept an object as it is now, or take that back."""
        place = self.inventory.place(label)
        if yes and place is not None:
            self._accepted[label] = int(self.inventory.prints[place])
        else:
            self._accepted.pop(label, None)
        self._judge()

    def doubtful(self) -> list[int]:
        """Return the objects that nobody has looked at, the least sure first, those of unknown confidence last."""
        waiting = self.inventory.labels[self._states == AUTO].tolist()
        return sorted(waiting, key=lambda label: (np.nan_to_num(self._confidence.get(label, np.nan), nan=2.0), label))

    def features(self) -> dict[str, NDArray[Any]]:
        """Return the columns of a Labels layer's features, one row per object."""
        known = [self._confidence.get(label, np.nan) for label in self.inventory.labels.tolist()]
        return {
            "index": self.inventory.labels,
            **({"area": self.inventory.areas} if self._measures else {}),
            "confidence": np.where(self._states == EDITED, np.nan, np.array(known, dtype=float)),
            "state": self._states,
        }

    def table(self, ours: Columns, told: Columns | None, table: Any) -> dict[str, NDArray[Any]] | None:
        """Return what the table of the layer becomes: our columns, and those of others, each cell beside its object.

        Parameters
        ----------
        ours, told : mapping of str to ndarray
            Our columns, and what they were when the table was written last.
        table : DataFrame
            As it is. One of somebody else is left alone until something is corrected; columns of theirs that are
            called like ours go on under another name.

        Returns
        -------
        dict of str to ndarray or None
            None if it stays as it is.
        """
        foreign = len(table.columns) > 0 and not has_states(table)
        if foreign if told is None else says(told, ours):
            return None
        if not has_states(table):
            table = table.rename(columns={name: f"{name} before" for name in _OURS})
        return {**ours, **self._others.beside(ours, table)}


class _OtherColumns:
    """Columns of a layer's table that are not ours, also of objects that are gone: undo may bring them back."""

    def __init__(self) -> None:
        self._known: Any = None  # DataFrame with a row for each label that ever was in the table

    @property
    def labels(self) -> list[int]:
        """Objects of which something is known."""
        return [] if self._known is None else self._known.index.tolist()

    def beside(self, ours: Columns, table: Any) -> dict[str, NDArray[Any]]:
        """Return each cell beside its object.

        Parameters
        ----------
        ours : mapping of str to ndarray
            Our columns, in whose order the objects come.
        table : DataFrame
            As it is; what stands in it holds, also where it is empty.
        """
        index = _labels_of(table)
        if len(index) != len(table):
            index = np.arange(len(table))  # napari: the row is the label
        columns = [name for name in table if name not in ours]
        now = table.set_axis(index, axis=0)[columns]
        now = now[~now.index.duplicated()]
        gone = now[:0] if self._known is None else self._known[~self._known.index.isin(now.index)]
        if len(gone):
            import pandas

            now = pandas.concat([now, gone.reindex(columns=columns)])
        self._known = now
        kept = now.reindex(ours["index"])
        return {name: _complete(kept[name]) if name == _LABEL else kept[name].to_numpy() for name in kept}


def _labels_of(table: Mapping[str, Any]) -> NDArray[np.int64]:
    """Return the label of each row of a table, or nothing if no column holds numbers by which one can tell."""
    numbers = {name: _numbers(table[name], np.int64) for name in (_INDEX, _LABEL) if name in table}
    told = [name for name, column in numbers.items() if len(column)]
    # Ours is called as napari calls it; that of others may count the rows, where they have another for the labels.
    column = _INDEX if _INDEX in told and has_states(table) else label_column(told)
    return np.zeros(0, np.int64) if column is None else numbers[column]


def _complete(column: Any) -> NDArray[Any]:
    """Return a column of labels with those that are new, by which others find their objects; any other as it is."""
    empty = column.isna()
    labels = np.array_equal(column[~empty], column.index[~empty])
    return column.index.to_numpy() if labels else column.to_numpy()


def prints_of(inventory: Inventory) -> dict[int, int]:
    """Return the fingerprint of each object."""
    return dict(zip(inventory.labels.tolist(), inventory.prints.tolist(), strict=True))


def has_states(features: Mapping[str, Any]) -> bool:
    """Whether a table has the states of objects, and not a column of somebody else with that name."""
    return "state" in features and all(state in _STATES or state != state for state in features["state"])


def _numbers(values: Any, kind: type[np.number]) -> NDArray[Any]:
    """Return a column of numbers, or an empty one if it holds anything else."""
    try:
        return np.asarray(values, dtype=kind)
    except (TypeError, ValueError):
        return np.zeros(0, dtype=kind)


def says(table: Mapping[str, Any], ours: Columns) -> bool:
    """Whether a table says what our columns do, whatever else it says."""
    if any(name not in table for name in ours):
        return False
    sure = np.array_equal(ours["confidence"], _numbers(table["confidence"], np.float64), equal_nan=True)
    return sure and all(np.array_equal(ours[name], table[name]) for name in ours if name != "confidence")
