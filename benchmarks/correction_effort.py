"""How much drawing does it take to put a segmentation right? A simulated user makes one stroke for each mistake."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer
from by_hand import KINDS, Mistake, accepted, is_right, matched, mistakes, stroke_for
from common import DataOption, Image, OutOption, QuickOption
from outlined import Outlined, figures, load_outlined
from report import Report, Row, say
from skimage.segmentation import relabel_sequential

import napari_microdiff
from napari_microdiff.engine.options import Stroke
from napari_microdiff.engine.request import Request
from napari_microdiff.imaging.corrections import cut, joined
from napari_microdiff.tasks.correct import Corrected, correct
from napari_microdiff.tasks.strokes import StrokeMaps

SIDE = 512  # images are cut to at most this
ACCEPTED = 0.3  # of the objects without a mistake

Apply = Callable[[Image, Stroke], Image]  # labels before to labels after a stroke


@dataclass(frozen=True)
class Tried:
    """A mistake after its stroke; one that an earlier stroke had put right took no time.

    Attributes
    ----------
    spoiled : int
        True objects that were matched before the stroke and are not any more.
    """

    kind: str
    right: bool
    seconds: float | None
    size: str
    spoiled: int = 0


@dataclass
class Corrections:
    """What came of all strokes on all images, made in one way."""

    tried: list[Tried]
    labels: list[Image]
    changed: int = 0  # pixels of accepted objects


def cropped(item: Outlined) -> Outlined:
    """Cut an image to at most `SIDE` pixels along each axis."""
    labels, _, _ = relabel_sequential(item.labels[:SIDE, :SIDE])
    return Outlined(item.name, item.shown, item.image[:SIDE, :SIDE], labels.astype(np.int32))


def with_model(request: Request, image: Image, locked: Sequence[int]) -> Apply:
    """Return the way of the package: the model is shown the stroke."""

    def apply(labels: Image, stroke: Stroke) -> Image:
        *_, done = correct(request, image, labels, stroke, fresh=int(labels.max()) + 1, locked=locked)
        assert isinstance(done, Corrected)
        after = labels.copy()
        after[tuple(slice(*span) for span in done.region)] = done.after
        return after

    return apply


def by_rule(diameter: float, locked: Sequence[int]) -> Apply:
    """Return what a stroke does where no model proposes anything."""

    def apply(labels: Image, stroke: Stroke) -> Image:
        whole = tuple((0, n) for n in labels.shape)
        index = tuple(slice(0, n) for n in labels.shape)
        drawn = StrokeMaps((stroke,), "YX").of_plane(index, labels.shape, labels.shape).in_window(whole).any(axis=0)
        nothing, fresh = np.zeros_like(labels), int(labels.max()) + 1
        if stroke.kind == "cut":
            return cut(labels, nothing, drawn, fresh=fresh, locked=locked)
        return joined(labels, nothing, drawn, fresh=fresh, radius=diameter / 4, locked=locked)

    return apply


def go_through(
    truth: Image, found: Image, drawn: Sequence[tuple[Mistake, Stroke]], locked: Sequence[int], apply: Apply
) -> Corrections:
    """Make all strokes on one image, one after the other, and judge each."""
    made = Corrections([], [found.astype(np.int64)])
    kept = np.isin(found, locked)
    size = " x ".join(map(str, truth.shape))
    for mistake, stroke in drawn:
        labels = made.labels[-1]
        if is_right(mistake, truth, labels):
            made.tried.append(Tried(mistake.kind, True, None, size))
            continue
        started = time.perf_counter()
        after = apply(labels, stroke)
        seconds = time.perf_counter() - started
        spoiled = len(matched(truth, labels) - matched(truth, after))
        made.tried.append(Tried(mistake.kind, is_right(mistake, truth, after), seconds, size, spoiled))
        made.changed += np.count_nonzero((after != labels) & (kept | np.isin(after, locked)))
        made.labels = [after]
    return made


def correct_all(images: Sequence[Outlined], seed: int) -> tuple[list[Image], Corrections, Corrections, int]:
    """Segment and correct all images; return what was found, both ways of correcting it, and the objects accepted."""
    found: list[Image] = []
    ways = Corrections([], []), Corrections([], [])
    count = 0
    for number, item in enumerate(images):
        say(f"{item.name}, {number + 1} of {len(images)}")
        rng = np.random.default_rng((seed, number))
        result = napari_microdiff.segment(item.image, shown=item.shown, axes="YX")
        diameter = result.report["diameter"]
        options = result.request.options.model_copy(update={"diameter": diameter})
        request = result.request.model_copy(update={"options": options})
        wrong = mistakes(item.labels, result.labels)
        locked = accepted(result.labels, wrong, ACCEPTED, rng)
        drawn = [(one, stroke_for(one, item.labels, result.labels, diameter, rng)) for one in wrong]
        applies = with_model(request, item.image, locked), by_rule(diameter, locked)
        for way, apply in zip(ways, applies, strict=True):
            made = go_through(item.labels, result.labels, drawn, locked, apply)
            way.tried += made.tried
            way.labels += made.labels
            way.changed += made.changed
        found.append(result.labels)
        count += len(locked)
    return found, *ways, count


def effort(name: str, model: Sequence[Tried], rule: Sequence[Tried]) -> Row:
    """Return how many of some mistakes were put right by one stroke, and how long that took."""
    seconds = [one.seconds for one in model if one.seconds is not None]
    return {
        "mistake": name,
        "count": len(model),
        "put right": _share(model),
        "put right without the model": _share(rule),
        "others spoiled": sum(one.spoiled for one in model),
        "median s": float(np.median(seconds)) if seconds else None,
        "longest s": max(seconds, default=None),
    }


def _share(tried: Sequence[Tried]) -> float | None:
    return sum(one.right for one in tried) / len(tried) if tried else None


def of(tried: Sequence[Tried], **wanted: str) -> list[Tried]:
    """Return those of a kind or a size."""
    return [one for one in tried if all(getattr(one, name) == value for name, value in wanted.items())]


def tables(
    report: Report, images: Sequence[Outlined], found: list[Image], ways: tuple[Corrections, Corrections]
) -> None:
    """Print what came out, and hold it against what was wanted."""
    model, rule = ways
    rows = [effort(kind, of(model.tried, kind=kind), of(rule.tried, kind=kind)) for kind in KINDS]
    rows.append(effort("all", model.tried, rule.tried))
    report.table("one stroke for each mistake", rows)
    sizes = sorted({one.size for one in model.tried})
    timed = [effort(size, of(model.tried, size=size), of(rule.tried, size=size)) for size in sizes]
    report.table("seconds a stroke by size", [{"size": r["mistake"], **{k: r[k] for k in _TIMES}} for r in timed])
    truth = [item.labels for item in images]
    before_and_after = {"before": found, "after all strokes": model.labels, "after, without the model": rule.labels}
    precision = [figures(name, truth, labels) for name, labels in before_and_after.items()]
    report.table("precision", [{k: row[k] for k in _PRECISION} for row in precision])
    for row in (rows[0], rows[-1]):
        if row["count"]:
            report.claim(f"share put right by one stroke: {row['mistake']}", row["put right"], least=0.8)
    largest = timed[-1]
    if largest["median s"] is not None:
        report.claim(f"median seconds a stroke, {largest['mistake']}", largest["median s"], most=1.0)


_TIMES = ("count", "median s", "longest s")
_PRECISION = ("method", "AP .5", "mean AP .5-.9", "pooled AP .5")


def main(
    data: DataOption = None,
    quick: QuickOption = False,
    out: OutOption = None,
    seed: Annotated[int, typer.Option(help="Of the hand and of what is accepted.")] = 0,
) -> None:
    """Correct the fluorescence test images of the Data Science Bowl 2018."""
    images = [cropped(item) for item in load_outlined(data, "fluo", 6 if quick else None)]
    report = Report("correction_effort", {"side": SIDE, "images": len(images), "accepted": ACCEPTED, "seed": seed})
    report.note(f"On the first {SIDE} x {SIDE} pixels of {len(images)} images; many are smaller.")
    found, model, rule, count = correct_all(images, seed)
    tables(report, images, found, (model, rule))
    report.note(f"{count} objects were accepted; {model.changed} of their pixels changed.")
    report.claim("pixels of accepted objects that changed", float(model.changed + rule.changed), most=0)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
