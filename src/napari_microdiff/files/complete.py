"""Files and folders that appear only when they are complete."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .faults import writing


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Give a stream to write to; what was written is renamed to ``path`` when the block ends well.

    Raises
    ------
    FileError
        If the folder does not exist, may not be written or is full; then an old file is as it was.
    """
    temporary = _beside(path)
    try:
        with writing(path):
            with temporary.open("xb+") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path, beside: Path | None = None) -> Iterator[Path]:
    """Give a folder to write to; it is renamed to ``path``, which must not exist, when the block ends well.

    Parameters
    ----------
    path : Path
        The folder to make.
    beside : Path, optional
        The file or folder on the same disk beside which it lies until then; else ``path`` itself.

    Raises
    ------
    FileError
        As `new_file`; then nothing is left.
    """
    temporary = _beside(beside or path)
    try:
        with writing(path):
            temporary.mkdir()
            yield temporary
            os.rename(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
