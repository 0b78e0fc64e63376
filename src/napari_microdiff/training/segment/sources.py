"""Images whose objects were outlined, split into training and validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError, ImageError, TrainingError
from ...files.table_reader import kinds_in
from ...imaging.contrast import bright_objects, red_green_blue
from ...imaging.instances import check_labels, diameters
from ...imaging.kinds import check_all_named
from ..pixels import read_pixels
from ..synthesize.recipe import SynthesizeRecipe
from .recipe import Labelled, SegmentRecipe


@dataclass(frozen=True)
class LabelledPlane:
    """An image and its labels.

    Attributes
    ----------
    image : ndarray, shape (y, x) or (y, x, 3)
        With bright objects, or in colours as it was recorded.
    labels : ndarray, shape (y, x)
    diameter : float
        Median diameter of the objects in pixels, were they discs.
    weight : float
        How often it is drawn; all weights together are 1.
    kind : str
        How objects are shown.
    classes : mapping of int to int
        The class of each label, from 1; empty where all are of one.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.int64]
    diameter: float
    weight: float
    kind: str
    classes: Mapping[int, int] = field(default_factory=dict)


def load_planes(
    recipe: SegmentRecipe | SynthesizeRecipe, data: Path, *, validation: bool, coloured: bool = False
) -> list[LabelledPlane]:
    """Load the training or the validation images of a recipe.

    Parameters
    ----------
    coloured : bool
        Whether images are wanted in colours, in which all of them then have to be.

    Raises
    ------
    TrainingError
        If a pattern matches nothing, numbers of files differ, or a file is not what it should be.
    FileError
        If a file cannot be read.
    """
    whole = sum(entry.weight for entry in recipe.labelled)
    classes = recipe.classes if isinstance(recipe, SynthesizeRecipe) else ()
    planes: list[LabelledPlane] = []
    for entry in recipe.labelled:
        planes += _load(entry, data, validation, coloured, entry.weight / whole, classes)
    return planes


def _load(
    entry: Labelled, data: Path, validation: bool, coloured: bool, weight: float, classes: Sequence[str]
) -> list[LabelledPlane]:
    images, labels = (sorted(data.glob(pattern)) for pattern in (entry.images, entry.labels))
    if not images or len(images) != len(labels):
        raise TrainingError(
            f"In {data} {len(images)} files match '{entry.images}' and {len(labels)} match '{entry.labels}', but each "
            "image needs its labels. Check --data."
        )
    tables = _tables(entry, data, len(images)) if classes else []
    kept = [i for i in range(len(images)) if (i % entry.hold_out == entry.hold_out - 1) == validation]
    planes = [_plane(images[i], labels[i], entry, coloured, weight / len(kept)) for i in kept]
    if not planes:
        raise TrainingError(
            f"'{entry.images}' has too few images to keep one of {entry.hold_out} for validation. Add images, or give "
            "the entry a smaller hold_out in the recipe."
        )
    return [_with_classes(p, tables[i], classes) for p, i in zip(planes, kept, strict=True)] if classes else planes


def _tables(entry: Labelled, data: Path, images: int) -> list[Path]:
    tables = sorted(data.glob(entry.objects or ""))
    if len(tables) != images:
        raise TrainingError(
            f"In {data} {len(tables)} files match '{entry.objects}', but there are {images} images, each of which "
            "needs a table of the classes of its objects."
        )
    return tables


def _with_classes(plane: LabelledPlane, table: Path, classes: Sequence[str]) -> LabelledPlane:
    try:
        found = kinds_in(table, classes)
        check_all_named(plane.labels, found)
    except FileError as error:
        raise TrainingError(str(error)) from None
    except ImageError as error:
        raise TrainingError(f"{table}: {error}") from None
    return replace(plane, classes=found)


def _plane(image_path: Path, labels_path: Path, entry: Labelled, coloured: bool, weight: float) -> LabelledPlane:
    try:
        pixels, labels = read_pixels(image_path), check_labels(read_pixels(labels_path))
        axis = 2 if pixels.ndim == 3 else None
        image = red_green_blue(pixels) if coloured else bright_objects(pixels, entry.shown, axis)
    except ImageError as error:
        raise TrainingError(f"{image_path} and its labels: {error}") from None
    if image.shape[:2] != labels.shape:
        raise TrainingError(f"{image_path} is of shape {image.shape}, but its labels are of {labels.shape}.")
    found = diameters(labels)
    if not found.size:
        raise TrainingError(f"{labels_path} has no objects. Leave it and its image out.")
    return LabelledPlane(image, labels, float(np.median(found)), weight, entry.shown)
