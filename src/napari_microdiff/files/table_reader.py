"""Read a table of objects: comma-separated values, one line for each object."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError, ImageError
from ..imaging.kinds import kinds_of
from .faults import reading

_NUMERIC = re.compile(
    r"[+-]?((0|[1-9]\d{0,14})|\d*\.\d+|\d+\.)(e[+-]\d+)?|[+-]?inf|nan", re.IGNORECASE
)  # not what Python reads as numbers, too: tracks 1_11, wells 1E1, numbers with zeros in front or too long to be exact
_NUMBER = ("label", "index")  # the commands call it label, napari's features index


def read_table(path: str | Path) -> dict[str, NDArray[Any]]:
    """Read what is known of each object.

    Returns
    -------
    dict of str to ndarray
        ``label`` as whole numbers; columns of numbers as floats, with nan in empty cells; others as text.

    Raises
    ------
    FileError
        If the file cannot be read, or has no column ``label`` or ``index`` with a different number in each line.
    """
    path = Path(path)
    first, *rows = _lines(path) or [[]]
    header = [name.strip() for name in first]
    if twice := next((name for name in header if name and header.count(name) > 1), None):
        raise FileError(f"{path} has two columns '{twice}'. Name them differently.")
    name = next((name for name in _NUMBER if name in header), None)
    if name is None:
        raise FileError(f"{path} has no column 'label'. Name a table of objects, with a line of column names.")
    if any(len(row) != len(header) for row in rows):
        raise FileError(f"{path} has lines with more or fewer cells than column names. Export it again.")
    cells = {title: [row[place].strip() for row in rows] for place, title in enumerate(header)}
    numbers = cells.pop(name)
    if not all(number.isdecimal() for number in numbers) or len(set(map(int, numbers))) != len(numbers):
        raise FileError(f"{path}: the column '{name}' needs a different whole number in each line. Export it again.")
    return {"label": np.array(numbers, dtype=np.int64)} | {title: _column(texts) for title, texts in cells.items()}


def kinds_in(path: str | Path, classes: Sequence[str]) -> dict[int, int]:
    """Read the class of each object, see `imaging.kinds.kinds_of`.

    Raises
    ------
    FileError
        If the file cannot be read, or does not say it.
    """
    try:
        return kinds_of(read_table(path), classes)
    except ImageError as error:
        raise FileError(f"{path}: {error}") from None


def _lines(path: Path) -> list[list[str]]:
    with reading(path), path.open(encoding="utf-8-sig", newline="") as stream:
        try:
            return [line for line in csv.reader(stream) if line]
        except csv.Error as error:
            raise ValueError(str(error)) from error


def _column(texts: list[str]) -> NDArray[Any]:
    if all(_NUMERIC.fullmatch(text) for text in texts if text):
        return np.array([float(text) if text else np.nan for text in texts])
    return np.array(texts, dtype=object)
