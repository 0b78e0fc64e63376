"""Plain sentences for what goes wrong with files."""

from __future__ import annotations

import errno
import logging
import os
import re
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FileError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_CUT_SHORT = re.compile(r"\d+ requested and \d+ written")  # by numpy, which does not say why
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
# What tifffile, Pillow and the decoders raise on bytes that are not what they should be.
_DAMAGE = (ValueError, IndexError, KeyError, TypeError, SyntaxError, EOFError, RuntimeError, struct.error, zlib.error)
# tifffile only logs these, and returns fewer planes or planes of zeros.
_CUT_OFF = re.compile(
    "invalid page offset|corrupted tag list|invalid value offset|metadata invalid or corrupted|Missing data are zeroed"
)
_HARMLESS = re.compile(r"TiffTag (?!270 )\d+ @")


def cannot_read(path: Path, error: Exception) -> FileError:
    """Return the sentence for an ``error`` that reading ``path`` raised."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, FileNotFoundError):
        return FileError(f"There is no file {path}. Check its name and folder.")
    if os.path.isdir(path):  # where `Path.is_dir` would raise on what may not be looked at
        return FileError(f"{path} is a folder, not an image. Name a file in it.")
    if number in _FORBIDDEN:
        return FileError(f"You have no permission to read {path}. Ask its owner, or copy it.")
    if isinstance(error, ImportError) or "imagecodecs" in str(error):  # tifffile has a few decoders of its own
        return FileError(
            f"{path} is compressed in a way that needs the package imagecodecs. "
            "Install it (pip install imagecodecs), or save the image without compression."
        )
    if number is not None:
        return FileError(f"{path} cannot be read: {error.strerror}." if isinstance(error, OSError) else str(error))
    return FileError(f"{path} is damaged or cut off. Copy or export it again from its source.")


def cannot_write(path: Path, error: OSError) -> FileError:
    """Return the sentence for an ``error`` that writing ``path`` raised."""
    if error.errno in _FULL:
        return FileError(f"The disk is full: {path} was not written. Free some space or choose another folder.")
    if error.errno == errno.EFBIG or (error.errno is None and _CUT_SHORT.search(str(error))):
        return FileError(
            f"The disk is full, or your files may not be so large: {path} was not written. Free some space or choose "
            "another folder."
        )
    if not os.path.isdir(path.parent):
        return FileError(f"The folder {path.parent} does not exist. Create it, or choose another.")
    if os.path.isdir(path):
        return FileError(f"{path} is a folder. Choose the name of a file.")
    if error.errno == errno.EACCES and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):  # on Windows
        return FileError(f"{path} may be open in another program. Close it there, or choose another name.")
    if error.errno in _FORBIDDEN:
        return FileError(f"You have no permission to write {path}. Choose another folder.")
    return FileError(f"{path} cannot be written: {error.strerror or error}. Choose another name or folder.")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever reading ``path`` raises into a :class:`FileError`."""
    try:
        with _complaints() as complaints:
            yield
    except FileError:
        raise
    except (OSError, ImportError, *_DAMAGE) as error:
        raise cannot_read(path, error) from error
    if any(_CUT_OFF.search(text) and not _HARMLESS.search(text) for text in complaints):
        raise FileError(f"{path} is incomplete: parts of the image are missing. Copy or export it again.")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an :class:`OSError` raised while writing ``path`` into a :class:`FileError`."""
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from error


class _Collector(logging.Filter):
    """Take the messages of one thread out of a log; another may read another file at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()
        self.texts: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self.thread:
            return True
        self.texts.append(record.getMessage())
        return False


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect what tifffile logs instead of letting it reach the terminal."""
    logger, collector = logging.getLogger("tifffile"), _Collector()
    logger.addFilter(collector)
    try:
        yield collector.texts
    finally:
        logger.removeFilter(collector)
