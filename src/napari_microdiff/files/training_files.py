"""The files of one export to a training set: crops, their labels, and where they come from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from ..imaging.axes import PlaneIndex
from .complete import new_file, new_folder
from .faults import writing
from .picture import Picture
from .training_recipe import RECIPE, recipe_with
from .windows import Window
from .write import label_type, prepare, write_images

_FACTS = "export.json"
_PACKAGES = ("napari-microdiff", "numpy", "scipy", "tifffile")


@dataclass(frozen=True)
class Crop:
    """A window of a plane."""

    index: PlaneIndex
    window: Window

    def of(self, array: NDArray[Any]) -> NDArray[Any]:
        """Cut it out of an image with the axes of the labels."""
        return np.asarray(array[self.index][self.window])

    def labels(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the labels of the objects in it, ascending."""
        part = self.of(array)
        return np.unique(part[part > 0])


def add_export(
    folder: Path, shown: str, crops: Sequence[Crop], pixels: NDArray[Any], labels: Picture, facts: Mapping[str, Any]
) -> tuple[Path, Path]:
    """Write crops into a new folder of a training set and bring its recipe up to date: all or nothing.

    Parameters
    ----------
    folder : Path
        The training set; made if there is none.
    shown : str
        How objects are shown, which is the name of the folder in it.
    crops : sequence of Crop
        What to cut out.
    pixels : ndarray
        The image, with the axes of the labels and colours last.
    labels : Picture
        As of `as_labels`. In the crops objects are numbered from 1; ``export.json`` says which they were.
    facts : mapping of str to JSON-able values
        Where this comes from.

    Returns
    -------
    (Path, Path)
        The folder that was made, and the recipe.

    Raises
    ------
    FileError
        If the folder cannot be written.
    ImageError
        If a crop has pixels that are not finite.
    """
    text = recipe_with(folder, shown, len(crops))
    export, recipe = folder / shown / _name(folder / shown, labels), folder / RECIPE
    with _made(folder, export.parent), new_file(recipe) as stream:
        stream.write(text.encode())
        stream.flush()  # a full disk is noticed before the crops appear
        # A folder half written lies where no pattern of the recipe finds it.
        with new_folder(export, beside=recipe) as temporary:
            listed = _write(temporary, crops, pixels, labels)
            whole = dict(facts) | {"versions": _versions(), "crops": listed}
            (temporary / _FACTS).write_text(json.dumps(whole, indent=1), encoding="utf-8")
    return export, recipe


def exported_images(folder: Path) -> set[str]:
    """Return the fingerprints of the images that a training set has crops of, as far as its exports tell."""
    found = set()
    for path in folder.glob(f"*/*/{_FACTS}"):
        with suppress(OSError, ValueError, LookupError, TypeError):
            found.add(str(json.loads(path.read_text(encoding="utf-8"))["image"]["sha256_of_pixels"]))
    return found


def _name(folder: Path, labels: Picture) -> str:
    """Return a name that comes after those of all exports before it."""
    numbers = [int(found[0]) for path in folder.glob("*") if (found := re.match("[0-9]+", path.name))]
    stem = labels.path.name.partition(".")[0] if labels.path else "labels"
    return f"{max(numbers, default=0) + 1:05}-{re.sub('[^A-Za-z0-9_]+', '-', stem)[:40]}"


@contextmanager
def _made(*folders: Path) -> Iterator[None]:
    """Make the folders that are missing, and remove them again if the block fails."""
    missing = [folder for folder in folders if not folder.exists()]
    try:
        for folder in missing:
            with writing(folder):
                folder.mkdir()
        yield
    except BaseException:
        for folder in reversed(missing):
            with suppress(OSError):
                folder.rmdir()
        raise


def _write(folder: Path, crops: Sequence[Crop], pixels: NDArray[Any], labels: Picture) -> list[dict[str, Any]]:
    """Write crops and their labels, and return where each comes from."""
    outputs, listed = [], []
    for part in ("images", "labels"):
        (folder / part).mkdir()
    for number, crop in enumerate(crops, start=1):
        name, objects = f"{number:05}.tif", crop.labels(labels.array)
        numbered = np.searchsorted(objects, crop.of(labels.array)) + 1
        numbered[crop.of(labels.array) == 0] = 0
        image = _finite(crop.of(pixels))
        sizes = labels.pixel_size_um
        axes = "YX" if image.ndim == 2 else "YXS"
        outputs.append(prepare(folder / "images" / name, image, axes=axes, pixel_size_um=sizes))
        kind = label_type(numbered)
        outputs.append(prepare(folder / "labels" / name, numbered, axes="YX", dtype=kind, pixel_size_um=sizes))
        listed.append({"file": name, **_place(crop, labels.axes), "objects": objects.tolist()})
    write_images(outputs)
    return listed


def _finite(image: NDArray[Any]) -> NDArray[Any]:
    if not np.isfinite(image).all():
        raise ImageError("The image has pixels that are not finite, which cannot be learned from. Replace them first.")
    return image


def _place(crop: Crop, axes: str) -> dict[str, Any]:
    plane = {axis: i for axis, i in zip(axes, crop.index, strict=True) if not isinstance(i, slice)}
    region = {axis: [side.start, side.stop] for axis, side in zip("YX", crop.window, strict=True)}
    return {"plane": plane, "region": region}


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
