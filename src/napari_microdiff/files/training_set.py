"""Accepted objects as a training set: crops of image and labels, where they come from, and a recipe."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError, RequestError
from ..imaging.axes import planes
from ..imaging.contrast import Shown
from .label_image import as_labels, on_image, without
from .picture import Picture
from .training_files import Crop, add_export, exported_images
from .training_recipe import crops_in
from .windows import halves, windows

ACCEPTED = ("accepted", "edited")  # states of an object that somebody looked at


@dataclass(frozen=True)
class ExportedSet:
    """What an export added to a training set.

    Attributes
    ----------
    folder : Path
        What was made: ``images``, ``labels`` and ``export.json``.
    recipe : Path
        The recipe of the whole set.
    crops, objects : int
        What was added; an object of a stack counts once.
    accepted_left_out, others_left_out : int
        Objects that are in no crop although they were accepted, since others are too near, and those that were not.
    planes : dict of str to int
        How many planes were taken ``whole`` or ``in part``, were ``left out``, or are ``empty``.
    crops_in_all : int
        Crops of this kind in the set; training needs two or more.
    known_image : bool
        Whether the same pixels were exported to the set before, so that they are in it twice.
    """

    folder: Path
    recipe: Path
    crops: int
    objects: int
    accepted_left_out: int
    others_left_out: int
    planes: dict[str, int]
    crops_in_all: int
    known_image: bool


def export_training_set(
    folder: str | Path,
    image: Picture,
    labels: Picture,
    objects: Mapping[str, Any],
    *,
    date: str,
    shown: Shown = "bright",
    made_by: Mapping[str, Any] | None = None,
) -> ExportedSet:
    """Add crops around accepted objects to a training set, from which ``napari-microdiff train`` learns.

    A pixel without a label teaches *background*. So no crop shows an object that nobody accepted: planes in which all
    objects are accepted are taken whole, of others the `windows` without such an object, and the rest is left out. Of
    objects that the labels lack altogether nothing is known: who accepts objects has to add what was missed near them.

    Each export makes a folder of its own, numbered in sequence; what is there already stays as it is, so an image that
    is exported again is in the set twice. The recipe is brought up to date, see `training_recipe.recipe_with`.

    Parameters
    ----------
    folder : str or Path
        The training set; made if there is none.
    image, labels : Picture
        Pixels and their objects, plane by plane.
    objects : mapping of str to sequence
        The columns ``label`` (or ``index``) and ``state``, as in a table or in the features of a Labels layer. Objects
        that are not in it count as not accepted.
    date : str
        When this is done, as it is to be remembered.
    shown : {"bright", "dark", "stained"}
        How objects differ from what is around them.
    made_by : mapping of str to JSON-able values, optional
        How the labels were made, such as model and request.

    Returns
    -------
    ExportedSet
        What was added and what was left out.

    Raises
    ------
    RequestError
        If there is no column of states, or nothing was accepted that can be used.
    ImageError
        If labels and image do not fit, or cannot be learned from.
    FileError
        If the folder cannot be written. Then nothing was added.
    """
    labels = as_labels(on_image(labels, image))
    pixels = _pixels(image, labels, shown)
    states = _states(objects)
    accepted = np.array([label for label, state in states.items() if state in ACCEPTED], dtype=np.int64)
    crops, counts = _crops(labels, accepted)
    target = Path(os.path.realpath(folder))
    before = crops_in(target, shown)
    if before + len(crops) == 1:  # one crop alone leaves nothing to validate with
        crops = [Crop(crops[0].index, half) for half in halves(labels.array[crops[0].index], crops[0].window)]
    there = np.unique(labels.array[labels.array > 0])
    used = np.unique(np.concatenate([crop.labels(labels.array) for crop in crops]))
    counted = _count(states, there)
    facts = {"date": date, "shown": shown, "made_by": dict(made_by or {}), "states": counted, "planes": counts}
    facts |= _sources(image, labels, fingerprint := _fingerprint(pixels))
    known = fingerprint in exported_images(target)
    made = add_export(target, shown, crops, pixels, labels, facts)
    others = int((~np.isin(there, accepted)).sum())
    left = len(there) - others - len(used)
    return ExportedSet(*made, len(crops), len(used), left, others, counts, before + len(crops), known)


def _pixels(image: Picture, labels: Picture, shown: str) -> NDArray[Any]:
    """Return the pixels of an image with the axes of its labels, colours last."""
    image = without(image, set(image.axes) - set(labels.axes) - {"S"})
    if set(labels.axes) != set(image.axes) - {"S"}:
        raise ImageError(
            f"The image has the axes {image.axes} and the labels {labels.axes}. Choose the channel that was segmented."
        )
    if shown == "stained" and not image.rgb:
        raise ImageError("Objects are stained in images in colours only. Say that they are bright or dark.")
    if image.dtype.kind not in "biuf":
        raise ImageError(f"The image has pixels of type {image.dtype}. Convert it to real numbers first.")
    view: NDArray[Any] = image.array.transpose([image.axes.index(a) for a in labels.axes + "S" * image.rgb])
    return view


def _states(objects: Mapping[str, Any]) -> dict[int, str]:
    column = next((name for name in ("label", "index") if name in objects), None)
    if column is None or "state" not in objects:
        raise RequestError(
            "It is not known which objects were accepted: the table needs the columns 'label' and 'state'. "
            "Save it with the labels from the panel, or say that you accept all objects."
        )
    return dict(zip(map(int, objects[column]), map(str, objects["state"]), strict=True))


def _crops(labels: Picture, accepted: NDArray[np.int64]) -> tuple[list[Crop], dict[str, int]]:
    counts = {"whole": 0, "in part": 0, "left out": 0, "empty": 0}
    crops: list[Crop] = []
    for index in planes(labels.axes, labels.shape):
        plane = labels.array[index]
        good = np.isin(plane, accepted) & (plane > 0)
        found = windows(plane, good)
        crops += [Crop(index, window) for window in found]
        whole = bool((good == (plane > 0)).all())
        counts["empty" if not plane.any() else "left out" if not found else "whole" if whole else "in part"] += 1
    if not crops:
        raise RequestError(
            f"No part of the {len(np.unique(labels.array[labels.array > 0]))} objects can be taught: "
            f"{np.isin(accepted, labels.array).sum()} were accepted, and a window needs to be four objects wide and to "
            "show no other. Accept all objects of a plane or of an area."
        )
    return crops, counts


def _count(states: Mapping[int, str], there: NDArray[Any]) -> dict[str, int]:
    found = [states.get(int(label), "not in the table") for label in there]
    return {state: found.count(state) for state in sorted(set(found))}


def _fingerprint(pixels: NDArray[Any]) -> str:
    """Return the SHA-256 of an image, whatever the format and the byte order of its file."""
    digest = sha256(f"{pixels.shape} {pixels.dtype.newbyteorder('<').str}".encode())
    for part in pixels:
        digest.update(part.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def _sources(image: Picture, labels: Picture, fingerprint: str) -> dict[str, Any]:
    facts = {"axes": image.axes, "shape": list(image.shape), "sha256_of_pixels": fingerprint}
    return {
        "image": {"file": str(image.path or ""), **facts},
        "labels": {"file": str(labels.path or ""), "axes": labels.axes, "shape": list(labels.shape)},
        "pixel_size_um": labels.pixel_size_um,
    }
