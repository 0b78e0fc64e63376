"""A label image with the table of its objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..picture import Picture
from .objects import Columns


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The labels of an image.

    Attributes
    ----------
    labels : ndarray of int32
        Objects, numbered from 1 with gaps.
    axes : str
        One letter per axis.
    table : dict of str to ndarray
        See `state_table`.
    description : str
        What made them, as the file tells it.
    notices : tuple of str
        What the user should know, in sentences.
    """

    labels: NDArray[np.integer[Any]]
    axes: str
    table: Columns
    description: str = ""
    notices: tuple[str, ...] = ()

    def for_image(self, picture: Picture) -> Segmentation | None:
        """Return the same with the axes of an image, or None if it has another size.

        Files leave out axes of length 1 and have Y and X last.
        """
        axes = labels_axes(picture)
        shape = tuple(n for n, letter in zip(picture.shape, picture.axes, strict=True) if letter != "S")
        kept = "".join(letter for letter in axes if letter in self.axes)
        rest = [at for at, letter in enumerate(self.axes) if letter not in axes]
        if any(self.labels.shape[at] != 1 for at in rest):
            return None
        labels = self.labels.transpose([*(self.axes.index(letter) for letter in kept), *rest])
        if labels.size != np.prod(shape) or labels.shape[: len(kept)] != _of(shape, axes, kept):
            return None
        return replace(self, labels=np.ascontiguousarray(labels.reshape(shape)), axes=axes)


def labels_axes(picture: Picture) -> str:
    """Return the axes of the labels of an image: its own without that of the colours."""
    return picture.axes.replace("S", "")


def _of(shape: tuple[int, ...], axes: str, letters: str) -> tuple[int, ...]:
    return tuple(shape[axes.index(letter)] for letter in letters)
