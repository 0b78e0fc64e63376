"""One image through a request: all that can fail is tried before the long part, and files appear only at the end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.events import Result
from ..engine.record import note
from ..engine.request import Request
from ..engine.trust import NOT_SQUARE, trusted
from ..errors import FileError, ImageError
from ..files import (
    IMAGES,
    TABLES,
    OutputImage,
    OutputTable,
    Picture,
    check_writable,
    label_type,
    prepare,
    read_image,
    write_images,
)
from ..files.convert import FEW_LEVELS
from ..imaging.axes import Region, check_axes, check_region, full_region, region_shape
from ..imaging.blocks import raw_blocks
from ..imaging.lattice import Finer, is_oblong
from ..models.store import find_model
from .terminal import follow, say

_SHOWN_BY = "The file of --residual"
_USUAL = (0.1, 99.9)  # percentiles between which grey levels count: hot pixels do not


def process(
    request: Request,
    source: Path,
    targets: Mapping[str, Path],
    *,
    damaged: Path | None = None,
    measured_on: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Read an image, carry out the request and write its outputs.

    Parameters
    ----------
    request : Request
        What to do; without axes, those of the file are used.
    source : Path
        Image file.
    targets : mapping of str to Path
        File for each output of the request, and for the ``"table"`` of objects.
    damaged : Path, optional
        Mask of damaged pixels, for repairing.
    measured_on : Path, optional
        Image of which the request was made, which is not read again.
    overwrite : bool
        Whether files that exist may be replaced.

    Raises
    ------
    MicrodiffError
        If anything is wrong with the request, the image or the files; then no file was written or changed.
    """
    inputs = [path for path in (source, damaged, measured_on) if path is not None]
    check_names(inputs, targets.values(), overwrite)
    find_model(request.model)
    picture = read_first(source)
    if request.axes is None:
        request = request.model_copy(update={"axes": picture.axes})
    more = {} if damaged is None else {"damaged": read_image(damaged).array}
    _check_room(request, picture, targets)
    if {"mean", "sample"} & targets.keys() and _has_few_levels(picture, request.axes):
        say(
            f"note: {source} has whole numbers of few grey levels, and so has the result, rounded. Convert it to "
            "32-bit floating-point numbers first to get the levels between."
        )
    if request.task == "isotropic" and is_oblong(picture.pixel_size_um):
        say(f"note: The pixels of {source} {NOT_SQUARE}")

    from ..tasks import run

    result = follow(run(request, picture.array, **more))
    beside = {} if damaged is None else {"damaged": damaged.name}
    write_images([_output(path, name, picture, result, beside) for name, path in targets.items()])
    for sentence in trusted(result, _SHOWN_BY, picture.pixel_size_um):
        say(f"note: {sentence}")
    say_what_was_made(result, targets)


def read_first(source: Path) -> Picture:
    """Read the first image of a file, and say so if there are more.

    Raises
    ------
    FileError, ImageError
        If it cannot be read, or its pixels are no real numbers.
    """
    picture = read_image(source)
    if picture.images_in_file > 1:
        say(f"note: {source} holds {picture.images_in_file} images; the first is used.")
    if picture.dtype.kind not in "biuf":
        raise ImageError(f"{source} has pixels of type {picture.dtype}. Convert it to real numbers first.")
    return picture


def check_names(sources: Iterable[Path], targets: Iterable[Path], overwrite: bool) -> None:
    """Raise FileError if a target is a source, another target, or a file that exists and may not be replaced."""
    inputs = {os.path.realpath(path) for path in sources}
    seen: set[str] = set()
    for path in targets:
        real = os.path.realpath(path)
        if real in inputs:
            raise FileError(f"{path} is the input itself. Choose another name, so that the raw data are kept.")
        if real in seen:
            raise FileError(f"{path} is named for two outputs. Give each a file of its own.")
        seen.add(real)
        if os.path.exists(path) and not os.path.isdir(path) and not overwrite:
            raise FileError(f"{path} exists already. Choose another name, or add --overwrite to replace it.")


def _check_room(request: Request, picture: Picture, targets: Mapping[str, Path]) -> None:
    """Check before the work that axes, formats, folders and disk will do."""
    axes = request.axes or picture.axes
    check_axes(axes, picture.shape)
    region = request.region or full_region(picture.shape)
    check_region(region, picture.shape)
    outputs = {
        name: prepare(
            path,
            _without_colours(_blank(_finer(name, request).region(region, axes)), axes, name),
            **_kept(name, axes, picture, np.uint16, request),
        )
        for name, path in targets.items()
        if name != "table"
    }
    needed = sum(output.nbytes for output in outputs.values())
    for name, path in targets.items():
        check_writable(path, needed, TABLES if name == "table" else IMAGES)


def _has_few_levels(picture: Picture, axes: str | None) -> bool:
    """Whether rounding to the type of an image would be seen in what is made of it, as in counts of few photons."""
    if picture.dtype.kind not in "iu":
        return False
    low, high = np.percentile(raw_blocks(picture.array, axes), _USUAL)
    return bool(0 < high - low < FEW_LEVELS)  # what is the same everywhere is refused


def _blank(region: Region) -> NDArray[np.float32]:
    return np.broadcast_to(np.float32(0), region_shape(region))


def _finer(name: str, request: Request) -> Finer:
    """Return how the pixels of an output lie on those of the image."""
    return Finer() if name == "residual" else request.finer


def _output(
    path: Path, name: str, picture: Picture, result: Result, beside: Mapping[str, str]
) -> OutputImage | OutputTable:
    if name == "table":
        return OutputTable(path, result.objects)
    made = {**result.images(), "labels": result.labels}[name]
    assert made is not None
    axes = result.request.axes or picture.axes
    numbers = label_type(made)
    facts = note(result, name, picture.path.name if picture.path else "", beside)
    return prepare(path, made, description=facts, **_kept(name, axes, picture, numbers, result.request))


def _without_colours(blank: NDArray[np.float32], axes: str, name: str) -> NDArray[np.float32]:
    if name != "labels" or "S" not in axes:
        return blank
    view: NDArray[np.float32] = np.moveaxis(blank, axes.index("S"), 0)[0]  # for an image of any size
    return view


def _kept(
    name: str, axes: str, picture: Picture, numbers: type[np.unsignedinteger[Any]], request: Request
) -> dict[str, Any]:
    """Return what an output takes from the input; an uncertainty is small and must not be rounded."""
    if name == "labels":
        return {"like": picture.uncalibrated, "axes": axes.replace("S", ""), "dtype": numbers}
    finer = _finer(name, request).sizes(picture.pixel_size_um)
    if name in ("uncertainty", "residual"):
        return {"like": picture.uncalibrated, "axes": axes, "dtype": np.float32, "pixel_size_um": finer}
    return {"like": picture, "axes": axes, "dtype": picture.dtype, "pixel_size_um": finer}


def say_what_was_made(result: Result, targets: Mapping[str, Path]) -> None:
    """Name the files, and how long it took."""
    facts = []
    if isinstance(seconds := result.report.get("seconds"), int | float):
        facts.append(f"{seconds:.1f} s")
    facts += [str(result.report.get("device", result.request.device)), f"seed {result.request.seed}"]
    say(f"wrote {', '.join(f'{path} ({name})' for name, path in targets.items())}: {', '.join(facts)}")
