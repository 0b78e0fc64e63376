"""Tables on disk: comma-separated values with a line of names."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_DIGITS = 10
_WHOLE = 2**53  # from here on floating-point numbers leave some out


@dataclass(frozen=True, eq=False)
class OutputTable:
    """A table that is ready to be written.

    Attributes
    ----------
    path : Path
        The file.
    columns : mapping of str to ndarray
        Columns of one length. What is not known (nan) becomes an empty cell.
    """

    path: Path
    columns: Mapping[str, NDArray[np.generic]]

    def write(self, stream: BinaryIO) -> None:
        """Write the table, with decimal points and commas whatever the country."""
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        rows = csv.writer(text)
        rows.writerow(self.columns)
        rows.writerows(zip(*(_cells(column) for column in self.columns.values()), strict=True))
        text.flush()
        text.detach()


def _cells(column: NDArray[np.generic]) -> list[str]:
    digits = 6 if column.dtype == np.float32 else _DIGITS
    return [_cell(value, digits) for value in column.tolist()]


def _cell(value: float | str, digits: int) -> str:
    if not isinstance(value, float):
        return str(value)
    if np.isnan(value):
        return ""
    # Numbers of tracks are read as floating-point numbers, too, and no two of them may become one.
    return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else f"{value:.{digits}g}"
