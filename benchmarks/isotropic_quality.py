"""How near is what is drawn between slices to the slices that were left out? Isotropic volumes, most slices unseen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tifffile
import typer
from common import DATA, DataOption, Image, OutOption, QuickOption
from report import Report, Row, mean_rows, say
from scipy import ndimage
from scipy.interpolate import CubicSpline

import napari_microdiff
from napari_microdiff.engine.events import Result
from napari_microdiff.imaging import quality
from napari_microdiff.imaging.tissue import tissue_volume
from napari_microdiff.models.store import FOLDER_VARIABLE
from napari_microdiff.training.adapted import Adapted
from napari_microdiff.training.isotropic.adapt import adapt

MODEL, DENOISER = "isotropic-em", "denoise-em"
LINEAR, CUBIC = "linear interpolation", "cubic interpolation"
ONE, MEAN, SAMPLE = "ours, 1 evaluation", "ours, mean of samples", "ours, one sample"
ADAPTED = "ours, adapted to the stack, 1 evaluation"
BY_PRIOR, SAMPLE_BY_PRIOR = "ours, a denoiser as prior, mean of samples", "ours, a denoiser as prior, one sample"
FIRST = 169  # of the last third of the volumes, on which no model was trained
MIDDLE = 5  # the factor that promises are made for
FACTORS = (2, MIDDLE, 10)
WIDE = 250  # pixels of a side of the slices that the model is adapted to


@dataclass(frozen=True)
class Scene:
    """A volume, and which of its slices are shown."""

    name: str
    volume: Image  # begins and ends with a slice that is shown
    factor: int
    wider: Image  # the same slices as they were recorded, of which the volume shows the middle

    @property
    def shown(self) -> Image:
        """The slices that all methods see."""
        return self.volume[:: self.factor]

    @property
    def hidden(self) -> Image:
        """Whether each slice was left out."""
        return np.arange(len(self.volume)) % self.factor > 0


def scenes(data: Path | None, side: int, depth: int) -> tuple[list[Scene], str]:
    """Return the held-out third of each volume with all factors; a simulated one where there are none."""
    volumes, what = [], "real volumes"
    for path in sorted(((data or DATA) / "fib25_medulla" / "volumes").glob("*.tif")):
        volume = tifffile.imread(path)[FIRST:]
        volumes.append((path.stem, volume[:depth]))
    if not volumes:
        volumes, what = [("simulated", tissue_volume((depth, WIDE, WIDE)))], "a SIMULATED volume, for want of real ones"
    made = []
    for name, volume in volumes:
        start = (volume.shape[1] - side) // 2
        middle = (slice(None), slice(start, start + side), slice(start, start + side))
        for factor in FACTORS:
            wider = volume[: (len(volume) - 1) // factor * factor + 1].astype(np.float32)
            made.append(Scene(f"{name}, factor {factor}", wider[middle], factor, wider))
    return made, what


def methods(scene: Scene, steps: int, samples: int, adapting: int) -> Iterator[tuple[str, Callable[[], Image]]]:
    """Yield the ways to fill in slices; samples are drawn for the middle factor only."""
    at, every = np.arange(0, len(scene.volume), scene.factor), np.arange(len(scene.volume))

    def linear() -> Image:
        places = np.meshgrid(every / scene.factor, *map(np.arange, scene.volume.shape[1:]), indexing="ij")
        return ndimage.map_coordinates(scene.shown, places, order=1)

    yield LINEAR, linear
    yield CUBIC, lambda: CubicSpline(at, scene.shown, axis=0)(every)
    yield ONE, lambda: run(scene, outputs=("mean",), steps=1).mean
    if scene.factor == MIDDLE:
        yield from of_samples(scene, (MEAN, SAMPLE), steps=steps, samples=samples)
        yield ADAPTED, lambda: run(scene, outputs=("mean",), steps=1, model=adapted(scene, adapting)).mean
        yield from of_samples(scene, (BY_PRIOR, SAMPLE_BY_PRIOR), steps=steps, samples=samples, model=DENOISER)


def of_samples(scene: Scene, names: tuple[str, str], **fields: object) -> Iterator[tuple[str, Callable[[], Image]]]:
    """Yield the mean of samples and one of them, which are drawn once."""
    drawn: dict[str, Result] = {}

    def mean() -> Image:
        drawn["result"] = run(scene, outputs=("mean", "sample"), **fields)
        return drawn["result"].mean

    yield names[0], mean
    yield names[1], lambda: drawn["result"].sample


def run(scene: Scene, model: str = MODEL, **fields: object) -> Result:
    """Make the shown slices isotropic."""
    return napari_microdiff.isotropic(scene.shown, factor=scene.factor, model=model, axes="ZYX", **fields)


def adapted(scene: Scene, steps: int) -> str:
    """Adapt the model to the slices that are shown, and to no other; return what it is called then."""
    *_, last = adapt(MODEL, scene.wider[:: scene.factor], factor=scene.factor, axes="ZYX", steps=steps)
    assert isinstance(last, Adapted)
    return last.model_id


def measures(scene: Scene, image: Image) -> Row:
    """Return the figures of a volume."""
    hidden = scene.hidden
    correlation = quality.fourier_ring_correlation(scene.volume, image)
    error = np.square(image[hidden] - scene.volume[hidden], dtype=np.float64).mean()
    steps, truth = (np.sqrt(np.square(np.diff(v, axis=0)).mean(axis=(1, 2))) for v in (image, scene.volume))
    beside = (hidden[1:] ^ hidden[:-1]) if scene.factor > 2 else np.ones(len(steps), bool)
    within = ~beside if scene.factor > 2 else beside
    return {
        "PSNR dB": float(10 * np.log10(np.ptp(scene.volume) ** 2 / error)),
        "resolution px": quality.resolution(*correlation, threshold=0.5),
        "steps from slices": float(np.mean(steps[beside] / truth[beside])),
        "steps between": float(np.mean(steps[within] / truth[within])),
    }


def judge(report: Report, rows: list[Row]) -> None:
    """Average over the volumes, and hold the averages against what is promised."""
    for factor in FACTORS:
        mine = [row for row in rows if row["factor"] == factor]
        report.table(f"mean, factor {factor}", mean_rows(mine, "method"))
    mine = {row["method"]: row for row in mean_rows([row for row in rows if row["factor"] == MIDDLE], "method")}
    for bar in (LINEAR, CUBIC):
        gain = mine[ONE]["PSNR dB"] - mine[bar]["PSNR dB"]
        report.claim(f"factor {MIDDLE}, 1 evaluation over {bar}, dB", gain, least=1.5)
        finer = mine[bar]["resolution px"] - mine[ONE]["resolution px"]
        report.claim(
            f"factor {MIDDLE}, resolution (Fourier shells) finer than that of {bar} by, pixels", finer, least=0
        )
    more = mine[ADAPTED]["PSNR dB"] - mine[ONE]["PSNR dB"]
    report.claim(f"factor {MIDDLE}, adapted to the stack over not adapted, dB", more, least=0)
    by_prior = mine[BY_PRIOR]["PSNR dB"] - mine[LINEAR]["PSNR dB"]
    report.claim(f"factor {MIDDLE}, a denoiser as prior over {LINEAR}, dB", by_prior, least=0)
    for words in ("steps from slices", "steps between"):
        report.claim(
            f"factor {MIDDLE}, one sample: {words} over those of the truth", mine[SAMPLE][words], least=0.9, most=1.1
        )


def main(data: DataOption = None, quick: QuickOption = False, out: OutOption = None) -> None:
    """Compare all methods on volumes of which most slices are not shown."""
    side, depth, steps, samples, adapting = (48, 21, 2, 2, 2) if quick else (144, 81, 8, 2, 300)
    found, what = scenes(data, side, depth)
    told = {"data": what, "side": side, "depth": depth, "steps": steps, "samples": samples, "adapting": adapting}
    report = Report("isotropic_quality", told)
    report.note(f"On {what} of {depth} x {side} x {side} voxels, of which every second, fifth or tenth slice is shown.")
    report.note("Figures are of the slices that were left out, and the resolution is where shells correlate by .5.")
    report.note(f"Adapted is the model in {adapting} steps, to the shown slices in their full width.")
    report.note(
        f"The prior is {DENOISER}, which was never shown a stack; it draws four samples where fewer are asked for."
    )
    rows: list[Row] = []
    with TemporaryDirectory() as store:
        os.environ[FOLDER_VARIABLE] = store  # adapted models are not kept
        for scene in found[:2] if quick else found:
            made = []
            for name, method in methods(scene, steps, samples, adapting):
                say(f"{scene.name}: {name}")
                made.append({"method": name, **measures(scene, method())})
            report.table(scene.name, made)
            rows += [{**row, "factor": scene.factor} for row in made]
    judge(report, rows)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
