"""An image and its labels as one OME-Zarr (OME-NGFF 0.5, https://ngff.openmicroscopy.org/0.5)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .complete import new_folder
from .picture import Picture
from .zarr_levels import VERSION, image_levels, label_levels, multiscale, write_levels, zarr_package

LABELS = "objects"
_COLOURS = ("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF")


def write_zarr_pair(path: Path, image: Picture, labels: Picture, attributes: Mapping[str, Any]) -> None:
    """Write an image into a new OME-Zarr, and its labels into it as ``labels/objects``.

    Parameters
    ----------
    path : Path
        The folder to make, which must not exist.
    image : Picture
        With the axes YX, or YXS for one in colours, whose colours become channels.
    labels : Picture
        With the axes YX.
    attributes : mapping of str to JSON-able values
        What is to be known of both; stands beside the metadata of OME.

    Raises
    ------
    FileError
        If the package zarr is missing or the folder cannot be written. Then nothing is left.
    """
    zarr = zarr_package()
    pixels = _colours_first(image)
    name = path.name.split(".")[0]
    shades, numbers = image_levels(pixels.array), label_levels(labels.array)
    shown = {"omero": _channels(pixels)} if image.rgb else {}
    described = multiscale(pixels, name, len(shades), by="mean")
    with new_folder(path) as folder:
        facts = {"version": VERSION, "multiscales": [described]} | shown
        root = zarr.create_group(folder, attributes={"ome": facts, **attributes})
        write_levels(root, shades, pixels.axes)
        group = root.create_group("labels", attributes={"ome": {"version": VERSION, "labels": [LABELS]}})
        described = multiscale(labels, LABELS, len(numbers), by="nearest")
        facts = {"version": VERSION, "multiscales": [described], "image-label": {"source": {"image": "../../"}}}
        write_levels(group.create_group(LABELS, attributes={"ome": facts, **attributes}), numbers, labels.axes)


def _colours_first(image: Picture) -> Picture:
    if not image.rgb:
        return image
    return Picture(np.moveaxis(image.array, -1, 0), "CYX", image.pixel_size_um)


def _channels(pixels: Picture) -> dict[str, Any]:
    """Say which channel is which colour, or viewers show three grey images."""
    most = 1.0 if pixels.dtype.kind == "f" else float(np.iinfo(pixels.dtype).max)
    window = {"min": 0.0, "max": most, "start": 0.0, "end": most}
    return {"channels": [{"label": name, "color": rgb, "active": True, "window": window} for name, rgb in _COLOURS]}
