"""One correction as one entry of napari's undo history. All of it runs on the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from ...engine.request import Span


@dataclass(frozen=True)
class Change:
    """Labels of a window before and after.

    Attributes
    ----------
    region : tuple of (start, stop)
        The window, one pair per axis of the layer.
    before, after : ndarray of int
        Its shape.
    """

    region: tuple[Span, ...]
    before: NDArray[np.integer]
    after: NDArray[np.integer]

    @property
    def places(self) -> NDArray[np.bool_]:
        """Where the labels differ."""
        return np.asarray(self.before != self.after)

    @property
    def selects(self) -> int | None:
        """The object to be looked at afterwards: the largest of those that gained pixels."""
        gained = self.after[self.places & (self.after > 0)]
        labels, pixels = np.unique(gained, return_counts=True)
        return int(labels[pixels.argmax()]) if labels.size else None

    def clear_of(self, taken: Callable[[int], bool], fresh: int) -> Change:
        """Return the same change with other numbers for new objects whose own were given away meanwhile.

        Parameters
        ----------
        taken : callable
            Whether a label is in use.
        fresh : int
            From which on none is.
        """
        after = self.after.copy()
        for label in np.setdiff1d(self.after, self.before).tolist():
            if taken(label):
                after[self.after == label] = fresh
                fresh += 1
        return Change(self.region, self.before, after)

    def words(self) -> str:
        """Say what was done."""
        old, new = (set(np.unique(part[part > 0]).tolist()) for part in (self.before, self.after))
        if not self.places.any():
            return "Nothing changed. Draw across all the parts, or along the whole border."
        if len(new) < len(old):
            return f"{len(old) - len(new) + 1} objects became one. Ctrl+Z takes it back."
        if len(new) > len(old):
            return f"{len(new) - len(old)} new. Ctrl+Z takes it back."
        return "The outline changed. Ctrl+Z takes it back."


def write(layer: Labels, change: Change, locked: Collection[int]) -> str:
    """Write a change into a layer, as one step of its history.

    Returns
    -------
    str
        Why nothing was written, if so: the labels below were edited meanwhile, an object was accepted meanwhile, or the
        layer cannot hold the new label.
    """
    window = tuple(slice(start, stop) for start, stop in change.region)
    now = np.asarray(layer.data[window])
    places = change.places
    if (now[places] != change.before[places]).any():
        return "These objects were edited in the meantime, so nothing was changed. Do it again."
    if np.isin(change.before[places], list(locked)).any():
        return (
            "One of these objects is accepted, so nothing was changed. Select it and press Accept (K) to give it back."
        )
    if change.after.max(initial=0) > np.iinfo(layer.data.dtype).max:
        return (
            f"'{layer.name}' is of type {layer.data.dtype}, which has no number left for a new object. Right-click it, "
            "choose Convert data type, int32, and correct that."
        )
    starts = [start for start, _ in change.region]
    indices = tuple(along + start for along, start in zip(np.nonzero(places), starts, strict=True))
    layer.data_setitem(indices, change.after[places].astype(layer.data.dtype))
    return ""
