"""Labels as OME-Zarr (OME-NGFF 0.5, https://ngff.openmicroscopy.org/0.5), level by level coarser."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import FileError
from .complete import new_folder
from .label_image import as_labels
from .picture import Picture
from .zarr_levels import VERSION, label_levels, multiscale, write_levels, zarr_package


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
    zarr = zarr_package()
    labels, target = as_labels(labels), Path(os.path.realpath(path))
    if "P" in labels.axes:
        raise FileError("OME-Zarr labels have no place for positions (the axis P). Export one position at a time.")
    if os.path.lexists(target):
        raise FileError(f"{path} exists already. Choose another name, or remove it.")
    with new_folder(target) as folder:
        root = zarr.create_group(folder, attributes={"ome": {"version": VERSION}})
        group = root.create_group("labels", attributes={"ome": {"version": VERSION, "labels": [name]}})
        levels = label_levels(labels.array)
        facts = {"version": VERSION, "multiscales": [multiscale(labels, name, len(levels), by="nearest")]}
        properties = {"properties": _properties(objects)} if objects else {}
        written = group.create_group(name, attributes={"ome": facts | {"image-label": properties}})
        write_levels(written, levels, labels.axes)
    return Path(path)


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
