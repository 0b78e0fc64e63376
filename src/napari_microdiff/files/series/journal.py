"""The journal of a series: one line for each thing that happened, and the last word on an image holds.

Adding a line takes as long in a folder of ten thousand images as in one of ten. A crash can cut off the last line only,
which is then left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..complete import new_file
from ..faults import reading, writing
from .fingerprint import Fingerprint


class State(StrEnum):
    """How far an image is."""

    NEW = "new"
    SEGMENTED = "segmented"
    CORRECTING = "being corrected"
    DONE = "done"


@dataclass(frozen=True)
class Entry:
    """What is known of an image.

    Attributes
    ----------
    state : State
        How far it is.
    objects : int, optional
        How many objects its labels have.
    image, labels : Fingerprint, optional
        The image when it was segmented, and its labels when they were last saved.
    saved : str
        Date and time of that, as ISO 8601 writes them.
    """

    state: State = State.NEW
    objects: int | None = None
    image: Fingerprint | None = None
    labels: Fingerprint | None = None
    saved: str = ""

    def fact(self, name: str) -> dict[str, Any]:
        """Return the line on the image of this name."""
        return {"image": name, "entry": asdict(self)}

    @classmethod
    def from_fact(cls, fact: dict[str, Any]) -> Entry:
        """Return what a line says; raise ValueError, TypeError or KeyError if it is not such a line."""
        fields = dict(fact["entry"])
        prints = {key: Fingerprint(**fields[key]) if fields.get(key) else None for key in ("image", "labels")}
        return cls(**{**fields, **prints, "state": State(fields["state"])})


class Journal:
    """A file of lines, each a JSON object.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def facts(self) -> Iterator[dict[str, Any]]:
        """Return the lines, without those that cannot be read.

        Raises
        ------
        FileError
            If the file is there but may not be read.
        """
        if not self.path.exists():
            return
        with reading(self.path):
            lines = self.path.read_bytes().splitlines()
        for line in lines:
            try:
                fact = json.loads(line)
            except ValueError:  # cut off by a crash
                continue
            if isinstance(fact, dict):
                yield fact

    def add(self, fact: dict[str, Any]) -> None:
        """Add a line; it is on the disk when this returns.

        Raises
        ------
        FileError
            If it cannot be written.
        """
        with writing(self.path), self.path.open("ab+") as stream:
            if stream.tell():
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":  # the line before was cut off by a crash
                    stream.write(b"\n")
            stream.write(_line(fact))
            stream.flush()
            os.fsync(stream.fileno())

    def rewrite(self, facts: Iterable[dict[str, Any]]) -> None:
        """Replace all lines by these, or none.

        Raises
        ------
        FileError
            If they cannot be written; the file is as it was then.
        """
        with new_file(self.path) as stream:
            stream.writelines(_line(fact) for fact in facts)


def _line(fact: dict[str, Any]) -> bytes:
    return json.dumps(fact).encode() + b"\n"
