"""Label images that are to be exported: checked, in one order of axes, and what is known of their objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from ..imaging.axes import check_axes
from ..imaging.measured import measure
from .picture import Picture
from .write import label_type

_ORDER = "PTCZYX"
_LARGEST = np.iinfo(np.uint32).max


def checked_labels(picture: Picture) -> Picture:
    """Return an image as labels: whole numbers in 16 or 32 bits.

    Raises
    ------
    ImageError
        If it is an image in colours, or holds anything but whole numbers from 0 that fit into 32 bits.
    RequestError
        If the axes do not fit the shape.
    """
    check_axes(picture.axes, picture.shape)
    where = f"{picture.path}: " if picture.path else ""
    if picture.rgb:
        raise ImageError(f"{where}this is an image in colours, not labels. Choose the label image.")
    array = np.asarray(picture.array)
    if array.dtype.kind not in "uibf" or not _whole(array):
        raise ImageError(f"{where}labels are whole numbers from 0 to {_LARGEST}. Choose a label image.")
    return replace(picture, array=array.astype(label_type(array), copy=False))


def as_labels(picture: Picture) -> Picture:
    """Return an image as labels, see `checked_labels`, with its axes in the order P, T, C, Z, Y, X."""
    labels = checked_labels(picture)
    axes = "".join(sorted(labels.axes, key=_ORDER.index))
    return replace(labels, array=labels.array.transpose([labels.axes.index(letter) for letter in axes]), axes=axes)


def _whole(array: NDArray[Any]) -> bool:
    if array.dtype.kind == "b":
        return True
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.floor(array)).all()):
        return False
    return bool(array.min() >= 0 and array.max() <= _LARGEST)


def on_image(labels: Picture, image: Picture) -> Picture:
    """Return labels with the pixel sizes of the image that they belong to, where they have none of their own.

    Labels may lack axes of the image, such as its channels, and have others of length 1, which are dropped. If their
    file did not say what its axes are, those of an image with as many axes are taken.

    Raises
    ------
    ImageError
        If the labels do not fit the image.
    RequestError
        If the axes of the labels do not fit their shape.
    """
    check_axes(labels.axes, labels.shape)
    axes = image.axes.replace("S", "")
    labels = without(labels, [letter for letter in labels.axes if letter not in image.axes])
    if not set(labels.axes) <= set(axes) and len(labels.axes) == len(axes):
        labels = replace(labels, axes=axes)
    lengths = dict(zip(image.axes, image.shape, strict=True))
    if any(lengths.get(letter) != n for letter, n in zip(labels.axes, labels.shape, strict=True)):
        raise ImageError(
            f"The labels have the axes {labels.axes} and the shape {labels.shape}, but the image has {image.axes} and "
            f"{image.shape}. Choose the image that was segmented."
        )
    sizes = image.pixel_size_um | labels.pixel_size_um
    return replace(labels, pixel_size_um=sizes, time_step_s=labels.time_step_s or image.time_step_s)


def without(picture: Picture, letters: Iterable[str]) -> Picture:
    """Return a picture without those of these axes that are of length 1; many programs leave them out."""
    single = {letter for letter, n in zip(picture.axes, picture.shape, strict=True) if n == 1} & set(letters)
    kept = tuple(0 if letter in single else slice(None) for letter in picture.axes)
    axes = "".join(letter for letter in picture.axes if letter not in single)
    return replace(picture, array=picture.array[kept], axes=axes)


def describe_objects(
    labels: Picture, known: Mapping[str, NDArray[Any]] | None = None
) -> dict[str, NDArray[np.generic]]:
    """Return a column for each fact about the objects of a label image.

    Parameters
    ----------
    labels : Picture
        As of `as_labels`.
    known : mapping of str to ndarray, optional
        A table with a column ``label``, whose other columns are taken over but for areas and centres.

    Returns
    -------
    dict of str to ndarray
        ``label``, ``area`` (pixels or voxels), the centre along each axis in pixels, and what else is known.
    """
    found = measure(labels.array)
    centres = {letter.lower(): centre for letter, centre in zip(labels.axes, found.centres, strict=True)}
    columns: dict[str, NDArray[Any]] = {"label": found.labels, "area": found.areas, **centres}
    return columns | _in_order(columns, known or {})


def _in_order(columns: Mapping[str, NDArray[Any]], known: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the columns that a table has beyond these, in the order of their labels; unknown cells are empty."""
    rows = {int(label): row for row, label in enumerate(known.get("label", ()))}
    places = [rows.get(int(label)) for label in columns["label"]]
    added = {name: column for name, column in known.items() if name not in columns}
    return {name: _picked(column, places) for name, column in added.items()}


def _picked(column: NDArray[Any], places: list[int | None]) -> NDArray[Any]:
    if column.dtype.kind == "f":
        return np.array([np.nan if row is None else column[row] for row in places], dtype=float)
    return np.array(["" if row is None else column[row] for row in places], dtype=object)
