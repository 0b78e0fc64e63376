"""Objects found and outlined rightly, and whether the confidence tells which are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from common import DataOption, Image, OutOption, QuickOption
from outlined import IOUS, SETS, Outlined, figures, load_outlined, otsu_watershed
from report import Report, Row, earlier_row, say
from scipy import ndimage
from scipy.stats import rankdata
from segment_peers import CELLPOSE, PLAIN, STARDIST, TRAINED, TrainedOption, plain_unet, second_opinion

import napari_microdiff
from napari_microdiff.engine.events import Result
from napari_microdiff.imaging.matching import overlaps

SAMPLES = {"steps": 4, "samples": 4}
WRONG = 0.5  # an object that overlaps a true one by less is an error
DOUBTFUL = 0.2  # share of the objects that is looked at first
OTSU, ONE, SAMPLES_OF_OURS = "Otsu and watershed", "ours, 1 evaluation", "ours, mean of samples"
PLAIN_UNET = "plain U-Net, same size and training"


def segment(image: Image, shown: str, **fields: object) -> Result:
    """Outline with the bundled model."""
    return napari_microdiff.segment(image, shown=shown, axes="YXS" if image.ndim == 3 else "YX", **fields)


def compare(
    report: Report, name: str, images: list[Outlined], trained: Path, plain: Path, *, keep: bool
) -> tuple[dict[str, Row], list[Result], list[Result]]:
    """Measure all methods on one set; return their rows, and our results of one evaluation and of several samples."""
    truth = [item.labels for item in images]
    say(f"{name}: {len(images)} images")
    otsu = [otsu_watershed(item.image, item.shown) for item in images]
    one = [segment(item.image, item.shown) for item in images]
    told = [segment(item.image, item.shown, diameter=item.diameter) for item in images]
    several = [segment(item.image, item.shown, **SAMPLES) for item in images]
    rows = [
        figures(OTSU, truth, otsu),
        *peers(report, name, images, one, trained, plain, keep=keep),
        figures(ONE, truth, _labels(one), "diameter estimated"),
        figures("ours, diameter told", truth, _labels(told), "the median of the true ones"),
        figures(SAMPLES_OF_OURS, truth, _labels(several), "4 samples of 4 steps"),
    ]
    over_all, at_each = tables_of(name)
    report.table(over_all, [{k: v for k, v in row.items() if k not in IOUS} for row in rows])
    report.table(at_each, [{k: v for k, v in row.items() if k in ("method", *IOUS)} for row in rows])
    return {row["method"]: row for row in rows}, one, several


def tables_of(name: str) -> tuple[str, str]:
    """Return the titles of the two tables of a set."""
    return name, f"{name}, AP at each IoU"


def peers(
    report: Report, name: str, images: list[Outlined], one: list[Result], trained: Path, plain: Path, *, keep: bool
) -> list[Row]:
    """Measure the peers that were trained; StarDist and Cellpose on images such as they were trained on.

    What they find in an image does not depend on ours. With ``keep``, figures of a peer that is not at hand stay.
    """
    truth, rows = [item.labels for item in images], []
    for peer in (STARDIST, CELLPOSE) if name == "fluo" else ():
        found = peer.labels(trained, images)
        if found is not None:
            rows.append(figures(peer.name, truth, found, peer.training(trained)))
        elif keep and (earlier := earlier_row(report.benchmark, tables_of(name), peer.name)):
            rows.append(earlier)
            report.note(f"{peer.name}: the figures of an earlier run on the same images.")
        else:
            report.note(f"{peer.name}: left out, because its labels are not in {peer.key}/labels.")
    made = plain_unet(plain, images, [result.report["diameter"] for result in one])
    if made is not None:
        return [*rows, figures(PLAIN_UNET, truth, *made)]
    earlier = _earlier_plain(report, name, figures(ONE, truth, _labels(one))) if keep else None
    if earlier is None:
        report.note("The plain U-Net is left out, because it is not trained.")
        return rows
    report.note(f"{name}, plain U-Net: the figures of an earlier run on the same images at the same diameters.")
    return [*rows, earlier]


def _earlier_plain(report: Report, name: str, now: Row) -> Row | None:
    """Return the figures of the plain U-Net, told the diameters that ours measured, if ours are what they were."""
    before, plain = (earlier_row(report.benchmark, tables_of(name), method) for method in (ONE, PLAIN_UNET))
    same = before is not None and all(
        np.isclose(before[key], value, rtol=1e-5) for key, value in now.items() if isinstance(value, float)
    )
    return plain if same else None


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


def check_matching(report: Report, images: list[Outlined], found: list[Result]) -> None:
    """Ask StarDist whether we count rightly."""
    told = second_opinion([item.labels for item in images], _labels(found))
    if told is None:
        report.note("Our matching is not checked, because StarDist is not installed.")
        return
    report.table("our matching against stardist.matching", [{"largest difference of": "TP, FP, FN", "is": told[0]}])
    report.claim("largest difference of an AP from stardist.matching", told[1], most=1e-9)


def main(
    data: DataOption = None,
    quick: QuickOption = False,
    out: OutOption = None,
    trained: TrainedOption = TRAINED,
    plain: Annotated[Path, typer.Option(help="Weights from peers/plain_segment_unet.py.")] = PLAIN,
) -> None:
    """Measure on the test images of the Data Science Bowl 2018."""
    report = Report("segment_quality", {"samples": SAMPLES})
    for name in SETS:
        images = load_outlined(data, name, 3 if quick else None)
        by, results, sampled = compare(report, name, images, trained, plain, keep=not quick)
        if PLAIN_UNET in by:
            gain = by[ONE]["mean AP .5-.9"] - by[PLAIN_UNET]["mean AP .5-.9"]
            report.claim(f"{name}: mean AP .5-.9, 1 evaluation over the plain U-Net", gain, least=-0.01)
        if name != "fluo":
            report.claim(f"{name}: AP .5 over Otsu and watershed", by[ONE]["AP .5"] - by[OTSU]["AP .5"], least=0.0)
            continue
        report.claim("fluo: AP .5, 1 evaluation", by[ONE]["AP .5"], least=0.88)
        for peer in (peer.name for peer in (STARDIST, CELLPOSE) if peer.name in by):
            gain = by[ONE]["mean AP .5-.9"] - by[peer]["mean AP .5-.9"]
            report.claim(f"fluo: mean AP .5-.9, 1 evaluation over {peer}", gain, least=0.0)
        gain = by[SAMPLES_OF_OURS]["mean AP .5-.9"] - by[ONE]["mean AP .5-.9"]
        report.claim("fluo: mean AP .5-.9, samples over 1 evaluation", gain, least=0.005)
        check_matching(report, images, results)
        confidence(report, images, sampled)
        generalise(report, images, by[ONE]["AP .5"])
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
