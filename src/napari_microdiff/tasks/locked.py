"""Objects that somebody drew or accepted, kept as they are beside those that a model finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import relabel_sequential

from ..engine.events import Result
from ..engine.request import Request
from ..errors import RequestError
from ..imaging.axes import Sliceable
from ..imaging.instances import check_labels
from .base import open_source
from .objects import object_table

_RIM = 0.5  # of the thickness of a found object; what is thinner beside locked ones is their own rim


def check_locked(request: Request, image: Sliceable, locked: Sliceable) -> None:
    """Check that locked objects lie on the image.

    Raises
    ------
    ImageError
        If the image is unusable.
    RequestError
        If they are of another shape than the image without its axis of colours.
    """
    source = open_source(request, image)
    shape = tuple(length for length, letter in zip(source.shape, source.axes, strict=True) if letter != "S")
    if tuple(locked.shape) != shape:
        raise RequestError(
            f"The locked objects are of the shape {tuple(locked.shape)}, but the image is of {shape}. Give labels that "
            "lie on the image pixel by pixel."
        )


def with_locked(result: Result, locked: Sliceable) -> Result:
    """Put objects back into a result as they were.

    Found objects lose the pixels that are theirs, and where no more than a rim is left, they are left out.

    Parameters
    ----------
    result : Result
        With labels.
    locked : array-like of int
        See `check_locked`; 0 is no object.

    Returns
    -------
    Result
        Locked objects keep their labels; found ones are numbered after the largest of these. The confidence of a
        locked object is not known.

    Raises
    ------
    ImageError
        If ``locked`` is no label image.
    RequestError
        If its labels leave no room for new ones.
    """
    axes = result.request.axes
    assert axes is not None
    assert result.labels is not None
    kept = np.asarray(locked[tuple(slice(*span) for span in result.region)])
    kept = check_labels(kept.reshape(len(kept), -1)).reshape(kept.shape)
    found = _without(result.labels, kept > 0, axes.replace("S", ""))
    numbered, _, _ = relabel_sequential(found)
    first = int(kept.max(initial=0))
    if first + int(numbered.max(initial=0)) > np.iinfo(np.int32).max:
        raise RequestError(f"The largest locked label is {first}, which leaves no numbers for others. Renumber them.")
    labels = np.where(found > 0, numbered + first, kept).astype(np.int32)
    sure = np.concatenate([[np.nan], np.asarray(result.objects["confidence"], dtype=float)])
    objects = object_table(labels, sure[found], axes.replace("S", ""), result.region)
    return replace(result, labels=labels, objects=objects, report={**result.report, "objects": len(objects["label"])})


def _without(found: NDArray[np.int32], taken: NDArray[np.bool_], axes: str) -> NDArray[np.int32]:
    """Return found objects without the pixels that are taken, and without those of which a rim would be left."""
    free = np.where(taken, 0, found)
    boxes = ndimage.find_objects(found)
    for label in np.unique(found[taken & (found > 0)]).tolist():
        box = boxes[label - 1]
        whole, left = found[box] == label, free[box] == label
        if _thickness(left, axes) <= _RIM * _thickness(whole, axes):
            free[box][left] = 0
    return free


def _thickness(mask: NDArray[np.bool_], axes: str) -> float:
    """Return the radius of the largest disc within, in any plane: along depth and time an object may be one pixel."""
    flat = [axes.index(letter) for letter in "YX"]
    planes = np.moveaxis(mask, flat, (-2, -1)).reshape(-1, *(mask.shape[at] for at in flat))
    return max(float(ndimage.distance_transform_edt(np.pad(plane, 1)).max()) for plane in planes)
