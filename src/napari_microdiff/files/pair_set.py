"""A folder of synthetic pairs that grows pair by pair, and a manifest that says how each was made.

An interrupted set goes on where it stopped: a pair counts when its line is in the manifest, which is written after its
files.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError
from .complete import new_file
from .faults import reading, writing
from .pair_layouts import LAYOUTS, LayoutName, labels_for, side_files
from .picture import Picture
from .read import read_image
from .training_recipe import RECIPE
from .write import prepare, write_images
from .zarr_levels import zarr_package
from .zarr_pair import write_zarr_pair

MANIFEST = "manifest.jsonl"
_KIND = "napari-microdiff synthetic pairs"
_KEY = "napari_microdiff"


@dataclass(frozen=True, eq=False)
class Pair:
    """An image that was drawn under a mask.

    Attributes
    ----------
    image : ndarray, shape (y, x) or (y, x, 3)
        As it is to be written.
    labels : ndarray of integers, shape (y, x)
        The mask.
    facts : mapping of str to JSON-able values
        How it was made; goes into the manifest and into both files.
    pixel_size_um : dict
        Size of a pixel along Y and X, as far as it is known.
    """

    image: NDArray[Any]
    labels: NDArray[np.integer]
    facts: Mapping[str, Any]
    pixel_size_um: dict[str, float]


class PairSet:
    """A folder of pairs.

    Parameters
    ----------
    folder : Path
        Made with the first image if there is none; else empty, or a set that was begun with the same layout and
        settings.
    layout : {"microdiff", "stardist", "cellpose", "nnunet", "zarr"}
        For which program; "zarr" for none in particular, each pair an OME-Zarr.
    settings : mapping of str to JSON-able values
        What decides how pairs are made. A set is made with one setting from its first pair to its last.

    Attributes
    ----------
    attempts : int
        Images that were drawn so far, good or not.
    accepted : int
        Pairs in the folder.

    Raises
    ------
    FileError
        If the folder holds something else or cannot be written, or the package zarr is needed and missing.
    """

    def __init__(self, folder: Path, layout: LayoutName, settings: Mapping[str, Any]) -> None:
        if layout == "zarr":
            zarr_package()
        self.folder, self.layout = folder, layout
        self.attempts = self.accepted = 0
        head = json.loads(json.dumps({"kind": _KIND, "synthetic": True, "layout": layout, "settings": dict(settings)}))
        if os.path.exists(folder / MANIFEST):
            self._go_on(head)
        else:
            self._check_new()
        self._head = head

    def add(self, pair: Pair) -> tuple[Path, Path]:
        """Write a pair and what the layout wants beside pairs, and return the files of image and labels.

        Raises
        ------
        FileError
            If they cannot be written; a pair without its line in the manifest is none.
        """
        self._begin()
        name = f"{self.accepted + 1:05}"
        files = LAYOUTS[self.layout].files(name)
        facts = {**pair.facts, "synthetic": True}
        note = json.dumps({_KEY: facts})
        image, labels = (self.folder / file for file in files)
        sizes = pair.pixel_size_um
        axes = "YX" if pair.image.ndim == 2 else "YXS"
        numbers = labels_for(self.layout, pair.labels)
        if self.layout == "zarr":
            shutil.rmtree(image, ignore_errors=True)  # of a pair that did not get its line
            write_zarr_pair(image, Picture(pair.image, axes, sizes), Picture(numbers, "YX", sizes), {_KEY: facts})
        else:
            write_images(
                [
                    prepare(image, pair.image, axes=axes, pixel_size_um=sizes, description=note),
                    prepare(labels, numbers, axes="YX", pixel_size_um=sizes, description=note),
                ]
            )
        self._append({"attempt": self.attempts + 1, "image": files[0], "labels": files[1], **facts})
        self.attempts += 1
        self.accepted += 1
        self._write_beside(coloured="S" in axes)
        return image, labels

    def reject(self, facts: Mapping[str, Any]) -> None:
        """Note that an image was drawn and is not in the set.

        Raises
        ------
        FileError
            If the manifest cannot be written.
        """
        self._begin()
        self._append({"attempt": self.attempts + 1, **facts})
        self.attempts += 1

    def _write_beside(self, *, coloured: bool, kept: Collection[str] = (RECIPE,)) -> None:
        """Write the files that hold for the set as it is now; of those to be kept, what people have changed stays."""
        before, now = (
            side_files(self.layout, self.folder, count, coloured=coloured)
            for count in (self.accepted - 1, self.accepted)
        )
        for name, content in now.items():
            path = self.folder / name
            if name in kept and path.exists():
                with reading(path):
                    written = path.read_bytes()
                if written != before[name]:
                    continue
            with new_file(path) as stream:
                stream.write(content)

    def _make_up_beside(self, image: Path) -> None:
        """Write these files if it stopped between the last pair and them; an image that was taken out does not tell."""
        names = side_files(self.layout, self.folder, self.accepted, coloured=False).keys()
        if names and image.is_file():
            self._write_beside(coloured=read_image(image).rgb, kept=names)

    def _check_new(self) -> None:
        """See that the folder can be begun; it is with the first image, before which what was asked for may fail."""
        if os.path.isdir(self.folder):
            with reading(self.folder):
                foreign = not all(self._is_ours(entry) for entry in self.folder.iterdir())
            if foreign:
                raise FileError(f"{self.folder} is not empty and holds no set of pairs. Choose a new folder.")
            return
        with writing(self.folder):
            self.folder.mkdir()
            self.folder.rmdir()

    def _is_ours(self, entry: Path) -> bool:
        """Whether this is an empty folder of the layout, which is left when a set did not get its manifest."""
        return entry.name in LAYOUTS[self.layout].folders and entry.is_dir() and not any(entry.iterdir())

    def _begin(self) -> None:
        if (self.folder / MANIFEST).exists():
            return
        for part in LAYOUTS[self.layout].folders:
            with writing(self.folder):
                self.folder.mkdir(exist_ok=True)
                (self.folder / part).mkdir(exist_ok=True)
        with new_file(self.folder / MANIFEST) as stream:
            stream.write(json.dumps(self._head).encode() + b"\n")

    def _go_on(self, head: Mapping[str, Any]) -> None:
        path = self.folder / MANIFEST
        with reading(path):
            whole, _, torn = path.read_bytes().rpartition(b"\n")
            first, *lines = (json.loads(line) for line in whole.splitlines() or [b"{}"])
        if not isinstance(first, dict) or first.get("kind") != _KIND:
            raise FileError(f"{path} is not the manifest of a set of pairs. Choose a new folder.")
        changed = _different(first, head)
        if changed:
            raise FileError(
                f"{self.folder} holds a set that was begun with another {', another '.join(changed)}. "
                "Ask for the same again, or choose a new folder."
            )
        if torn:  # the disk was full, or the computer went off, in the middle of a line
            with writing(path):
                os.truncate(path, len(whole) + 1)
        images = [line["image"] for line in lines if "image" in line]
        self.attempts, self.accepted = len(lines), len(images)
        if images:
            self._make_up_beside(self.folder / images[-1])

    def _append(self, line: Mapping[str, Any]) -> None:
        path = self.folder / MANIFEST
        before = path.stat().st_size if path.exists() else 0
        try:
            with writing(path), path.open("ab") as stream:
                stream.write(json.dumps(line).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except FileError:
            if path.exists():
                os.truncate(path, before)
            raise


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that are not as they were."""
    one, other = ({"layout": head.get("layout"), **head.get("settings", {})} for head in (old, new))
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
