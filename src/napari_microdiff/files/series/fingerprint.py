"""Whether a file is still the one that it was."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ..faults import reading


@dataclass(frozen=True)
class Fingerprint:
    """What a file was like at one time.

    Attributes
    ----------
    size : int
        Bytes.
    mtime_ns : int
        When it was last written, in nanoseconds.
    sha256 : str
        Hash of its content, which decides where only the time differs: a copied file is the same file.
    """

    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Fingerprint:
        """Take the fingerprint of a file.

        Raises
        ------
        FileError
            If it cannot be read.
        """
        with reading(path):
            status = path.stat()
            return cls(status.st_size, status.st_mtime_ns, _hash(path))

    def fits(self, path: Path) -> bool:
        """Whether the file has this content still. It is read only if its time differs and its size does not.

        Raises
        ------
        FileError
            If it cannot be read.
        """
        with reading(path):
            status = path.stat()
            if status.st_size != self.size:
                return False
            return status.st_mtime_ns == self.mtime_ns or _hash(path) == self.sha256


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
