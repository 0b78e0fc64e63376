"""Does the report find what is made up? Structures pasted into results, and models used on the wrong kind of image."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import numpy as np
import typer
from common import DataOption, Image, OutOption, QuickOption
from report import Report, Row, say
from skimage import data as bundled
from superres_quality import BLUR, NOISES, Scene, measured, run, scenes

import napari_microdiff
from napari_microdiff.engine.events import Result
from napari_microdiff.engine.trust import disagrees
from napari_microdiff.imaging.unexplained import unexplained
from napari_microdiff.models.store import list_models

KINDS = ("spots", "parts", "lines")  # a spot, a part from elsewhere, a piece of a filament
SIDES = (8, 24)  # of spots and parts, in pixels of the result
LENGTHS, WIDTHS = (16, 48), (1.0, 2.0)  # of lines; their widths are standard deviations
BEND = 0.004  # of lines, as what is added across per square of the way along
HEIGHTS = (0.3, 0.6)  # of all, in the contrast of the result
VISIBLE = 10.0
OTHERS = ("camera", "brick", "grass", "gravel", "page", "text", "clock", "moon")  # no kind of micrograph
WRONG = {"superres-fluorescence": "superres-em", "superres-em": "superres-fluorescence"}


def pasted(result: Image, rng: np.random.Generator) -> tuple[str, Image]:
    """Return what was put into a result where it was not, and the result with it, with soft rims."""
    made = result.astype(np.float64)
    contrast = float(np.subtract(*np.percentile(result, (99.5, 1))))
    height = rng.uniform(*HEIGHTS) * contrast * rng.choice([-1, 1])
    kind = str(rng.choice(KINDS))
    if kind == "lines":
        shape = _line(rng)
        made[_somewhere(result, shape.shape, rng)] += height * shape
        return kind, made
    side = int(rng.integers(*SIDES))
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    soft = np.exp(-(rows**2 + columns**2) / (2 * (side / 5) ** 2))
    here = _somewhere(result, soft.shape, rng)
    if kind == "parts":
        for _ in range(100):  # one that is different enough
            other = result[_somewhere(result, soft.shape, rng)]
            if abs(((other - made[here]) * soft).sum() / soft.sum()) > HEIGHTS[0] * contrast / 2:
                made[here] = made[here] * (1 - soft) + other * soft
                return kind, made
    made[here] += height * soft
    return "spots", made


def _line(rng: np.random.Generator) -> Image:
    """Return a piece of a filament, slightly bent, of height 1."""
    length, width, angle = rng.uniform(*LENGTHS), rng.uniform(*WIDTHS), rng.uniform(0, np.pi)
    half = LENGTHS[1] // 2 + 4
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle) + rng.uniform(-BEND, BEND) * along**2
    ends = 1 / (1 + np.exp(np.abs(along) - length / 2))
    return ends * np.exp(-(across**2) / (2 * width**2))


def _somewhere(image: Image, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[slice, ...]:
    starts = (int(rng.integers(n - side)) for n, side in zip(image.shape, shape, strict=True))
    return tuple(slice(start, start + side) for start, side in zip(starts, shape, strict=True))


def is_flagged(scene: Scene, image: Image, noise: float) -> bool:
    """Whether the report would say of an image that something in it was made up."""
    seen = measured(scene, image)
    span = float(np.subtract(*np.percentile(scene.recorded, (99.9, 0.1))))
    return unexplained(scene.recorded - seen, seen, noise, span).places > 0


def differs(scene: Scene, seen: Image, noise: float) -> int:
    """Return in how many places what is recorded of a result is not what is recorded, without noise, of the truth.

    There the model really made something up, or left it out.
    """
    span = float(np.subtract(*np.percentile(scene.recorded, (99.9, 0.1))))
    # There is no noise in the difference, and what is held against it is half of what is told, at least.
    return unexplained(scene.noiseless - seen, seen, 2 * noise, span).places


def is_warned(result: Result) -> bool:
    """Whether the report warns of a result: its image is strange to the model, or the two disagree."""
    return disagrees(result) or not result.report["familiarity"]["alike"]


def plant(scene: Scene, count: int, number: int) -> Row:
    """Super-resolve a scene, then paste structures into the result, one at a time."""
    result = run(scene, outputs=("mean",))
    noise = 0.0 if scene.noise == 0 else result.report["noise_level"][0]
    rng = np.random.default_rng([7, number])
    found: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    hidden, anyway, before = 0, 0, measured(scene, result.mean)
    wrong = differs(scene, before, noise)
    for _ in range(count):
        kind, fake = pasted(result.mean, rng)
        change = float(np.sqrt(np.square(measured(scene, fake) - before).sum()))
        if change < VISIBLE * scene.noise:
            hidden += 1
            anyway += is_flagged(scene, fake, noise)
        else:
            found[kind].append(is_flagged(scene, fake, noise))
    return {
        "scene": scene.name,
        "kind": f"x{scene.factor}, {'noise' if scene.noise else 'no noise'}",
        **{kind: len(flags) for kind, flags in found.items()},
        **{f"{kind} found": sum(flags) for kind, flags in found.items()},
        "hidden in noise": hidden,
        "hidden found": anyway,
        "wrong places": wrong,
        "places told": result.report["residual"]["places"],
        "warned of": is_warned(result),
    }


def found_of_all(rows: list[Row]) -> str:
    """Say how many of all structures are found, those too that no one can see."""
    told = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        mine = [row for row in rows if row["kind"] == kind]
        # What is warned of without anything pasted does not count as found.
        told_anew = [row for row in mine if not row["places told"]]
        caught = sum(row[name] for row in told_anew for name in ("hidden found", *(f"{one} found" for one in KINDS)))
        every = sum(row[one] for row in mine for one in KINDS) + sum(row["hidden in noise"] for row in mine)
        told.append(f"{100 * caught / every:.0f} % ({kind})")
    return f"Of all that was pasted, those too that no one can see, {', '.join(told)} are found."


def strangers(found: list[Scene]) -> Iterator[tuple[str, str, Image]]:
    """Yield names, wrong models and images."""
    for scene in found:
        if scene.factor == 2:
            yield scene.name, WRONG[scene.model], scene.recorded
    for name in OTHERS:
        for model in WRONG:
            yield name, model, np.asarray(getattr(bundled, name)())[:256, :256]


def main(data: DataOption = None, quick: QuickOption = False, out: OutOption = None) -> None:
    """Count what is found, and what is warned of without need."""
    side, count = (128, 4) if quick else (512, 25)
    found, what = scenes(data, side)
    found = found[:4] if quick else found
    known = {model.card.id for model in list_models()}
    report = Report("trust", {"data": what, "side": side, "pasted": count, "blur px": BLUR, "noise": NOISES["noise"]})
    report.note(f"On {what}. Pasted are spots and parts from elsewhere in the result, {SIDES[0]} to {SIDES[1]} pixels")
    report.note(f"across, and lines, {LENGTHS[0]} to {LENGTHS[1]} pixels long and {WIDTHS[0]:g} to {WIDTHS[1]:g} wide")
    report.note(f"(standard deviation), one at a time; all are {HEIGHTS[0]} to {HEIGHTS[1]} of the contrast high.")
    report.note(f"Those that change what would be recorded by less than {VISIBLE:g} times its noise (root of the sum")
    report.note("of squares) no one can see; they are counted apart. A result is wrong if what would be recorded of it")
    report.note("differs somewhere, by more than noise explains, from what would be recorded of the truth.")
    rows = []
    for number, scene in enumerate(found):
        say(f"{scene.name}: pasting")
        rows.append(plant(scene, count, number))
    report.table("structures pasted into results", rows)
    for kind in dict.fromkeys(row["kind"] for row in rows):
        mine = [row for row in rows if row["kind"] == kind]
        for what_kind in KINDS:
            share = sum(row[f"{what_kind} found"] for row in mine) / max(1, sum(row[what_kind] for row in mine))
            report.claim(f"{kind}: share of pasted {what_kind} that is found", share, least=0.95)
    report.note(found_of_all(rows))
    alarms = [row["warned of"] for row in rows if not row["wrong places"]]
    report.claim(f"share of {len(alarms)} right results that is warned of", statistics.fmean(alarms), most=0.05)
    missed = [not row["warned of"] for row in rows if row["wrong places"]]
    if missed:
        report.claim(f"share of {len(missed)} wrong results that is not", statistics.fmean(missed), most=0.05)
    wrong = []
    for name, model, image in strangers(found):
        if model in known:
            say(f"{name} with {model}")
            result = napari_microdiff.superresolve(image, model=model, blur=BLUR, axes="YX", outputs=("mean",))
            familiar = result.report["familiarity"]
            wrong.append(
                {
                    "image": name,
                    "model": model,
                    "content / threshold": familiar["content"] / familiar["content_threshold"],
                    "better": familiar["better"] or "",
                    "warned of": is_warned(result),
                }
            )
    if wrong:
        report.table("models on the wrong kind of image", wrong)
        micrographs = [row["warned of"] for row in wrong if row["image"] not in OTHERS]
        if micrographs:
            report.claim("wrong model: share that is warned of", statistics.fmean(micrographs), least=0.95)
        others = [row["warned of"] for row in wrong if row["image"] in OTHERS]
        report.claim("no micrograph: share that is warned of", statistics.fmean(others), least=0.95)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
