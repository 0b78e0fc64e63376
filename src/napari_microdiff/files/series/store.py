"""A series on disk: labels and tables in and out, and the journal of how far each image is."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FileError
from ..faults import writing
from ..read import read_image
from ..table import OutputTable
from ..write import label_type, prepare, write_images
from .fingerprint import Fingerprint
from .journal import Entry, Journal, State
from .listing import LABELS, TABLE
from .objects import AUTO, EDITED, Columns, read_states, state_table
from .segmentation import Segmentation


class Series:
    """The images of a folder, and what is known of each; `open_series` makes it. It may be used from any thread.

    Attributes
    ----------
    folder, output : Path
        Where the images are, and where labels, tables and the journal are.
    names : tuple of str
        The images, sorted.
    entries : dict of str to Entry
        What is known of each.
    last : str
        The image that was looked at last, or nothing.
    settings : dict
        How images of this series are segmented, as `remember` was told it.
    """

    def __init__(self, folder: Path, output: Path, names: tuple[str, ...], journal: Journal) -> None:
        self.folder, self.output, self.names = folder, output, names
        self.entries: dict[str, Entry] = {}
        self.last = self.images_were = ""
        self.settings: dict[str, Any] = {}
        self._journal = journal
        self._lock = threading.RLock()

    def path(self, name: str) -> Path:
        """Return the file of an image."""
        return self.folder / name

    def labels_path(self, name: str) -> Path:
        """Return the file of its labels, which need not exist."""
        return self.output / (name + LABELS)

    def table_path(self, name: str) -> Path:
        """Return the file of its table, which need not exist."""
        return self.output / (name + TABLE)

    def state(self, name: str) -> State:
        """Return how far an image is."""
        return self.entries[name].state

    def has_labels(self, name: str) -> bool:
        """Whether there are labels on disk."""
        return self.labels_path(name).is_file()

    def image_changed(self, name: str) -> bool:
        """Whether an image is another than the one that was segmented.

        Raises
        ------
        FileError
            If it cannot be read.
        """
        known = self.entries[name].image
        return known is not None and not known.fits(self.path(name))

    def forget_lost_labels(self, name: str) -> None:
        """Have an image start anew whose labels somebody has deleted.

        Raises
        ------
        FileError
            If it cannot be written down.
        """
        with self._lock:
            if self.entries[name].state is not State.NEW and not self.has_labels(name):
                self._note(name, Entry())

    def load(self, name: str) -> Segmentation:
        """Read the labels of an image, whoever wrote them.

        Raises
        ------
        FileError
            If there are none, or they cannot be read.
        """
        path, entry, notices = self.labels_path(name), self.entries[name], []
        picture = read_image(path)
        if picture.rgb or picture.dtype.kind not in "biu":
            raise FileError(f"{path} is not an image of labels. Move it elsewhere, then open {name} again.")
        labels = np.asarray(picture.array).astype(np.int32)
        known: Columns | None = None
        try:
            known = read_states(self.table_path(name))
        except FileError as error:
            if self.table_path(name).exists():
                notices.append(str(error))
        table = state_table(labels, picture.axes, known, AUTO if known is None else EDITED)
        if entry.labels is not None and not entry.labels.fits(path):
            notices.append(f"The labels of {name} were changed by another program; they are shown as they are now.")
            state = State.CORRECTING if entry.state is State.SEGMENTED else entry.state
            self._note(name, replace(entry, state=state, labels=Fingerprint.of(path), objects=len(table["label"])))
        return Segmentation(labels, picture.axes, table, picture.description, tuple(notices))

    def save(
        self,
        name: str,
        segmentation: Segmentation,
        state: State,
        *,
        pixel_size_um: Mapping[str, float] | None = None,
        image: Fingerprint | None = None,
    ) -> Entry:
        """Write labels and table, both or none, and then the journal.

        Labels that another program has written since they were last loaded or saved here are kept under another name.

        Parameters
        ----------
        name : str
            The image.
        segmentation : Segmentation
            Labels, axes, table and description; see `state_table` for the table.
        state : State
            How far the image is with them.
        pixel_size_um : mapping, optional
            Size of a pixel along Z, Y and X in micrometres.
        image : Fingerprint, optional
            That of the image that was segmented; by default the one that is known.

        Raises
        ------
        FileError
            If they cannot be written; the files are as they were then.
        """
        path, labels, axes = self.labels_path(name), segmentation.labels, segmentation.axes
        kind, sizes = label_type(labels), dict(pixel_size_um or {})
        output = prepare(path, labels, dtype=kind, axes=axes, pixel_size_um=sizes, description=segmentation.description)
        with self._lock:
            entry = self.entries[name]
            if entry.labels is not None and path.is_file() and not entry.labels.fits(path):
                self.set_aside(name)
            write_images([output, OutputTable(self.table_path(name), segmentation.table)])
            count, now = len(segmentation.table["label"]), datetime.now().astimezone().isoformat(timespec="seconds")
            return self._note(name, Entry(state, count, image or entry.image, Fingerprint.of(path), now))

    def mark(self, name: str, state: State) -> None:
        """Note how far an image is, its labels being what they are.

        Raises
        ------
        FileError
            If it cannot be written down.
        """
        with self._lock:
            self._note(name, replace(self.entries[name], state=state))

    def set_aside(self, name: str) -> Path | None:
        """Keep labels and table of an image under another name; return that of the labels if there were any.

        Raises
        ------
        FileError
            If they cannot be renamed.
        """
        with self._lock:
            if not self.has_labels(name):
                return None
            number = 1
            while (kept := self.output / f"{name}.kept-{number}{LABELS}").exists():
                number += 1
            with writing(kept):
                if self.table_path(name).exists():
                    os.replace(self.table_path(name), self.output / f"{name}.kept-{number}{TABLE}")
                os.replace(self.labels_path(name), kept)
            self._note(name, Entry())
            return kept

    def remember(self, *, last: str | None = None, settings: Mapping[str, Any] | None = None) -> None:
        """Note which image is looked at, or how images are segmented.

        Raises
        ------
        FileError
            If it cannot be written down.
        """
        with self._lock:
            if last is not None and last != self.last:
                self._journal.add({"last": last})
                self.last = last
            if settings is not None and dict(settings) != self.settings:
                self._journal.add({"settings": dict(settings)})
                self.settings = dict(settings)

    def facts(self) -> Iterator[dict[str, Any]]:
        """Return the fewest lines of a journal that tell what is known."""
        yield {"images": self.images_were, "last": self.last, "settings": self.settings}
        for name, entry in self.entries.items():
            if entry.state is not State.NEW:
                yield entry.fact(name)

    def _note(self, name: str, entry: Entry) -> Entry:
        with self._lock:
            self._journal.add(entry.fact(name))
            self.entries[name] = entry
            return entry
