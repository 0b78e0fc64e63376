"""Open a folder as a series, where it was left."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ...errors import FileError
from ..faults import reading
from .journal import Entry, Journal, State
from .listing import LABELS, list_images
from .store import Series

OUTPUT = "segmentation"  # the name of our folder beside the images
JOURNAL = "series.jsonl"
_PART = ".part"
_QUIET_SECONDS = 60.0  # a temporary file that was not written to for so long is left from a crash
_SPARE_LINES = 1000  # a journal may have so many lines more than there are images before it is written anew


class OutputError(FileError):
    """Nothing can be saved where the results should go; another folder may do."""


def open_series(folder: str | Path, output: str | Path | None = None) -> Series:
    """List the images of a folder and find out how far each is. No image is opened.

    Parameters
    ----------
    folder : str or Path
        Where the images are; folders in it are not looked into.
    output : str or Path, optional
        Where a folder for labels, tables and the journal is made if the images' own cannot be written to. By default
        they are kept in a folder ``segmentation`` beside the images.

    Returns
    -------
    Series
        The series as it was left. What a crash left half-written has been removed.

    Raises
    ------
    FileError
        If there is no such folder or there are no images in it.
    OutputError
        If nothing can be written to the output folder, or it holds the results of other images.
    """
    folder = Path(folder).absolute()
    where = folder / OUTPUT if output is None else Path(output).absolute() / f"{folder.name} {OUTPUT}"
    names = list_images(folder)
    if not names:
        raise FileError(f"There are no TIFF, PNG or JPEG images in {folder}. Choose the folder that holds the images.")
    now = _prepare(where)
    journal = Journal(where / JOURNAL)
    series = Series(folder, where, tuple(names), journal)
    lines = _replay(series, journal)
    if output is not None and series.images_were not in ("", str(folder)):
        raise OutputError(f"{where} holds the results of {series.images_were}. Choose another folder.")
    _compare(series, _clean(where, now))
    if lines > 2 * len(names) + _SPARE_LINES or series.images_were != str(folder):
        series.images_were = str(folder)
        journal.rewrite(series.facts())
    return series


def _prepare(where: Path) -> float:
    """Make the folder if need be, try to write to it, and return the time by its disk's clock."""
    probe = where / f".{secrets.token_hex(4)}{_PART}"
    try:
        where.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
        now = probe.stat().st_mtime
        probe.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(
            f"Nothing can be saved in {where}: {reason}. Choose another folder for the results."
        ) from None
    return now


def _replay(series: Series, journal: Journal) -> int:
    """Read the journal into the series, and return how many lines it has."""
    lines = 0
    for fact in journal.facts():
        lines += 1
        try:
            if "image" in fact:
                series.entries[str(fact["image"])] = Entry.from_fact(fact)
        except (KeyError, TypeError, ValueError):  # a line of a later version, or not ours
            continue
        series.last = str(fact.get("last", series.last))
        series.images_were = str(fact.get("images", series.images_were))
        series.settings = dict(fact.get("settings", series.settings))
    return lines


def _clean(where: Path, now: float) -> set[str]:
    """Remove what a crash left half-written and return the names of the other files."""
    names = set()
    with reading(where), os.scandir(where) as entries:
        for entry in entries:
            if not (entry.name.startswith(".") and entry.name.endswith(_PART)):
                names.add(entry.name)
            elif now - entry.stat().st_mtime > _QUIET_SECONDS:
                Path(entry.path).unlink(missing_ok=True)
    return names


def _compare(series: Series, there: Iterable[str]) -> None:
    """Bring the entries up to date with the labels that are there."""
    there = set(there)
    for name in series.names:
        entry = series.entries.get(name, Entry())
        if name + LABELS not in there:
            entry = Entry()  # its labels were removed: it starts anew
        elif entry.state is State.NEW:
            entry = replace(entry, state=State.SEGMENTED)  # a crash between the labels and the journal
        series.entries[name] = entry
