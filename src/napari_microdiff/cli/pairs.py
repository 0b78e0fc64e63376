"""Files of masks and styles as what a set of synthetic pairs is made from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FileError
from ..files import Picture, as_labels, read_image
from ..files.faults import reading
from ..files.label_image import without
from ..files.names import shorter
from ..files.table_reader import kinds_in
from ..models.store import find_model
from .terminal import drive, say

if TYPE_CHECKING:
    from ..tasks.pairs import Wanted

_ENDINGS = {".tif", ".tiff", ".png"}
_PHOTOGRAPHS = {".jpg", ".jpeg"}


def read_masks(path: Path) -> list[Picture]:
    """Read the masks in a folder, or the one that is named; each is one plane.

    Raises
    ------
    MicrodiffError
        If there are none, or they cannot be read.
    """
    return [_mask(file) for file in _files(path, _ENDINGS)]


def read_styles(path: Path | None) -> list[Picture]:
    """Read the images in a folder, or the one that is named.

    Raises
    ------
    MicrodiffError
        If there are none, or they cannot be read.
    """
    return [] if path is None else [read_image(file) for file in _files(path, _ENDINGS | _PHOTOGRAPHS)]


def read_kinds(path: Path | None, masks: Sequence[Picture], model: str) -> list[dict[int, int]]:
    """Read the classes of the objects of each mask.

    Parameters
    ----------
    path : Path, optional
        A folder with a table for each mask, of the same name but for its ending, or of what stands before a dot in it;
        or the one table of one mask.
    masks : sequence of Picture
        As `read_masks` gives them.
    model : str
        Id of the model that knows the classes.

    Raises
    ------
    MicrodiffError
        If a table is missing, cannot be read, or names a class that the model does not know.
    """
    if path is None:
        return []
    known = find_model(model).card.classes
    if not os.path.isdir(path) and len(masks) > 1:
        raise FileError(f"{path} is one table, but there are {len(masks)} masks. Name a folder with one for each.")
    return [
        kinds_in(_table(path, (mask.path or Path()).name) if os.path.isdir(path) else path, known) for mask in masks
    ]


def _table(folder: Path, name: str) -> Path:
    tables = [folder / f"{part}.csv" for part in shorter(name)]
    return next((table for table in tables if os.path.exists(table)), tables[0])


def make_set(wanted: Wanted, target: Path) -> None:
    """Make a set and say what came of it; an interrupt stops it, and the same call goes on.

    Raises
    ------
    MicrodiffError
        As of `tasks.pairs.make_pairs`.
    """
    from ..tasks.pairs import PairsMade, make_pairs

    made = drive(make_pairs(wanted, target), PairsMade)
    say(f"{target} holds {made.pairs}, {made.new} of them new; {made.rejected} were rejected.")


def _files(path: Path, endings: set[str]) -> list[Path]:
    """Return the images in a folder, by their names, or the one that is named."""
    if not os.path.isdir(path):
        return [path]
    with reading(path):
        files = sorted(path.iterdir())
    found = [file for file in files if file.suffix.lower() in endings and not file.name.startswith(".")]
    if not found:
        raise FileError(f"There are no images in {path}. Name a folder with TIFF or PNG files in it.")
    return found


def _mask(path: Path) -> Picture:
    labels = as_labels(read_image(path))
    flat = without(labels, set(labels.axes) - {"Y", "X"})
    return replace(flat, path=path)
