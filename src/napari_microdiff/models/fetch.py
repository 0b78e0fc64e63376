"""Bring a model from a folder, a zip or an address, taking only what belongs to a model."""

from __future__ import annotations

import logging
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ..errors import ModelError
from .card import CARD_NAME
from .weights_file import ORIGINALS_NAME, PICKLE_SUFFIXES, WEIGHTS_NAME, fingerprint, pickle_refused

LARGEST_FILE = 512 * 2**20
"""Bytes of the largest file that is taken out of a zip; weights are a thirtieth of it."""

TRAINED = "model"
"""Folder in which a training leaves its model."""

_TEXT = re.compile(r"(licen[cs]e|readme|notice|citation)[\w.-]*", re.IGNORECASE)
_ADDRESS = re.compile(r"^([a-z][a-z0-9+.-]+)://|^(doi):", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@contextmanager
def fetch_model(source: str | Path, sha256: str | None = None) -> Iterator[Path]:
    """Give a folder with the files of the model at ``source``, and nothing else; it is gone afterwards.

    Parameters
    ----------
    source : str or Path
        A folder, a zip, or an address of a zip.
    sha256 : str, optional
        Fingerprint of the zip, or of the weights in a folder.

    Raises
    ------
    ModelError
        If there is no such source, or it is unsafe, corrupt or not the one with that fingerprint.
    """
    sha256 = sha256.strip().lower().removeprefix("sha256:") if sha256 else None
    if sha256 and not _SHA256.fullmatch(sha256):
        raise ModelError("The sha256 must be 64 hexadecimal digits. Copy it from where the model is offered.")
    with tempfile.TemporaryDirectory(prefix="napari-microdiff-") as name:
        temporary = Path(name)
        try:
            if scheme := _ADDRESS.match(str(source)):
                archive = _download(str(source), (scheme[1] or scheme[2]).lower(), sha256, temporary)
            else:
                archive = Path(source).expanduser()
            yield _open(archive, sha256, temporary / "model")
        except OSError as error:
            raise ModelError(f"{source} cannot be read: {error.strerror or error}.") from error


def _open(source: Path, sha256: str | None, target: Path) -> Path:
    if not source.exists():
        raise ModelError(f"There is no file or folder {source}. Check its name.")
    if source.suffix.lower() in PICKLE_SUFFIXES:
        raise pickle_refused(source.name)
    target.mkdir()
    if source.is_dir():
        _copy(source, target)
        _check(target / WEIGHTS_NAME, sha256, source)
    elif zipfile.is_zipfile(source) and source.suffix.lower() != ".safetensors":
        _check(source, sha256, source)
        _extract(source, target)
    else:
        raise ModelError(
            f"{source} is not a model. Give its folder with {CARD_NAME} and {WEIGHTS_NAME}, or a zip of it."
        )
    return target


def _belongs(name: str) -> bool:
    return name in (CARD_NAME, WEIGHTS_NAME, ORIGINALS_NAME) or bool(_TEXT.fullmatch(name))


def _copy(source: Path, target: Path) -> None:
    trained = source / TRAINED
    if not (source / CARD_NAME).exists() and (trained / CARD_NAME).is_file():
        raise ModelError(f"{source} is not a model, but its folder {trained} is. Give that.")
    for file in sorted(source.iterdir()):
        if file.suffix.lower() in PICKLE_SUFFIXES:
            raise pickle_refused(str(file))
        if file.is_file() and _belongs(file.name):
            (target / file.name).write_bytes(file.read_bytes())
    _complete(target, source)


def _extract(source: Path, target: Path) -> None:
    """Take the files of a model out of a zip; each is written under a name of ours, never under the zip's path."""
    try:
        with zipfile.ZipFile(source) as archive:
            for member in archive.infolist():
                path = PurePosixPath(member.filename.replace("\\", "/"))
                if path.is_absolute() or ".." in path.parts or ":" in member.filename:
                    raise ModelError(f"{source} is unsafe: it would write outside its folder. Do not use it.")
                if stat.S_ISLNK(member.external_attr >> 16):
                    raise ModelError(f"{source} is unsafe: it holds links. Do not use it.")
                if path.suffix.lower() in PICKLE_SUFFIXES:
                    raise pickle_refused(f"{path.name} in {source.name}")
                at_the_top = len(path.parts) == 1 or (len(path.parts) == 2 and path.parts[0] != "__MACOSX")
                if member.is_dir() or not at_the_top or not _belongs(path.name):
                    continue
                if member.file_size > LARGEST_FILE:
                    raise ModelError(f"{source} is unsafe: {path.name} unpacks to {member.file_size} bytes.")
                if (target / path.name).exists():
                    raise ModelError(f"{source} holds {path.name} twice. Give a zip of a single model.")
                with archive.open(member) as stream:
                    (target / path.name).write_bytes(stream.read(LARGEST_FILE + 1))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise ModelError(f"{source} is damaged, or locked with a password. Get it again from its source.") from None
    _complete(target, source)


def _complete(target: Path, source: Path) -> None:
    for name in (CARD_NAME, WEIGHTS_NAME):
        if not (target / name).is_file():
            raise ModelError(f"{source} is not a model: it has no {name}.")


def _check(file: Path, sha256: str | None, source: Path) -> None:
    if sha256 and fingerprint(file) != sha256:
        raise ModelError(f"{source} does not have the sha256 that you gave. Get it again, or check the sha256.")


def _download(address: str, scheme: str, sha256: str | None, folder: Path) -> Path:
    if scheme not in ("https", "doi", "file"):
        raise ModelError(f"{address}: only https and doi addresses are safe to fetch from.")
    if not sha256:
        raise ModelError(
            f"{address}: a model from an address needs its sha256. Copy it from where the model is offered."
        )
    if scheme == "file":
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        return Path(url2pathname(urlsplit(address).path))
    import pooch

    pooch.get_logger().setLevel(logging.ERROR)
    try:
        return Path(pooch.retrieve(address, known_hash=f"sha256:{sha256}", fname="model.zip", path=folder))
    except ValueError as error:
        if "hash" in str(error):
            raise ModelError(f"{address} does not have the sha256 that you gave. It may have been changed.") from None
        raise ModelError(f"{address} cannot be fetched: {error}") from None
    except Exception as error:  # whatever the network library raises; the address or the network is the cause
        raise ModelError(
            f"{address} cannot be fetched: {type(error).__name__}. Check it and the connection."
        ) from error
