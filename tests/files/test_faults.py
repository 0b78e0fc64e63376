"""What goes wrong with files is said in a sentence, whatever the system makes of it."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from napari_microdiff.errors import FileError
from napari_microdiff.files import check_writable, read_image
from napari_microdiff.files.faults import cannot_read, cannot_write


def test_names_that_are_too_long_are_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / f"{'a' * 300}.tif"
    with pytest.raises(FileError, match="cannot be read: File name too long"):
        read_image(path)
    with pytest.raises(FileError, match="cannot be written: File name too long"):
        check_writable(path, 0)


def test_folders_that_may_not_be_entered_are_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)  # as Path.is_dir meets it
    locked = Path("locked") / "a.tif"
    assert "no permission to read" in str(cannot_read(locked, PermissionError(errno.EACCES, "Permission denied")))
    monkeypatch.setattr("os.path.isdir", lambda path: Path(path).name == "locked")
    assert "no permission to write" in str(cannot_write(locked, PermissionError(errno.EACCES, "Permission denied")))


def test_a_file_that_another_program_holds_on_windows_is_not_called_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    held = PermissionError(errno.EACCES, "Permission denied")
    assert "no permission to write" in str(cannot_write(path, held))  # there is no such file
    path.touch()
    assert str(cannot_write(path, held)).endswith("open in another program. Close it there, or choose another name.")
    for forbidden in (path, tmp_path):
        monkeypatch.setattr("os.access", lambda asked, _, forbidden=forbidden: asked != forbidden)
        assert "no permission to write" in str(cannot_write(path, held))


def test_a_disk_that_fills_up_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for error in (OSError("65536 requested and 32600 written"), OSError(errno.EFBIG, "File too large")):
        assert "The disk is full, or your files may not be so large" in str(cannot_write(path, error))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_numpy_says_nothing_else_of_a_full_disk() -> None:
    with Path("/dev/full").open("wb", buffering=0) as stream, pytest.raises(OSError, match="written") as caught:
        np.zeros(2**16, np.uint8).tofile(stream)
    assert "The disk is full" in str(cannot_write(Path("/dev/full"), caught.value))
