"""``export``: the objects of a label image for other programs, or as a training set."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ..errors import FileError, RequestError
from ..imaging.contrast import Shown
from .shared import Axes, Overwrite
from .terminal import say

if TYPE_CHECKING:
    from ..files import Picture

_ENDINGS = ".zip (ROIs), .ome.zarr, .ome.tif, .tif, .png or .csv"


def export(
    source: Annotated[Path, typer.Argument(metavar="LABELS", help="Label image: TIFF, OME-TIFF or PNG.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help=f"{_ENDINGS}; with --training-set a folder.")],
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="The image that was segmented.")] = None,
    table: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="What is known of each object.")] = None,
    training_set: Annotated[
        bool, typer.Option("--training-set", help="Add crops around accepted objects to the folder OUT.")
    ] = False,
    accept_all: Annotated[
        bool, typer.Option("--accept-all", help="Every object was looked at and is right; needs no table.")
    ] = False,
    shown: Annotated[
        Shown | None,
        typer.Option(help="As for 'segment'; else as the labels were made."),
    ] = None,
    axes: Axes = None,
    overwrite: Overwrite = False,
) -> None:
    """Take objects elsewhere: ROIs of ImageJ, OME-Zarr, OME-TIFF, a table, or a training set."""
    from dataclasses import replace

    from ..files import as_labels, on_image, read_table

    given = [path for path in (source, image, table) if path is not None]
    _check_target(target, given, training_set=training_set, overwrite=overwrite)
    labels = _open(source)
    if axes is not None:
        labels = replace(labels, axes=axes)
    picture = None if image is None else _open(image)
    labels = as_labels(labels if picture is None else on_image(labels, picture))
    known = {} if table is None else read_table(table)
    if training_set:
        _add_to_set(target, picture, labels, known, accept_all, shown)
        return
    _write(target, labels, picture, known)
    say(f"wrote {target}")


def _open(path: Path) -> Picture:
    from ..files import read_image

    picture = read_image(path)
    if picture.images_in_file > 1:
        say(f"note: {path} holds {picture.images_in_file} images; the first is used.")
    return picture


def _check_target(target: Path, given: list[Path], *, training_set: bool, overwrite: bool) -> None:
    if any(os.path.realpath(path) == os.path.realpath(target) for path in given):
        raise FileError(f"{target} is read itself. Choose another name, so that it is kept.")
    if not training_set and os.path.exists(target) and not os.path.isdir(target) and not overwrite:
        raise FileError(f"{target} exists already. Choose another name, or add --overwrite to replace it.")


def _write(target: Path, labels: Picture, picture: Picture | None, known: dict[str, Any]) -> None:
    """Write labels in the format that the name tells."""
    from ..files import IMAGES, OutputTable, describe_objects, prepare, write_images, write_zarr_labels
    from ..files.rois import write_rois

    name = target.name.lower()
    if name.endswith(".zip"):
        write_rois(target, labels, image=picture)
    elif name.endswith(".zarr"):
        write_zarr_labels(target, labels, objects=known)
    elif name.endswith(".csv"):
        write_images([OutputTable(target, describe_objects(labels, known))])
    elif name.endswith(IMAGES):
        write_images([prepare(target, labels.array, like=labels, description=labels.description)])
    else:
        raise FileError(
            f"{target}: the format is not known. Choose a name that ends in {_ENDINGS}, or add --training-set."
        )


def _add_to_set(
    folder: Path,
    picture: Picture | None,
    labels: Picture,
    known: dict[str, Any],
    accept_all: bool,
    shown: Shown | None,
) -> None:
    import numpy as np

    from ..files.training_set import export_training_set

    if picture is None:
        raise RequestError("A training set needs the image as well as its labels. Give it as --image.")
    if accept_all:
        there = np.unique(labels.array[labels.array > 0])
        known = {"label": there, "state": np.full(len(there), "accepted", dtype=object)}
    elif "state" not in known:
        raise RequestError(
            "A training set needs to know which objects were looked at. Give a table with a column 'state' as --table, "
            "or add --accept-all if you have looked at all of them."
        )
    made_by = _record(labels.description) | ({"accepted": "all objects at once"} if accept_all else {})
    made = export_training_set(
        folder,
        picture,
        labels,
        known,
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
        shown=shown or _remembered(made_by) or ("stained" if picture.rgb else "bright"),
        made_by=made_by,
    )
    root = os.path.realpath(folder)
    new, recipe = (folder / path.relative_to(root) for path in (made.folder, made.recipe))  # as they were named
    say(f"wrote {new}: crops: {made.crops}, objects: {made.objects}; planes: {_listed(made.planes)}")
    if made.accepted_left_out:
        say(f"note: accepted objects that lie too near to others and were left out: {made.accepted_left_out}.")
    if made.known_image:
        say("note: this image was exported to the folder before, and is in the set twice. Remove the older export.")
    if made.crops_in_all < 2:
        say("note: training needs a second crop, to validate with. Export objects of another image to the same folder.")
    else:
        say(f"to learn from it: napari-microdiff train {recipe} --data {folder}")


def _listed(planes: dict[str, int]) -> str:
    return ", ".join(f"{count} {how}" for how, count in planes.items() if count)


def _remembered(made_by: dict[str, Any]) -> Shown | None:
    """Return how objects were shown when the labels were made."""
    found: Any = made_by
    for key in ("request", "options", "shown"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if found in get_args(Shown) else None


def _record(description: str) -> dict[str, Any]:
    """Return what a label image remembers of how it was made; nothing if another program made it."""
    from ..engine.record import KEY

    try:
        content = json.loads(description)
    except ValueError:
        return {}
    found = content.get(KEY) if isinstance(content, dict) else None
    return found if isinstance(found, dict) else {}
