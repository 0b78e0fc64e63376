"""Classes of objects: from the names in a table to the numbers that a network knows."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError

COLUMN = "class"
_LABELS = ("label", "index")  # files call it label, napari's features index


def kinds_of(table: Mapping[str, Any], classes: Sequence[str]) -> dict[int, int]:
    """Return the number of the class of each object, from 1.

    Parameters
    ----------
    table : mapping of str to sequence
        The columns ``label`` (or ``index``) and ``class``, which holds names or numbers. An object whose cell is empty
        is left out.
    classes : sequence of str
        The names, in the order of their numbers; empty where they have none, and every number is taken.

    Raises
    ------
    ImageError
        If a column is missing, or a class is none of these.
    """
    column = label_column(table)
    if column is None or COLUMN not in table:
        raise ImageError(
            f"The table does not say which class an object has: it needs the columns '{_LABELS[0]}' and '{COLUMN}'."
        )
    cells = zip(np.asarray(table[column]).tolist(), np.asarray(table[COLUMN]).tolist(), strict=True)
    found = {int(label): _number(cell, int(label), classes) for label, cell in cells if label and not _empty(cell)}
    return {label: kind for label, kind in found.items() if label > 0}


def label_column(table: Container[str]) -> str | None:
    """Return the column of a table that holds the labels of its objects, if it has one."""
    return next((name for name in _LABELS if name in table), None)


def check_all_named(labels: NDArray[np.integer], kinds: Mapping[int, int]) -> None:
    """Raise ImageError if an object has no class."""
    unnamed = [label for label in np.unique(labels[labels > 0]).tolist() if label not in kinds]
    if unnamed:
        raise ImageError(
            f"Object {unnamed[0]} has no class" + (f", nor have {len(unnamed) - 1} others" if unnamed[1:] else "") + "."
        )


def listed(classes: Iterable[str]) -> str:
    """Return the classes as a part of a sentence."""
    return ", ".join(f"{number} ({name})" for number, name in enumerate(classes, start=1))


def _number(cell: Any, label: int, classes: Sequence[str]) -> int:
    if isinstance(cell, str) and cell.strip() in classes:
        return classes.index(cell.strip()) + 1
    try:
        number = float(cell)
    except (TypeError, ValueError):
        number = 0.0
    if number < 1 or number != int(number) or (classes and number > len(classes)):
        known = f"Known are {listed(classes)}." if classes else "Classes are numbered from 1."
        raise ImageError(f"Object {label} is of the class '{cell}'. {known}")
    return int(number)


def _empty(cell: Any) -> bool:
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())  # nan is not itself
