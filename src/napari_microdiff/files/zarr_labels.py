"""Labels as OME-Zarr (OME-NGFF 0.5, https://ngff.openmicroscopy.org/0.5), level by level coarser."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError
from .complete import new_folder
from .label_image import as_labels
from .picture import Picture

if TYPE_CHECKING:
    import zarr

_VERSION = "0.5"
_KINDS = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
_CHUNK, _COARSEST = 1024, 256  # pixels along Y and X


def write_zarr_labels(
    path: str | Path,
    labels: Picture,
    *,
    name: str = "objects",
    objects: Mapping[str, NDArray[Any]] | None = None,
) -> Path:
    """Write labels into a new OME-Zarr, as ``labels/NAME``. It holds no image.

    Each level has half the pixels along Y and X of the one before, every other one as it is: no label is mixed from
    others. No colours are written, so that every viewer gives its own.

    Parameters
    ----------
    path : str or Path
        The folder to make, which ends in ``.zarr``.
    labels : Picture
        The label image. Pixel sizes and time step are kept; the axes are put into the order T, C, Z, Y, X.
    name : str
        Name of the labels.
    objects : mapping of str to ndarray, optional
        What is known of each object, with a column ``label``; becomes the properties of the labels.

    Returns
    -------
    Path
        The folder that was made.

    Raises
    ------
    FileError
        If the package zarr is missing, if the folder exists or cannot be written, or if OME-Zarr knows no such axis.
        Then nothing is left.
    ImageError
        If these are not labels.
    """
    zarr = _zarr()
    labels, target = as_labels(labels), Path(os.path.realpath(path))
    if "P" in labels.axes:
        raise FileError("OME-Zarr labels have no place for positions (the axis P). Export one position at a time.")
    if os.path.lexists(target):
        raise FileError(f"{path} exists already. Choose another name, or remove it.")
    with new_folder(target) as folder:
        root = zarr.create_group(folder, attributes={"ome": {"version": _VERSION}})
        group = root.create_group("labels", attributes={"ome": {"version": _VERSION, "labels": [name]}})
        levels = _levels(labels.array)
        facts = {"version": _VERSION, "multiscales": [_multiscale(labels, name, len(levels))]}
        properties = {"properties": _properties(objects)} if objects else {}
        written = group.create_group(name, attributes={"ome": facts | {"image-label": properties}})
        for number, level in enumerate(levels):
            _write_level(written, str(number), level, labels.axes)
    return Path(path)


def _zarr() -> Any:
    try:
        import zarr
    except ImportError:
        raise FileError(
            "OME-Zarr needs the package zarr. Install it with: pip install 'napari-microdiff[zarr]'."
        ) from None
    return zarr


def _levels(array: NDArray[Any]) -> list[NDArray[Any]]:
    levels = [array]
    while max(levels[-1].shape[-2:]) > _COARSEST:
        levels.append(levels[-1][..., ::2, ::2])
    return levels


def _write_level(group: zarr.Group, name: str, level: NDArray[Any], axes: str) -> None:
    chunks = tuple(min(n, _CHUNK if letter in "YX" else 1) for letter, n in zip(axes, level.shape, strict=True))
    stored = group.create_array(
        name, shape=level.shape, dtype=level.dtype, chunks=chunks, dimension_names=list(axes.lower()), fill_value=0
    )
    stored[...] = np.ascontiguousarray(level)


def _multiscale(labels: Picture, name: str, levels: int) -> dict[str, Any]:
    sizes = labels.pixel_size_um | ({"T": labels.time_step_s} if labels.time_step_s else {})
    units = {letter: "second" if letter == "T" else "micrometer" for letter in sizes}
    axes = []
    for letter in labels.axes:
        axis = {"name": letter.lower(), "type": _KINDS[letter]}
        axes.append(axis | ({"unit": units[letter]} if letter in units else {}))
    datasets = []
    for level in range(levels):
        # Every other pixel, beginning with the first: their centres are where they were, and nothing is shifted.
        scale = [sizes.get(letter, 1.0) * (2**level if letter in "YX" else 1) for letter in labels.axes]
        datasets.append({"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
    return {"name": name, "axes": axes, "datasets": datasets, "type": "nearest"}


def _properties(objects: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    names = [name for name in objects if name != "label"]
    rows = zip(objects["label"].tolist(), *(objects[name].tolist() for name in names), strict=True)
    return [
        {"label-value": label} | {name: _plain(value) for name, value in zip(names, row, strict=True) if _known(value)}
        for label, *row in rows
    ]


def _known(value: object) -> bool:
    return value == value and value != ""  # nan is not itself, and JSON has no way to write it


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
