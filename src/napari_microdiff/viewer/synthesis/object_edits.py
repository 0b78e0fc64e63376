"""What can be done to one object of a mask: the buttons, their keys, and the edit behind each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from ...errors import ImageError
from ...imaging import mask_edits
from ...imaging.mask_edits import MaskEdit

_STEP, _TURN = 2, pi / 12  # pixels and radians of one move and one turn


@dataclass(frozen=True)
class EditInput:
    """What an edit is computed from.

    Attributes
    ----------
    plane : ndarray of int, shape (y, x)
        The labels as they are.
    label : int
        The object.
    fresh : int
        A label that is free.
    rng : Generator
    """

    plane: NDArray[np.integer]
    label: int
    fresh: int
    rng: np.random.Generator


@dataclass(frozen=True)
class Tool:
    """One way to change an object.

    Attributes
    ----------
    text, tip, done : str
        On its button, about it, and what is said afterwards; ``done`` takes the label.
    key : str
        Works while the mask is the selected layer. None is napari's, nor one of the tools to correct objects.
    edit : callable
        Returns the edit.
    """

    text: str
    tip: str
    done: str
    key: str
    edit: Callable[[EditInput], MaskEdit]


def _move(down: int, right: int) -> Callable[[EditInput], MaskEdit]:
    return lambda given: mask_edits.move(given.plane, given.label, (down * _STEP, right * _STEP))


_MOVED = "Object {} was moved."
TOOLS = {
    "grow": Tool(
        "Larger",
        "Push the border of the object outwards by a pixel.",
        "Object {} is larger.",
        "Shift+G",
        lambda given: mask_edits.grow(given.plane, given.label, 1),
    ),
    "shrink": Tool(
        "Smaller",
        "Push the border of the object inwards by a pixel.",
        "Object {} is smaller.",
        "Shift+F",
        lambda given: mask_edits.grow(given.plane, given.label, -1),
    ),
    "turn": Tool(
        "Turn",
        "Turn the object by 15 degrees.",
        "Object {} was turned.",
        "Shift+T",
        lambda given: mask_edits.turn(given.plane, given.label, _TURN),
    ),
    "bend": Tool(
        "Bend",
        "Bend the outline of the object at random, each time in another way.",
        "Object {} was bent.",
        "Shift+B",
        lambda given: mask_edits.bend(given.plane, given.label, given.rng),
    ),
    "copy": Tool(
        "Copy",
        "Lay a copy of the object beside it.",
        "The copy is object {}.",
        "Shift+J",
        lambda given: mask_edits.copy_beside(given.plane, given.label, fresh=given.fresh),
    ),
    "delete": Tool(
        "Delete",
        "Take the object away.",
        "Object {} was deleted.",
        "Shift+X",
        lambda given: mask_edits.remove(given.plane, given.label),
    ),
    "up": Tool("", "", _MOVED, "Shift+Up", _move(-1, 0)),
    "down": Tool("", "", _MOVED, "Shift+Down", _move(1, 0)),
    "left": Tool("", "", _MOVED, "Shift+Left", _move(0, -1)),
    "right": Tool("", "", _MOVED, "Shift+Right", _move(0, 1)),
}


def compute_edit(
    tool: Tool, array: NDArray[np.integer], plane: NDArray[np.integer], label: int, rng: np.random.Generator
) -> Iterator[tuple[int, MaskEdit]]:
    """Compute an edit, and the label of the object that is selected afterwards; for a worker."""
    if plane.ndim != 2:
        raise ImageError("Only masks with planes of height and width can be changed.")
    fresh = int(array.max()) + 1
    edit = tool.edit(EditInput(plane, label, fresh, rng))
    yield (fresh if (edit.labels == fresh).any() else label), edit
