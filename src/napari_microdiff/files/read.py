"""Open an image file, whatever its format."""

from __future__ import annotations

from pathlib import Path

from ..errors import FileError
from .faults import reading
from .picture import Picture

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"


def read_image(path: str | Path) -> Picture:
    """Read an image. The content of the file decides on the format, not its name.

    Parameters
    ----------
    path : str or Path
        A TIFF, OME-TIFF, ImageJ TIFF, PNG or JPEG file.

    Returns
    -------
    Picture
        Pixels, axes, pixel size and what else the file tells. A file of several images gives the first.

    Raises
    ------
    FileError
        If there is no such file, it is not an image of these formats, it is damaged or incomplete, or it may not be
        read.
    """
    path = Path(path)
    with reading(path):
        with path.open("rb") as stream:
            start = stream.read(8)
        if start[:4] in TIFF:
            from .tiff_reader import read_tiff

            return read_tiff(path)
        if start == _PNG or start.startswith(_JPEG):
            from .bitmap import read_bitmap

            return read_bitmap(path, "PNG" if start == _PNG else "JPEG")
    if not start:
        raise FileError(f"{path} is empty. Copy or export it again from its source.")
    raise FileError(
        f"{path} is not an image that can be read. Use TIFF, OME-TIFF, PNG or JPEG; other microscope formats can be "
        "exported to OME-TIFF."
    )
