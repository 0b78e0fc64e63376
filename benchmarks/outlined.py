"""What the benchmarks of segmentation share: outlined images, figures, and the way it was done before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
import typer
from common import DATA, Image
from peers.labelled_folders import HOLD_OUT
from report import Row
from scipy import ndimage
from skimage import color, feature, filters, io, measure, morphology, segmentation

from napari_microdiff.imaging.matching import dice, match_all

SETS = {"fluo": "bright", "histology_rgb": "stained", "brightfield_gray": "dark"}  # test set: how objects are shown
THRESHOLDS = tuple(np.arange(0.5, 0.96, 0.05).round(2))
IOUS = tuple(f"{threshold:.2f}".removeprefix("0") for threshold in THRESHOLDS)  # names of their columns


@dataclass(frozen=True)
class Outlined:
    """An image and the labels of its objects."""

    name: str
    shown: str
    image: Image
    labels: Image

    @property
    def diameter(self) -> float:
        """Median diameter of the true objects, in pixels: that of a disc of the same area."""
        areas = np.bincount(self.labels.ravel())[1:]
        areas = areas[areas > 0]
        return float(np.median(2 * np.sqrt(areas / np.pi))) if areas.size else 24.0


def load_outlined(data: Path | None, name: str, count: int | None = None, *, held_out: bool = False) -> list[Outlined]:
    """Return the test images of a set, or the first few of them.

    Parameters
    ----------
    held_out : bool
        Return those instead that the trainings keep back, by which settings may be chosen.

    Raises
    ------
    typer.BadParameter
        If there are none.
    """
    folder = (data or DATA) / "dsb2018" / name / ("train" if held_out else "test")
    files = sorted((folder / "images").glob("*"))
    files = files[HOLD_OUT - 1 :: HOLD_OUT][:count] if held_out else files[:count]
    if not files:
        raise typer.BadParameter(f"{folder} has no images to measure on.")
    return [Outlined(path.stem, SETS[name], _read(path), _labels_of(path)) for path in files]


def _read(path: Path) -> Image:
    image = np.asarray(tifffile.imread(path) if path.suffix == ".tif" else io.imread(path))
    return image[..., :3] if image.ndim == 3 else image


def _labels_of(path: Path) -> Image:
    (found,) = (path.parent.parent / "labels").glob(f"{path.stem}.*")
    labels, _, _ = segmentation.relabel_sequential(_read(found))
    return labels.astype(np.int32)


def otsu_watershed(image: Image, shown: str) -> Image:
    """Outline objects by Otsu's threshold and a watershed on the distance to the background."""
    grey = 255 - 255 * color.rgb2gray(image) if image.ndim == 3 else image.astype(float)
    grey = filters.gaussian(grey.max() - grey if shown == "dark" else grey, 1, preserve_range=True)
    inside = grey > filters.threshold_otsu(grey)
    inside = ndimage.binary_fill_holes(morphology.remove_small_objects(inside, max_size=20))
    distance = filters.gaussian(ndimage.distance_transform_edt(inside), 1)
    peaks = feature.peak_local_max(distance, min_distance=5, labels=measure.label(inside))
    seeds = np.zeros(inside.shape, int)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return np.asarray(segmentation.watershed(-distance, seeds, mask=inside), dtype=np.int32)


def figures(method: str, truth: Sequence[Image], found: Sequence[Image], how: str = "") -> Row:
    """Return the figures of one method on one set.

    Average precision is TP / (TP + FP + FN), at each IoU the mean over images; pooled, all objects count as if they
    were in one image.
    """
    matches = [match_all(true, seen, THRESHOLDS) for true, seen in zip(truth, found, strict=True)]
    precision = np.array([[match.average_precision for match in row] for row in matches])
    pooled = [sum(column[1:], start=column[0]) for column in zip(*matches, strict=True)]
    counts = [(int(seen.max()), int(true.max())) for true, seen in zip(truth, found, strict=True)]
    row: Row = {
        "method": method,
        "AP .5": float(precision[:, 0].mean()),
        "mean AP .5-.9": float(precision[:, :9].mean()),
    }
    row |= dict(zip(IOUS, precision.mean(axis=0).tolist(), strict=True))
    return row | {
        "pooled AP .5": pooled[0].average_precision,
        "Dice": float(np.mean([dice(true, seen) for true, seen in zip(truth, found, strict=True)])),
        "count error": float(np.mean([abs(seen - true) / max(true, 1) for seen, true in counts])),
        "how": how,
    }
