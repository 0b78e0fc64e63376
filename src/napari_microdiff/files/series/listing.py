"""Which files of a folder are its images, in the order in which people count."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..faults import reading

_ENDINGS = (".tif", ".tiff", ".png", ".jpg", ".jpeg")
LABELS, TABLE = ".labels.ome.tif", ".objects.csv"  # behind the whole name of an image: a.tif and a.png stay apart


def list_images(folder: Path) -> list[str]:
    """Return the names of the images that lie in a folder itself, sorted; no file is opened.

    Raises
    ------
    FileError
        If there is no such folder or it may not be read.
    """
    with reading(folder), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if _is_image(entry.name) and entry.is_file()]
    return sorted(names, key=natural_order)


def natural_order(name: str) -> tuple[tuple[str | int, ...], str]:
    """Return what to sort by so that ``cell 9`` comes before ``cell 10``, whatever the case of the letters."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple(int(part) if at % 2 else part for at, part in enumerate(parts)), name


def _is_image(name: str) -> bool:
    small = name.lower()
    return small.endswith(_ENDINGS) and not small.endswith(LABELS) and not small.startswith(".")
