"""How good is super-resolution by a model that was never trained for it? Factor 3, that no model was trained for."""

from __future__ import annotations

import statistics

import typer
from common import DataOption, Image, OutOption, QuickOption
from report import Report, Row, mean_rows, say
from superres_quality import BLUR, CUBIC, LINEAR, NOISES, Scene, classical, measures, scenes

import napari_microdiff

FACTOR = 3
MEAN, SAMPLE = "ours, a denoiser as prior, mean", "ours, a denoiser as prior, one sample"
PRIORS = {"superres-fluorescence": "denoise-fluorescence", "superres-em": "denoise-em"}


def by_prior(scene: Scene, steps: int, samples: int) -> dict[str, Image]:
    """Super-resolve the recorded image, its blur told, with a model that denoises."""
    level = 0.0 if scene.noise == 0 else None
    fields = {"model": PRIORS[scene.model], "axes": "YX", "steps": steps, "samples": samples}
    result = napari_microdiff.superresolve(
        scene.recorded, factor=FACTOR, blur=BLUR, noise_level=level, outputs=("mean", "sample"), **fields
    )
    return {MEAN: result.mean, SAMPLE: result.sample}


def main(data: DataOption = None, quick: QuickOption = False, out: OutOption = None) -> None:
    """Compare it with what there is without any model."""
    side, steps, samples = (96, 8, 2) if quick else (384, 12, 4)
    found, what = scenes(data, side, (FACTOR,))
    told = {"data": what, "side": side, "factor": FACTOR, "blur px": BLUR, "noise": NOISES["noise"]}
    report = Report("superres_by_prior", {**told, "steps": steps, "samples": samples})
    report.note(f"On {what}, pixels {FACTOR} times finer, blurred by a Gaussian of {BLUR} recorded pixels, which all")
    report.note("methods may know. No network here was trained for a blur or for finer pixels.")
    rows: list[Row] = []
    for scene in found[:2] if quick else found:
        kind = "noise" if scene.noise else "no noise"
        say(f"{scene.name}")
        made = {name: method() for name, method in classical(scene)} | by_prior(scene, steps, samples)
        rows += [{"method": name, **measures(scene, image), "kind": kind} for name, image in made.items()]
    for kind in NOISES:
        mine = [row for row in rows if row["kind"] == kind]
        if not mine:
            continue
        report.table(f"mean, {kind}", mean_rows(mine, "method"))
        decibels = {
            name: statistics.fmean(row["PSNR dB"] for row in mine if row["method"] == name)
            for name in (CUBIC, LINEAR, MEAN)
        }
        for bar in (CUBIC, LINEAR):
            report.claim(f"{kind}: mean over {bar}, dB", decibels[MEAN] - decibels[bar], least=0.0)
    drawn = [row for row in rows if row["method"] == SAMPLE]
    quiet = [row["largest residual"] for row in drawn if row["kind"] == "no noise"]
    report.claim("without noise: largest residual of a sample, of the range", max(quiet), most=1e-4)
    noisy = [row for row in drawn if row["kind"] == "noise"]
    if noisy:
        variance = statistics.fmean(row["residual / noise"] ** 2 for row in noisy)
        report.claim("with noise: variance of a sample's residual over the noise's", variance, least=0.95, most=1.05)
        neighbours = statistics.fmean(abs(row["neighbours"]) for row in noisy)
        report.claim("with noise: correlation of neighbours in a sample's residual", neighbours, most=0.05)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
