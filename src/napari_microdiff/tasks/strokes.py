"""What a user drew, as maps that a model is conditioned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from skimage.draw import line

from ..engine.options import Stroke
from ..engine.tiles import Box
from ..errors import RequestError
from ..imaging.axes import PlaneIndex

KINDS = ("object", "background", "cut")  # in the order of the channels
WIDTH = 3  # pixels; as wide as the strokes that models are trained with, which are of 1 to 4
_Path = NDArray[np.intp]


@dataclass(frozen=True)
class PlaneStrokes:
    """The strokes on one plane, in pixels of the magnified plane.

    Attributes
    ----------
    paths : sequence of (channel, pixels)
        Pixels are of shape (count, 2).
    """

    paths: Sequence[tuple[int, _Path]]

    def in_window(self, window: Box, width: int = 1) -> NDArray[np.float32]:
        """Return the maps in a window, shape (3, y, x): 1 where a stroke of a kind is, else 0.

        Parameters
        ----------
        window : tuple of (start, stop)
            In pixels of the magnified plane.
        width : int
            Of the lines in pixels; odd.
        """
        brush = np.argwhere(np.ones((width, width))) - width // 2
        first = np.array([start for start, _ in window])
        shape = tuple(stop - start for start, stop in window)
        maps = np.zeros((len(KINDS), *shape), dtype=np.float32)
        for channel, path in self.paths:
            places = (path[:, None] + brush - first).reshape(-1, 2)
            inside = ((places >= 0) & (places < shape)).all(axis=1)
            rows, columns = places[inside].T
            maps[channel, rows, columns] = 1
        return maps


class StrokeMaps:
    """All strokes of a request, to be asked for plane by plane.

    Parameters
    ----------
    strokes : sequence of Stroke
        In pixels of the array without an axis of colours.
    axes : str
        One letter per axis of that array.

    Raises
    ------
    RequestError
        If a corner has not one number for each axis.
    """

    def __init__(self, strokes: Sequence[Stroke], axes: str) -> None:
        for corner in (corner for stroke in strokes for corner in stroke.points):
            if len(corner) != len(axes):
                raise RequestError(
                    f"A stroke has a corner of {len(corner)} numbers, but the image has the {len(axes)} axes {axes}. "
                    "Give one number for each."
                )
        self._strokes = strokes
        self._others = [axis for axis, letter in enumerate(axes) if letter not in "YX"]
        self._plane = [axis for axis, letter in enumerate(axes) if letter in "YX"]

    def of_plane(self, index: PlaneIndex, shape: Sequence[int], zoomed: Sequence[int]) -> PlaneStrokes:
        """Return the strokes on one plane, magnified from ``shape`` to ``zoomed``."""
        here = [index[axis] for axis in self._others]
        ratio = np.array(zoomed) / np.array(shape)
        paths = []
        for stroke in self._strokes:
            corners = np.array(stroke.points)
            if [round(c) for c in corners[0, self._others]] != here:
                continue
            places = np.floor((corners[:, self._plane] + 0.5) * ratio).astype(np.intp)
            paths.append((KINDS.index(stroke.kind), _pixels(places)))
        return PlaneStrokes(paths)


def _pixels(corners: _Path) -> _Path:
    """Return the pixels of a line through the corners."""
    pieces = [corners[:1]]
    for start, stop in pairwise(corners):
        pieces.append(np.stack(line(*start, *stop), axis=1))
    return np.unique(np.concatenate(pieces), axis=0)
