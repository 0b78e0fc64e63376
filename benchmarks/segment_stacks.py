"""Are nuclei of a stack, outlined slice by slice, whole objects in space? With and without parting at waists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
import typer
from common import DATA, DataOption, Image, OutOption, QuickOption
from report import Report, Row, say

import napari_microdiff
from napari_microdiff.imaging.linking import link_slices
from napari_microdiff.imaging.matching import match_all

STACKS = ("stardist/{}/img3d.tif", "plantseg/{}/nuclei_1135.tif", "plantseg/{}/nuclei_1136.tif")
OVERLAPS = (0.3, 0.5)  # intersections over union in space, from which on an object is found


def stacks(data: Path | None, side: int | None) -> Iterator[tuple[str, Image, Image]]:
    """Yield names, images and labels."""
    for pattern in STACKS:
        image, labels = (((data or DATA) / "vol3d" / pattern.format(kind)) for kind in ("images", "labels"))
        if not image.exists():
            raise typer.BadParameter(f"{image} is not there. Name the folder that holds vol3d.")
        here = slice(0, side)
        yield pattern, tifffile.imread(image)[here], tifffile.imread(labels)[here].astype(np.int64)


def main(data: DataOption = None, quick: QuickOption = False, out: OutOption = None) -> None:
    """Outline stacks, with objects that lie on each other parted or not."""
    report = Report("segment_stacks", {"data": "vol3d, nuclei"})
    report.note(
        "Objects in space; average precision at an intersection over union. The ovules are noisy and dim inside."
    )
    rows: list[Row] = []
    for name, image, labels in stacks(data, 12 if quick else None):
        say(name)
        fields = {"model": "segment-nuclei", "shown": "bright"}
        parted = napari_microdiff.segment(image, axes="ZYX", **fields).labels
        joined = link_slices(napari_microdiff.segment(image, axes="TYX", **fields).labels)
        for method, found in (("joined", joined), ("joined and parted at waists", parted)):
            flat = (volume.reshape(len(volume), -1) for volume in (labels, found))
            precision = [match.average_precision for match in match_all(*flat, OVERLAPS)]
            figures = {f"AP {overlap:g}": value for overlap, value in zip(OVERLAPS, precision, strict=True)}
            counts = {"labelled": int(np.unique(labels[labels > 0]).size), "found": int(found.max())}
            rows.append({"stack": Path(name).stem, "method": method, **counts, **figures})
    report.table("objects in space", rows)
    before, after = (row["AP 0.5"] for row in rows[:2])
    report.claim("img3d: AP at 0.5", after, least=0.7)
    report.claim("img3d: gain of parting, AP at 0.5", after - before, least=0.0)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
