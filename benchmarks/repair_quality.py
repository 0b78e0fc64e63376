"""How near is what is drawn in a hole to what was there? All methods on the same holes in the same images."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tifffile
import typer
from common import DATA, DataOption, Image, OutOption, QuickOption
from report import Report, Row, mean_rows, say
from skimage.draw import disk

import napari_microdiff
from napari_microdiff.engine.events import Result
from napari_microdiff.imaging import structures
from napari_microdiff.imaging.holes import fill_smoothly
from napari_microdiff.imaging.intensity import Normalization

SMOOTH, MEAN, SAMPLE = "biharmonic filling (scikit-image)", "ours, mean of samples", "ours, one sample"
HOLES = {"spots of 12 px": 6, "spots of 24 px": 12}
EVERY, LINES, WIDE = 60, 75, 3  # pixels between spots, and between lines, and their width
HELD_OUT = (190, 220)  # planes of the volumes, in the third that no model was trained on


def images(data: Path | None, side: int) -> tuple[list[tuple[str, str, Image]], str]:
    """Return names, models and images that no model was trained on; simulated ones where there are no others."""
    folder, found = data or DATA, []
    for path in sorted((folder / "gigadb_100888" / "test" / "clean").glob("*.tif")):
        found.append((path.stem, "denoise-fluorescence", tifffile.imread(path)[:side, :side]))
    for path in sorted((folder / "fib25_medulla" / "volumes").glob("*.tif")):
        volume = tifffile.imread(path, key=HELD_OUT)
        found += [(f"{path.stem}, plane {z}", "denoise-em", p) for z, p in zip(HELD_OUT, volume, strict=True)]
    if found:
        return found, "real images"
    made = structures.fluorescence(np.random.default_rng(0), side)
    return [("simulated", "denoise-fluorescence", 1000 * made)], "SIMULATED images, since no real ones were found"


def holes(shape: tuple[int, ...]) -> Iterator[tuple[str, Image]]:
    """Yield kinds of damage and their masks."""
    for name, radius in HOLES.items():
        mask = np.zeros(shape, dtype=bool)
        for row in range(EVERY // 2, shape[0] - radius, EVERY):
            for column in range(EVERY // 2, shape[1] - radius, EVERY):
                mask[disk((row, column), radius, shape=shape)] = True
        yield name, mask
    lines = np.zeros(shape, dtype=bool)
    for column in range(LINES // 2, shape[1], LINES):
        lines[:, column : column + WIDE] = True
    yield f"lines of {WIDE} px", lines


def methods(image: Image, mask: Image, model: str, samples: int) -> Iterator[tuple[str, Callable[[], Image]]]:
    """Yield what fills holes."""
    drawn: dict[str, Result] = {}

    def mean() -> Image:
        fields = {"samples": samples, "outputs": ("sample", "mean"), "axes": "YX"}
        drawn["result"] = napari_microdiff.repair(image, mask, model=model, **fields)
        return drawn["result"].mean

    yield SMOOTH, lambda: fill_smoothly(image.astype(np.float64), mask)
    yield MEAN, mean
    yield SAMPLE, lambda: drawn["result"].sample


def measures(image: Image, made: Image, mask: Image) -> Row:
    """Return the error in the holes, in the contrast of the image, and the power of steps between neighbours there."""
    scale = Normalization.fit(image[None].astype(np.float64)).scale
    error = (made.astype(np.float64) - image)[mask] / scale
    steps = [np.diff(a.astype(np.float64), axis=0)[(mask[1:] & mask[:-1])] for a in (made, image)]
    ratio = float((steps[0] ** 2).sum() / max(float((steps[1] ** 2).sum()), 1e-12))
    kept = bool((made[~mask] == image[~mask].astype(np.float32)).all())
    return {"dB": float(-10 * np.log10((error**2).mean())), "texture": ratio, "sound pixels kept": kept}


def main(data: DataOption = None, quick: QuickOption = False, out: OutOption = None) -> None:
    """Fill holes in images whose pixels there are known."""
    side, samples = (128, 2) if quick else (512, 8)
    found, what = images(data, side)
    report = Report("repair_quality", {"data": what, "side": side, "samples": samples})
    report.note(
        f"On {what}. dB is the error in the holes against half of the image's range; texture is the power of steps "
        "between neighbours there over that of the truth, 1 if it is as rough."
    )
    rows: list[Row] = []
    for name, model, image in found[:1] if quick else found:
        for kind, mask in holes(image.shape):
            for method, fill in methods(image, mask, model, samples):
                say(f"{name}, {kind}: {method}")
                rows.append({"method": method, "kind": kind, "image": name, **measures(image, fill(), mask)})
    for kind in dict.fromkeys(row["kind"] for row in rows):
        report.table(kind, mean_rows([row for row in rows if row["kind"] == kind], "method"))
    report.table("mean over all", mean_rows(rows, "method"))

    def mean(method: str, measure: str) -> float:
        return statistics.fmean(row[measure] for row in rows if row["method"] == method)

    report.claim("mean of samples over biharmonic filling, dB", mean(MEAN, "dB") - mean(SMOOTH, "dB"), least=0.0)
    off = {method: abs(float(np.log(mean(method, "texture")))) for method in (SMOOTH, SAMPLE)}
    report.claim("texture of a sample, nearer to the truth than the filling's by", off[SMOOTH] - off[SAMPLE], least=0)
    kept = all(row["sound pixels kept"] for row in rows if row["method"] != SMOOTH)
    report.claim("sound pixels are kept to the last bit", float(kept), least=1.0)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
