"""How programs that learn from pairs of images and labels want them to lie in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..imaging.mask_maps import borders_of
from .training_recipe import RECIPE, recipe_for
from .write import label_type
from .zarr_pair import LABELS

LayoutName = Literal["microdiff", "stardist", "cellpose", "nnunet", "zarr"]
_NNUNET_LABELS = {"background": 0, "inside": 1, "border": 2}


@dataclass(frozen=True)
class PairLayout:
    """Where the files of a pair lie.

    Attributes
    ----------
    image, labels : str
        Names of the two files below the folder, with ``{name}`` for that of the pair. In OME-Zarr the labels lie in
        the folder that is the image.
    """

    image: str
    labels: str

    def files(self, name: str) -> tuple[str, str]:
        """Return the names of image and labels of a pair."""
        return self.image.format(name=name), self.labels.format(name=name)

    @property
    def folders(self) -> set[str]:
        """The folders that hold the files of all pairs."""
        named = (PurePosixPath(file).parts for file in (self.image, self.labels))
        return {str(PurePosixPath(*takewhile(lambda part: "{name}" not in part, parts))) for parts in named}


LAYOUTS: Mapping[LayoutName, PairLayout] = {
    "microdiff": PairLayout("images/{name}.ome.tif", "labels/{name}.ome.tif"),
    "stardist": PairLayout("images/{name}.tif", "masks/{name}.tif"),
    "cellpose": PairLayout("{name}.tif", "{name}_masks.tif"),
    "nnunet": PairLayout("imagesTr/{name}_0000.tif", "labelsTr/{name}.tif"),
    "zarr": PairLayout("pairs/{name}.ome.zarr", f"pairs/{{name}}.ome.zarr/labels/{LABELS}"),
}


def labels_for(layout: LayoutName, labels: NDArray[np.integer]) -> NDArray[np.unsignedinteger[Any]]:
    """Return labels as a layout has them.

    nnU-Net knows classes, not objects. Its labels are 1 inside objects and 2 at their borders, so that objects which
    touch can be told apart again.
    """
    if layout != "nnunet":
        return labels.astype(label_type(labels))
    return np.where(borders_of(labels), 2, labels > 0).astype(np.uint8)


def side_files(layout: LayoutName, folder: Path, count: int, *, coloured: bool) -> dict[str, bytes]:
    """Return the files that a layout wants beside its pairs, by their names below the folder.

    Parameters
    ----------
    layout : str
    folder : Path
        Where the pairs are.
    count : int
        Pairs in the folder.
    coloured : bool
        Whether the images are in colours: of stained tissue. In grey ones objects are bright.
    """
    if layout == "nnunet":
        facts = {
            "name": folder.name,
            "description": "Synthetic images, drawn under masks; see manifest.jsonl",
            "channel_names": {"0": "R", "1": "G", "2": "B"} if coloured else {"0": "intensity"},
            "labels": _NNUNET_LABELS,
            "numTraining": count,
            "file_ending": ".tif",
        }
        return {"dataset.json": json.dumps(facts, indent=1).encode()}
    if layout == "microdiff":
        images, labels = LAYOUTS[layout].files("*")
        shown = "stained" if coloured else "bright"
        return {RECIPE: recipe_for(folder, images, labels, shown, count).encode()}
    return {}
