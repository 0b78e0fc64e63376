"""How soon an edit of a mask shows in the image, and whether large canvases are free of seams and bounded in memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import numpy as np
import typer
from common import HERE, Image, OutOption, QuickOption, timed
from nuclei import nuclei_mask
from numpy.typing import NDArray
from peak_memory import Repeated, peak_bytes
from report import Report, Row, say

import napari_microdiff
from napari_microdiff.engine.events import Done, Preview
from napari_microdiff.engine.request import Request, build_request
from napari_microdiff.imaging.changes import changed_box
from napari_microdiff.imaging.mask_edits import grow
from napari_microdiff.tasks import run
from napari_microdiff.tasks.redraw import Redrawn, redraw

MODEL, STEPS, SIDE = "synth-nuclei", 16, 512
UNGUIDED = {"guidance": 0.0}  # which would evaluate most steps twice, but changes neither seams nor memory
TILE = 512  # of the canvas
PATTERN = 480  # of its mask: copies cut objects off, which must not be where tiles end
MEMORY_STEPS = 2  # more take as much memory, and longer
CANVAS_STEPS = 4  # each sees its tiles as all others do; few leave less texture in which a seam could hide


class RepeatedMask(Repeated):
    """A large mask that exists only where it is read. Where copies touch, an object of one touches one of the next."""

    def __init__(self, side: int) -> None:
        super().__init__(side)
        self.pattern = nuclei_mask(PATTERN)
        self.dtype = self.pattern.dtype


def an_edit(mask: NDArray[np.int32]) -> NDArray[np.int32]:
    """Let the object nearest to the middle grow by three pixels."""
    places = np.argwhere(mask)
    middle = places[np.abs(places - np.array(mask.shape) / 2).sum(axis=1).argmin()]
    return np.asarray(grow(mask, int(mask[tuple(middle)]), 3).applied_to(mask))


def after_an_edit(report: Report, side: int, steps: int, repeats: int) -> None:
    """Time the first look and the whole drawing."""
    mask = nuclei_mask(SIDE)[:side, :side]
    request = build_request({"task": "synthesize", "model": MODEL, "steps": steps, "axes": "YX"})
    say("drawing the image that is edited")
    image = _drawn(request, mask)
    edited = an_edit(mask)
    box = changed_box(mask, edited)
    assert box is not None
    first, whole = [], []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        looks = []
        for event in redraw(request, edited, image, box):
            if isinstance(event, Preview):
                looks.append(time.perf_counter() - started)
            elif isinstance(event, Redrawn):
                region = event.region
        first.append(looks[0])
        whole.append(time.perf_counter() - started)
    one = request.model_copy(update={"steps": 1, "region": region, "outputs": ("mean",)})
    evaluation = timed(lambda: _drawn(one, edited), repeats).median
    look, all_of_it = (float(np.median(times[1:])) for times in (first, whole))
    report.table(
        f"an edit of one nucleus, {side} x {side}",
        [{"drawn anew": " x ".join(str(b - a) for a, b in region), "first look, s": look, "in full, s": all_of_it}],
    )
    report.claim("first look over one evaluation of that part", look / evaluation, most=1.5)


def _drawn(request: Request, mask: Any) -> Image:
    for event in run(request, mask):
        if isinstance(event, Done):
            made = event.result.sample if event.result.sample is not None else event.result.mean
            assert made is not None
            return made
    raise AssertionError("a run ends with Done")


def seams(report: Report, side: int, steps: int) -> None:
    """Compare differences of neighbours across the borders of tiles with those elsewhere."""
    say(f"drawing {side} x {side}")
    image = napari_microdiff.synthesize(
        RepeatedMask(side), model=MODEL, steps=steps, tile=TILE, axes="YX", **UNGUIDED
    ).sample
    assert image is not None
    rows: list[Row] = []
    for axis, name in enumerate(("rows", "columns")):
        means = np.abs(np.diff(image, axis=axis)).mean(axis=1 - axis)
        at = np.arange(TILE, side, TILE) - 1
        rest = np.delete(means, at)
        rows.append({"between": name, "at borders": float(means[at].mean()), "elsewhere": float(rest.mean())})
        rows[-1]["deviations"] = float(abs(means[at].mean() - rest.mean()) / (rest.std() / np.sqrt(len(at))))
    report.table(f"differences of neighbours, {side} x {side}, tiles of {TILE}", rows)
    report.claim("borders of tiles, deviations from elsewhere", max(row["deviations"] for row in rows), most=3)


def memory(report: Report, sides: tuple[int, ...]) -> None:
    """Measure the memory that canvases of several sizes take, beside the image itself."""
    rows: list[Row] = []
    for side in sides:
        say(f"memory of {side} x {side}")
        command = [sys.executable, str(HERE / "synth_speed.py"), "--alone", str(side)]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE).stdout)
        rows.append({"side": side, "MiB beside the image": told["above"] / 2**20, "image, MiB": told["output"] / 2**20})
    report.table("memory", rows)
    report.claim("MiB beside the largest image", rows[-1]["MiB beside the image"], most=2048)


def _alone(side: int) -> str:
    mask = RepeatedMask(side)
    before = peak_bytes()
    result = napari_microdiff.synthesize(mask, model=MODEL, steps=MEMORY_STEPS, axes="YX", **UNGUIDED).sample
    assert result is not None
    return json.dumps({"above": peak_bytes() - before - result.nbytes, "output": result.nbytes})


def main(alone: int = typer.Option(0, hidden=True), quick: QuickOption = False, out: OutOption = None) -> None:
    """Measure with the bundled model."""
    if alone:
        print(_alone(alone))
        return
    side, steps, repeats, canvas = (192, 2, 1, 1024) if quick else (SIDE, STEPS, 5, 4096)
    report = Report("synth_speed", {"model": MODEL, "steps": steps, "canvas": canvas, "canvas steps": CANVAS_STEPS})
    after_an_edit(report, side, steps, repeats)
    memory(report, (canvas // 4, canvas // 2, canvas))
    seams(report, canvas, min(steps, CANVAS_STEPS))
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
