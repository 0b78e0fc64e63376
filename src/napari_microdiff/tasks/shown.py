"""An image as a model of objects sees it: one grey plane for each, with bright objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging.axes import Sliceable
from ..imaging.contrast import Shown, bright_objects
from .base import Source


def with_bright_objects(source: Source, shown: Shown) -> Source:
    """Return the source without an axis of colours and with bright objects; nothing is read yet."""
    if shown == "bright" and "S" not in source.axes:
        return source
    kept = [axis for axis, letter in enumerate(source.axes) if letter != "S"]
    return Source(
        _Grey(source.array, source.axes.find("S"), shown),
        "".join(source.axes[axis] for axis in kept),
        tuple(source.region[axis] for axis in kept),
    )


class _Grey:
    """An array whose colours are joined where it is read."""

    dtype = np.dtype(np.float32)

    def __init__(self, array: Sliceable, colours: int, shown: Shown) -> None:
        self.array, self._colours, self._shown = array, colours, shown
        self.shape = tuple(int(n) for axis, n in enumerate(array.shape) if axis != colours)

    def __getitem__(self, index: Any) -> NDArray[np.float32]:
        full = list(index)
        if self._colours < 0:
            return bright_objects(np.asarray(self.array[tuple(full)]), self._shown)
        full.insert(self._colours, slice(None))
        axis = sum(isinstance(part, slice) for part in full[: self._colours])
        return bright_objects(np.asarray(self.array[tuple(full)]), self._shown, axis)
