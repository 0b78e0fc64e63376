"""Objects as ROIs of ImageJ and Fiji, which the ROI Manager opens."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from roifile import ROI_TYPE, ImagejRoi
from scipy import ndimage

from ..errors import FileError, ImageError
from ..imaging.axes import planes
from .complete import new_file
from .label_image import as_labels, on_image
from .outlines import outlines
from .picture import Picture

_FARTHEST = 60_535  # pixels; the format stores coordinates in 16 bits
_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0  # how a composite ROI writes down its path
_A_DAY = (1980, 1, 1, 0, 0, 0)  # the same labels give the same file


def write_rois(path: str | Path, labels: Picture, *, image: Picture | None = None) -> Path:
    """Write the outline of each object as an ROI, into one zip.

    Outlines run along the edges of pixels, so an ROI holds exactly the pixels of its object. It is a traced polygon, or
    a composite if the object has holes or lies in several pieces. Its name is the label. In a stack an object has an
    ROI in each plane, which knows its position, and so does the name: ``17 t2 z5``, counted from 1 as ImageJ does.

    Parameters
    ----------
    path : str or Path
        The file, which ends in ``.zip``; it is replaced only when the new one is complete.
    labels : Picture
        The label image.
    image : Picture, optional
        The image on which the ROIs will lie. Where it has channels and labels have none, ROIs belong to all of them.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    FileError
        If it cannot be written, or if an ROI cannot say where the objects are.
    ImageError
        If these are not labels, if they do not fit the image, or if there is no object.
    """
    labels = as_labels(labels if image is None else on_image(labels, image))
    if not labels.array.any():
        raise ImageError("There are no objects in the labels, and ImageJ opens no empty set of ROIs.")
    _check(labels)
    several = _stack_axes(labels if image is None else image)
    with new_file(Path(os.path.realpath(path))) as stream, zipfile.ZipFile(stream, "w") as archive:
        for roi in _rois(labels, hyperstack=len(several) > 1):
            archive.writestr(zipfile.ZipInfo(f"{roi.name}.roi", _A_DAY), roi.tobytes(), zipfile.ZIP_DEFLATED)
    return Path(path)


def _check(labels: Picture) -> None:
    if "P" in _stack_axes(labels):
        raise FileError("ROIs of ImageJ have no place for positions (the axis P). Export one position at a time.")
    if max(labels.shape[-2:]) > _FARTHEST:
        raise FileError(
            f"ROIs of ImageJ reach no farther than {_FARTHEST} pixels. Export OME-Zarr or OME-TIFF instead."
        )


def _stack_axes(picture: Picture) -> list[str]:
    return [letter for letter, n in zip(picture.axes, picture.shape, strict=True) if letter not in "YXS" and n > 1]


def _rois(labels: Picture, *, hyperstack: bool) -> Iterator[ImagejRoi]:
    stack = _stack_axes(labels)
    for index in planes(labels.axes, labels.shape):
        place = {a: i for a, i in zip(labels.axes, index, strict=True) if a in stack and not isinstance(i, slice)}
        behind = "".join(f" {letter.lower()}{i + 1}" for letter, i in place.items())
        for label, corners in _objects(labels.array[index]):
            roi = _roi(corners)
            roi.name = f"{label}{behind}"
            _put(roi, place, hyperstack)
            yield roi


def _put(roi: ImagejRoi, place: dict[str, int], hyperstack: bool) -> None:
    """Say in which plane an ROI lies. ImageJ counts the planes of a simple stack whatever its axis is called."""
    if not hyperstack:
        roi.position = sum(i + 1 for i in place.values())
        return
    for letter, i in place.items():
        setattr(roi, f"{letter.lower()}_position", i + 1)


def _objects(plane: NDArray[Any]) -> Iterator[tuple[int, list[NDArray[np.int32]]]]:
    """Yield label and outlines of each object of a plane."""
    # Labels may lie far apart, and boxes are looked for up to the last one, so they are numbered in sequence here.
    numbers, places = np.unique(plane, return_inverse=True)
    places = places.reshape(plane.shape) + int(numbers[0] > 0)
    boxes = ndimage.find_objects(places)
    for number, (label, box) in enumerate(zip(numbers[numbers > 0].tolist(), boxes, strict=True), start=1):
        origin = np.array([box[1].start, box[0].start], dtype=np.int32)
        yield label, [part + origin for part in outlines(places[box] == number)]


def _roi(corners: list[NDArray[np.int32]]) -> ImagejRoi:
    points = np.concatenate(corners)
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    roi = ImagejRoi(roitype=ROI_TYPE.TRACED, left=left, top=top, right=right, bottom=bottom)
    if len(corners) == 1:
        roi.n_coordinates = len(points)
        roi.integer_coordinates = points - np.array([left, top], dtype=np.int32)
        return roi
    path = np.concatenate([_path(part) for part in corners])
    roi.roitype, roi.shape_roi_size, roi.multi_coordinates = ROI_TYPE.RECT, len(path), path
    return roi


def _path(corners: NDArray[np.int32]) -> NDArray[np.float32]:
    steps = np.column_stack([np.full(len(corners), _LINE), corners]).astype(np.float32)
    steps[0, 0] = _MOVE
    return np.append(steps.ravel(), np.float32(_CLOSE))
