"""The peers of segmentation: where they are, what they found, and their opinion of what we count."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tifffile
import typer
from common import HERE, Image, run_peer
from outlined import THRESHOLDS, Outlined
from peers import plain_segment_unet

from napari_microdiff.imaging.matching import match_all

TRAINED = HERE.parent / "runs" / "peers"
PLAIN = HERE / "peers" / "plain" / f"{plain_segment_unet.RECIPE}.pt"

TrainedOption = Annotated[
    Path, typer.Option("--trained", help="Folder with the models and the labels of StarDist and Cellpose.")
]


@dataclass(frozen=True)
class Peer:
    """A method that is trained and run in an environment of its own.

    Attributes
    ----------
    name : str
        For people.
    key : str
        Of its script, its environment and its folder.
    """

    name: str
    key: str

    @property
    def script(self) -> str:
        """Script among ``peers/``."""
        return f"run_{self.key}.py"

    @property
    def python(self) -> Path:
        """Python of its environment, which need not be there."""
        return HERE / "peers" / "envs" / self.key / ".venv" / "bin" / "python"

    def model(self, trained: Path) -> Path:
        """Return the folder of its model, which need not be there."""
        return trained / self.key

    def training(self, trained: Path) -> str:
        """Say how it was trained."""
        path = self.model(trained) / "training.json"
        if not path.exists():
            return ""
        facts = json.loads(path.read_text(encoding="utf-8"))
        return f"{facts['version']}, trained for {facts['steps']:.0f} steps in {facts['minutes']:.0f} min"

    def labels(self, trained: Path, images: Sequence[Outlined]) -> list[Image] | None:
        """Return what it found in the images: the TIFFs in its folder ``labels``; ``None`` if one is not there.

        Raises
        ------
        ValueError
            If labels are not of the shape of their image.
        """
        paths = [self.model(trained) / "labels" / f"{item.name}.tif" for item in images]
        if not all(path.exists() for path in paths):
            return None
        found = [tifffile.imread(path) for path in paths]
        for path, labels, item in zip(paths, found, images, strict=True):
            if labels.shape != item.labels.shape:
                raise ValueError(f"{path} is of shape {labels.shape}, but its image of {item.labels.shape}")
        return found

    def outline(self, trained: Path, images: Sequence[Image]) -> list[Image] | None:
        """Outline other images than those of its folder; ``None`` if it is not installed or was not trained."""
        if not (self.model(trained) / "training.json").exists():
            return None
        given = {f"image_{i}": image for i, image in enumerate(images)}
        told = run_peer(self.python, self.script, given, self.model(trained).resolve(), mode="outline")
        return None if told is None else [told[f"labels_{i}"] for i in range(len(images))]


STARDIST, CELLPOSE = Peer("StarDist", "stardist"), Peer("Cellpose", "cellpose")


def plain_unet(weights: Path, images: Sequence[Outlined], diameters: Sequence[float]) -> tuple[list[Image], str] | None:
    """Outline with the plain U-Net at given diameters, and say how; ``None`` if it was not trained."""
    if not weights.exists():
        return None
    network, known, steps = plain_segment_unet.load(weights)
    found = [
        plain_segment_unet.outline(network, known, item.image, item.shown, diameter)
        for item, diameter in zip(images, diameters, strict=True)
    ]
    return found, f"{steps} steps; at the diameter that ours estimated"


def second_opinion(truth: Sequence[Image], found: Sequence[Image]) -> tuple[int, float] | None:
    """Compare our matching with `stardist.matching`.

    Returns
    -------
    (int, float) or None
        Largest difference of a number of matches or errors, and of an average precision, of any image at any overlap;
        ``None`` if StarDist is not installed.
    """
    pairs = {f"true_{i}": labels for i, labels in enumerate(truth)} | {f"found_{i}": f for i, f in enumerate(found)}
    given = {"thresholds": np.array(THRESHOLDS), **pairs}
    told = run_peer(STARDIST.python, STARDIST.script, given, mode="match")
    if told is None:
        return None
    matches = [match_all(true, seen, THRESHOLDS) for true, seen in zip(truth, found, strict=True)]
    ours = np.array([[(m.true_positives, m.false_positives, m.false_negatives) for m in row] for row in matches])
    precisions = [counts[..., 0] / np.maximum(counts.sum(axis=-1), 1) for counts in (ours, told["counts"])]
    return int(np.abs(ours - told["counts"]).max()), float(np.abs(precisions[0] - precisions[1]).max())
