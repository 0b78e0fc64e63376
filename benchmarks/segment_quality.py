"""Objects found and outlined rightly, and whether the confidence tells which are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import typer
from common import DataOption, Image, OutOption, QuickOption
from outlined import IOUS, SETS, Outlined, figures, load_outlined, otsu_watershed
from report import Report, Row, say
from scipy import ndimage
from scipy.stats import rankdata

import napari_microdiff
from napari_microdiff.engine.events import Result
from napari_microdiff.imaging.matching import overlaps

SAMPLES = {"steps": 4, "samples": 4}
WRONG = 0.5  # an object that overlaps a true one by less is an error
DOUBTFUL = 0.2  # share of the objects that is looked at first


def segment(image: Image, shown: str, **fields: object) -> Result:
    """Outline with the bundled model."""
    return napari_microdiff.segment(image, shown=shown, axes="YXS" if image.ndim == 3 else "YX", **fields)


def compare(report: Report, name: str, images: list[Outlined]) -> tuple[list[Row], list[Result]]:
    """Measure all methods on one set and return the rows and the results of several samples."""
    truth = [item.labels for item in images]
    say(f"{name}: {len(images)} images")
    otsu = [otsu_watershed(item.image, item.shown) for item in images]
    one = [segment(item.image, item.shown) for item in images]
    told = [segment(item.image, item.shown, diameter=item.diameter) for item in images]
    several = [segment(item.image, item.shown, **SAMPLES) for item in images]
    rows = [
        figures("Otsu and watershed", truth, otsu),
        figures("ours, 1 evaluation", truth, _labels(one), "diameter estimated"),
        figures("ours, diameter told", truth, _labels(told), "the median of the true ones"),
        figures("ours, mean of samples", truth, _labels(several), "4 samples of 4 steps"),
    ]
    report.table(name, [{k: v for k, v in row.items() if k not in IOUS} for row in rows])
    report.table(f"{name}, AP at each IoU", [{k: v for k, v in row.items() if k in ("method", *IOUS)} for row in rows])
    return rows, several


def _labels(results: list[Result]) -> list[Image]:
    return [result.labels for result in results if result.labels is not None]


def confidence(report: Report, images: list[Outlined], results: list[Result]) -> None:
    """Measure whether the confidence tells wrong objects from right ones."""
    sure, wrong = [], []
    for item, result in zip(images, results, strict=True):
        found = overlaps(result.labels, item.labels)
        sure.append(result.objects["confidence"][found.true_ids - 1])
        wrong.append(found.best() < WRONG)
    doubt, error = -np.concatenate(sure), np.concatenate(wrong)
    ranks, bad = rankdata(doubt), int(error.sum())
    auroc = (ranks[error].sum() - bad * (bad + 1) / 2) / (bad * (len(error) - bad))
    first = np.argsort(-doubt, kind="stable")[: round(DOUBTFUL * len(error))]
    share = float(error[first].sum() / bad)
    report.table("confidence", [{"objects": len(error), "wrong": bad, "AUROC": float(auroc), "share of errors": share}])
    report.claim("AUROC of the confidence for wrong objects (IoU < .5)", float(auroc), least=0.85)
    report.claim(f"share of the errors among the {DOUBTFUL:.0%} least sure objects", share, least=0.6)


def _zoomed(factor: float) -> Callable[[Outlined], Outlined]:
    def change(item: Outlined) -> Outlined:
        image = ndimage.zoom(item.image.astype(np.float32), factor, order=1, grid_mode=True, mode="nearest")
        labels = ndimage.zoom(item.labels, factor, order=0, grid_mode=True, mode="nearest")
        return Outlined(item.name, item.shown, image, labels)

    return change


def _with(change: Callable[[Image, np.random.Generator], Image]) -> Callable[[Outlined], Outlined]:
    def changed(item: Outlined) -> Outlined:
        image = item.image.astype(np.float32)
        span = np.percentile(image, 99.8) - image.min()
        made = change((image - image.min()) / max(span, 1), np.random.default_rng(0))
        return Outlined(item.name, item.shown, (60000 * np.clip(made, 0, 1)).astype(np.uint16), item.labels)

    return changed


CHANGES: dict[str, Callable[[Outlined], Outlined]] = {
    "a tenth as bright": _with(lambda image, _: image / 10),
    "background added": _with(lambda image, _: 0.4 + 0.5 * image),
    "gamma 0.5": _with(lambda image, _: np.sqrt(np.clip(image, 0, None))),
    "blurred, sigma 1.5 px": _with(lambda image, _: ndimage.gaussian_filter(image, 1.5)),
    "noise of 10 %": _with(lambda image, rng: 0.3 + 0.6 * (image + 0.1 * rng.standard_normal(image.shape))),
    "magnified x0.5": _zoomed(0.5),
    "magnified x2": _zoomed(2.0),
}


def generalise(report: Report, images: list[Outlined], before: float) -> None:
    """Change the images as other microscopes would."""
    rows = []
    for name, change in CHANGES.items():
        say(f"fluo: {name}")
        changed = [change(item) for item in images]
        found = _labels([segment(item.image, item.shown) for item in changed])
        precision = figures(name, [item.labels for item in changed], found)["AP .5"]
        rows.append({"change": name, "AP .5": precision, "fall": before - precision})
    report.table("changed images, diameter estimated", rows)
    worst = max(rows, key=lambda row: row["fall"])
    report.claim(f"largest fall of AP .5 ({worst['change']})", worst["fall"], most=0.05)


def main(data: DataOption = None, quick: QuickOption = False, out: OutOption = None) -> None:
    """Measure on the test images of the Data Science Bowl 2018."""
    report = Report("segment_quality", {"samples": SAMPLES})
    for name in SETS:
        images = load_outlined(data, name, 3 if quick else None)
        (otsu, one, _, several), results = compare(report, name, images)
        if name != "fluo":
            report.claim(f"{name}: AP .5 over Otsu and watershed", one["AP .5"] - otsu["AP .5"], least=0.0)
            continue
        report.claim("fluo: AP .5, 1 evaluation", one["AP .5"], least=0.88)
        gain = several["mean AP .5-.9"] - one["mean AP .5-.9"]
        report.claim("fluo: mean AP .5-.9, samples over 1 evaluation", gain, least=0.005)
        confidence(report, images, results)
        generalise(report, images, one["AP .5"])
    report.note("StarDist, Cellpose and a plain U-Net are not compared yet.")
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
