"""Read PNG and JPEG, write PNG."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, BinaryIO

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray
from PIL.Image import DecompressionBombError
from PIL.PngImagePlugin import PngInfo

from ..errors import FileError
from .picture import Picture
from .tiff_metadata import LARGEST_PLAIN_PIXEL_UM

_UM_PER_INCH = 25400.0
_SMALLEST_UM = 1e6 / 2**31  # a PNG counts the pixels of a metre in 31 bits
_PNG_DEPTH, _PNG_COLOUR = 24, 25  # where the header of a PNG holds its bit depth and colour type
_GREY = 0  # the colour type without colours or transparency


def read_bitmap(path: Path, kind: str) -> Picture:
    """Read a PNG or JPEG file; what is wrong with it is raised as Pillow raises it."""
    if kind == "PNG":
        _refuse_deep(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large images; the refusal of huge ones is an error
        try:
            array = iio.imread(path, plugin="pillow")
            facts = iio.immeta(path, plugin="pillow", exclude_applied=False)
        except Exception as error:
            if isinstance(error.__cause__ or error, DecompressionBombError):
                raise FileError(f"{path} is too large for {kind}. Save the image as TIFF.") from None
            if isinstance(error, OSError) and error.errno is None:  # Pillow's way to say that the bytes are wrong
                raise ValueError(str(error)) from error
            raise
    array, axes = _grey_or_colour(np.asarray(array))
    sizes = {}
    for letter, dots in zip("XY", facts.get("dpi", ()), strict=False):
        if dots and _UM_PER_INCH / float(dots) <= LARGEST_PLAIN_PIXEL_UM:
            sizes[letter] = float(f"{_UM_PER_INCH / float(dots):.6g}")
    return Picture(
        array,
        axes,
        pixel_size_um=sizes,
        description=str(facts.get("Description", "")),
        path=path,
        metadata={"format": kind},
    )


def _grey_or_colour(array: NDArray[Any]) -> tuple[NDArray[Any], str]:
    grey, grey_and_alpha, colour = 2, 2, 3
    if array.ndim == grey:
        return array, "YX"
    if array.ndim == colour and array.shape[-1] == grey_and_alpha:
        return np.ascontiguousarray(array[..., 0]), "YX"
    if array.ndim == colour:
        return array, "YXS"
    return array, "TYXS" if array.shape[-1] in (3, 4) else "TYX"


def _refuse_deep(path: Path) -> None:
    """Refuse what Pillow reads with 8 of 16 bits."""
    with path.open("rb") as stream:
        header = stream.read(_PNG_COLOUR + 1)
    if len(header) > _PNG_COLOUR and header[_PNG_DEPTH] == 16 and header[_PNG_COLOUR] != _GREY:
        raise FileError(
            f"{path} is a PNG of 16 bits with colours or transparency, which would be read with 8 bits only. Save it "
            "as TIFF."
        )


def check_png(path: Path, axes: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Raise :class:`FileError` unless PNG can hold such an image without loss."""
    colour = axes == "YXS" and shape[-1] in (3, 4)
    if axes != "YX" and not colour:
        raise FileError(f"{path}: PNG holds a single plane, not the axes {axes}. Choose a name that ends in .tif.")
    if dtype not in ((np.uint8,) if colour else (np.uint8, np.uint16)):
        kind = "a colour image" if colour else "an image"
        raise FileError(f"{path}: PNG cannot hold {kind} of type {dtype}. Choose a name that ends in .tif.")


def write_png(stream: BinaryIO, array: NDArray[Any], pixel_size_um: dict[str, float], description: str) -> None:
    """Write ``array`` (Y, X or Y, X, S; 8 or 16 bits) as PNG, with its pixel size and description."""
    text = PngInfo()
    if description:
        text.add_text("Description", description)
    options: dict[str, Any] = {"pnginfo": text}
    if {"X", "Y"} <= pixel_size_um.keys() and min(pixel_size_um.values()) > _SMALLEST_UM:
        options["dpi"] = tuple(_UM_PER_INCH / pixel_size_um[letter] for letter in "XY")
    iio.imwrite(stream, array, plugin="pillow", extension=".png", **options)
