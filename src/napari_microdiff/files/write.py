"""Write images so that a failure loses nothing: to a temporary name first, renamed when all is on the disk."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import FileError
from ..imaging.axes import check_axes, guess_axes
from .bitmap import check_png, write_png
from .convert import convert
from .faults import cannot_write, writing
from .picture import CALIBRATION, Picture
from .table import OutputTable
from .tiff_writer import Dialect, file_order, fits_imagej, fits_ome, write_tiff

_TIFF, _PNG = (".tif", ".tiff"), ".png"
IMAGES, TABLES = (*_TIFF, _PNG), (".csv",)
_NAMES = {IMAGES: ".tif, .ome.tif or .png", TABLES: ".csv"}
_SLACK = 2**20  # bytes for metadata


@dataclass(frozen=True, eq=False)
class OutputImage:
    """An image that is ready to be written: checked, and its dialect chosen."""

    path: Path
    picture: Picture
    dtype: np.dtype[Any]
    dialect: Dialect | None

    @property
    def nbytes(self) -> int:
        """Bytes on disk, about."""
        return int(np.prod(self.picture.shape)) * self.dtype.itemsize + _SLACK


def label_type(labels: NDArray[Any]) -> type[np.unsignedinteger[Any]]:
    """Return the type in which labels are stored: 16 bits, which all programs read, if these suffice."""
    return np.uint16 if labels.max(initial=0) <= np.iinfo(np.uint16).max else np.uint32


def prepare(
    path: str | Path,
    array: NDArray[Any],
    *,
    like: Picture | None = None,
    dtype: DTypeLike | None = None,
    axes: str | None = None,
    pixel_size_um: dict[str, float] | None = None,
    description: str = "",
) -> OutputImage:
    """Check that ``array`` can be written to ``path``; nothing is written yet. See :func:`write_image`."""
    path = Path(os.path.realpath(path))
    like = like or Picture(array, axes or guess_axes(array.shape))
    kind = np.dtype(dtype) if dtype is not None else like.dtype
    picture = replace(
        like,
        array=array,
        axes=axes or like.axes,
        pixel_size_um=like.pixel_size_um if pixel_size_um is None else pixel_size_um,
        description=description,
    )
    check_axes(picture.axes, array.shape)
    picture = replace(picture, channel_names=_names(picture), metadata=_metadata(like, picture, kind))
    for unusable in (array.dtype, kind):
        if unusable.kind not in "biuf":
            raise FileError(f"{path}: an image of type {unusable} cannot be written. Convert it to real numbers first.")
    return OutputImage(path, picture, kind, _dialect(path, picture, kind))


def write_image(
    path: str | Path,
    array: NDArray[Any],
    *,
    like: Picture | None = None,
    dtype: DTypeLike | None = None,
    axes: str | None = None,
    pixel_size_um: dict[str, float] | None = None,
    description: str = "",
) -> Path:
    """Write an image. An existing file is replaced only when the new one is complete.

    Parameters
    ----------
    path : str or Path
        ``.ome.tif`` and ``.ome.tiff`` make OME-TIFF; ``.tif`` and ``.tiff`` the TIFF that ImageJ writes, or OME-TIFF if
        the type or the size is not one of ImageJ's, or else plain TIFF; ``.png`` a PNG.
    array : ndarray
        Real numbers. It is rounded and clipped to ``dtype`` plane by plane.
    like : Picture, optional
        The input of the computation: gives type, axes, pixel size and channel names where they are not given here.
    dtype : dtype, optional
        Type of the pixels in the file; without ``like`` that of ``array``.
    axes : str, optional
        One letter per axis; guessed from the shape if neither this nor ``like`` is given.
    pixel_size_um : dict, optional
        Size of a pixel along Z, Y and X in micrometres.
    description : str
        Text to keep in the file, such as the request as JSON.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    FileError
        If the folder does not exist, may not be written or is full, or if the format cannot hold the image. No new
        file is left, and an old one is as it was.
    """
    image = prepare(
        path, array, like=like, dtype=dtype, axes=axes, pixel_size_um=pixel_size_um, description=description
    )
    write_images([image])
    return Path(path)


def write_images(images: Sequence[OutputImage | OutputTable]) -> None:
    """Write several images, and tables that belong to them, all or none.

    Raises
    ------
    FileError
        As :func:`write_image`; then none of the files is new.
    """
    paths = [Path(os.path.realpath(image.path)) for image in images]  # links stay links
    temporaries: list[Path] = []
    try:
        for image, path in zip(images, paths, strict=True):
            temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
            temporaries.append(temporary)
            with writing(path), temporary.open("xb+") as stream:
                _write(stream, image)
                stream.flush()
                os.fsync(stream.fileno())
        for path, temporary in zip(paths, temporaries, strict=True):
            with writing(path):
                os.replace(temporary, path)
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)


def check_writable(path: str | Path, nbytes: int = 0, endings: tuple[str, ...] = IMAGES) -> None:
    """Check before a long job that its result can be written to ``path``.

    Parameters
    ----------
    path : str or Path
        The file to be written later; it is not touched.
    nbytes : int
        About how large it will be.
    endings : tuple of str
        Those of the formats that will do: ``IMAGES`` or ``TABLES``.

    Raises
    ------
    FileError
        If the name ends in no known format, the folder does not exist or may not be written, or the disk is too full.
    """
    given, path = path, Path(os.path.realpath(path))
    if not path.name.lower().endswith(endings):
        raise FileError(f"{given}: the format is not known. Choose a name that ends in {_NAMES[endings]}.")
    if os.path.isdir(path) or not os.path.isdir(path.parent):
        raise cannot_write(path, OSError())
    probe = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with writing(path):
        try:
            probe.touch(exist_ok=False)
        finally:
            probe.unlink(missing_ok=True)
    free = shutil.disk_usage(path.parent).free
    if nbytes + _SLACK > free:
        raise FileError(
            f"The disk is too full for {path}: it needs {_size(nbytes)}, and {_size(free)} are free. "
            "Free some space or choose another folder."
        )


def _names(picture: Picture) -> tuple[str, ...]:
    return picture.channel_names if len(picture.channel_names) == _channels(picture) else ()


def _channels(picture: Picture) -> int:
    return picture.shape[picture.axes.index("C")] if "C" in picture.axes else 1


def _metadata(like: Picture, picture: Picture, kind: np.dtype[Any]) -> dict[str, Any]:
    """Return what only the format of the input knows, as far as it holds for what was made of it."""
    same = picture.axes == like.axes and _channels(picture) == _channels(like)  # else their colours have gone, too
    holds = {key: kind == like.dtype if key == CALIBRATION else same for key in like.metadata}
    return {key: value for key, value in like.metadata.items() if holds[key]}


def _dialect(path: Path, picture: Picture, dtype: np.dtype[Any]) -> Dialect | None:
    """Choose how to write, ``None`` for PNG; raise if the format cannot hold the image."""
    name, axes, shape = path.name.lower(), picture.axes, picture.shape
    if name.endswith(_PNG):
        check_png(path, axes, dtype, shape)
        return None
    if not name.endswith(_TIFF):
        raise FileError(f"{path}: the format is not known. Choose a name that ends in .tif, .ome.tif or .png.")
    ome = fits_ome(axes, dtype)
    if not name.endswith((".ome.tif", ".ome.tiff")):
        return "imagej" if fits_imagej(axes, dtype, shape, picture.pixel_size_um) else "ome" if ome else "plain"
    if not ome:
        raise FileError(
            f"{path}: OME-TIFF cannot hold an image of type {dtype} with the axes {axes}. "
            "Choose a name that ends in .tif."
        )
    return "ome"


def _write(stream: BinaryIO, image: OutputImage | OutputTable) -> None:
    if isinstance(image, OutputTable):
        image.write(stream)
        return
    picture = image.picture
    if image.dialect is None:
        pixels = convert(np.asarray(picture.array), image.dtype)
        write_png(stream, pixels, picture.pixel_size_um, picture.description)
        return
    axes = file_order(picture.axes, image.dialect)
    array = picture.array.transpose([picture.axes.index(letter) for letter in axes])
    planes = _planes(array, image.dtype, "S" in axes)
    write_tiff(stream, planes, array.shape, image.dtype, image.dialect, replace(picture, axes=axes))


def _planes(array: NDArray[Any], dtype: np.dtype[Any], colour: bool) -> Iterator[NDArray[Any]]:
    for index in np.ndindex(array.shape[: -3 if colour else -2]):
        yield np.ascontiguousarray(convert(np.asarray(array[index]), dtype))


def _size(nbytes: float) -> str:
    return f"{nbytes / 2**30:.1f} GiB" if nbytes >= 2**30 else f"{nbytes / 2**20:.0f} MiB"
