"""Read TIFF, OME-TIFF and ImageJ TIFF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ..errors import FileError, ImageError
from ..imaging.axes import AXIS_NAMES, guess_axes
from .picture import CALIBRATION, Picture
from .read import TIFF
from .tiff_metadata import Facts, imagej_facts, ome_facts, plain_facts

LAZY_BYTES = 64 * 2**20
"""Uncompressed images from this size on are memory-mapped instead of loaded."""

_MOST_COLOURS = 4
_FREE = "ZTCP"  # letters for axes that a file names otherwise


def read_tiff(path: Path) -> Picture:
    """Read the first image of a TIFF file; what is wrong with it is raised as tifffile raises it."""
    with _opened(path) as tif:
        if not tif.series:
            raise FileError(f"{path} holds no image.")
        own = _own_images(tif)
        series = tif.series[own[0]]
        if series.dtype is None or series.size == 0:
            raise FileError(f"{path} holds no pixels that can be read.")
        facts = _facts(tif)
        array, axes = _axes_in_order(_pixels(tif, series), facts.axes or series.axes, _colours(series))
        return Picture(
            array,
            axes,
            pixel_size_um=facts.pixel_size_um,
            channel_names=facts.channel_names if len(facts.channel_names) == _length(array, axes, "C") else (),
            time_step_s=facts.time_step_s,
            description=facts.description,
            path=path,
            images_in_file=len(own),
            metadata={"format": facts.format, **_told_by_imagej(facts)},
        )


def read_tiff_facts(path: Path) -> Facts | None:
    """Read what a TIFF file says about its image, and no pixels; ``None`` of other files."""
    with path.open("rb") as stream:
        if stream.read(4) not in TIFF:
            return None
    with tifffile.TiffFile(path) as tif:
        return _facts(tif)


@contextmanager
def _opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a file; where tifffile joins the positions of Micro-Manager, each file of which has one, as OME-TIFF."""
    with tifffile.TiffFile(path) as tif:
        if not (tif.is_mmstack and tif.is_ome and "R" in tif.series[0].axes):
            yield tif
            return
    with tifffile.TiffFile(path, is_mmstack=False) as tif:
        yield tif


def _own_images(tif: tifffile.TiffFile) -> list[int]:
    """Return the numbers of the images that begin in this file.

    Each file of an OME-TIFF data set may tell of all images, such as those at other positions, and tifffile then reads
    these, too.
    """
    own = [number for number, series in enumerate(tif.series) if series.keyframe.parent is tif]
    return own or [0]


def _pixels(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> NDArray[Any]:
    offset = series.dataoffset
    inverted = _inverted(tif, series)
    if offset is None or inverted or series.nbytes < LAZY_BYTES or series.keyframe.dtype == np.bool_:
        array: NDArray[Any] = series.asarray()
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        return _brighter_is_larger(array, series.keyframe.bitspersample) if inverted else array
    if offset + series.nbytes > tif.filehandle.size:
        raise ValueError("the pixels reach beyond the end of the file")
    dtype = np.dtype(f"{tif.byteorder}{series.dtype.char}")
    return np.memmap(tif.filehandle.path, dtype=dtype, mode="r", offset=offset, shape=series.shape)


def _told_by_imagej(facts: Facts) -> dict[str, Any]:
    told = {"imagej": facts.display, CALIBRATION: facts.calibration}
    return {key: value for key, value in told.items() if value}


def _inverted(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> bool:
    """Whether smaller numbers are brighter; ImageJ says so of how it shows an image, and measures its numbers."""
    white_is_zero = bool(series.keyframe.photometric == tifffile.PHOTOMETRIC.MINISWHITE)
    return white_is_zero and not tif.is_imagej and np.dtype(series.dtype).kind in "bu"


def _brighter_is_larger(array: NDArray[Any], bits: int) -> NDArray[Any]:
    """Turn over an image in which smaller numbers are brighter."""
    if array.dtype == np.bool_:
        return np.asarray(~array)
    brightest = array.dtype.type(2**bits - 1)
    return np.asarray(brightest - array)


def _facts(tif: tifffile.TiffFile) -> Facts:
    page = tif.pages.first
    if tif.ome_metadata:
        return ome_facts(tif.ome_metadata)
    if tif.imagej_metadata:
        return imagej_facts(tif.imagej_metadata, page)
    shaped = tif.shaped_metadata
    return plain_facts(dict(shaped[0]) if shaped else {}, page)


def _colours(series: tifffile.TiffPageSeries) -> bool:
    """Whether the axis S of a series is colour, not channels that some programme stored as samples."""
    samples = series.axes.find("S")
    colour = series.keyframe.photometric not in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.MINISWHITE)
    return samples >= 0 and colour and series.shape[samples] in (3, _MOST_COLOURS)


def _axes_in_order(array: NDArray[Any], axes: str, colour: bool) -> tuple[NDArray[Any], str]:
    """Return the array and its axes with letters that we know, colour samples last."""
    if len(axes) != array.ndim:
        axes = "Q" * array.ndim
    samples = axes.find("S")
    if samples >= 0:
        array = np.moveaxis(array, samples, -1 if colour else 0)
        rest = axes.replace("S", "")
        axes = f"{rest}S" if colour else ("Q" if "C" in rest else "C") + rest
    axes = _in_our_letters(axes)
    if not set(axes) <= set(AXIS_NAMES) or len(set(axes)) < len(axes) or not {"Y", "X"} <= set(axes):
        try:
            axes = guess_axes(array.shape, rgb=colour)
        except ImageError as error:
            raise FileError(f"The axes of the file cannot be told. {error}") from None
    return array, axes


def _in_our_letters(axes: str) -> str:
    """Return axes with free letters for those that we do not know, if more than the height and the width is known."""
    axes = axes if "P" in axes else axes.replace("R", "P")  # Micro-Manager's positions
    if not set(axes) & set(_FREE):
        return axes
    free = iter([letter for letter in _FREE if letter not in axes])
    return "".join(letter if letter in AXIS_NAMES else next(free, letter) for letter in axes)


def _length(array: NDArray[Any], axes: str, letter: str) -> int:
    return array.shape[axes.index(letter)] if letter in axes else 1
