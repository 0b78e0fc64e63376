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
        rows.writerows(zip(*(map(_cell, column.tolist()) for column in self.columns.values()), strict=True))
        text.flush()
        text.detach()


def _cell(value: float | str) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.6g}"
    return str(value)
