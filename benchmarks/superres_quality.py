"""How near is the super-resolved image to the sharp one? All methods on the same images, blurred and binned."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tifffile
import torch
import typer
from common import DATA, PEERS, DataOption, Image, OutOption, PeersOption, QuickOption, best_of, run_peer
from fineness import correlations_apart, spectra_apart
from peers.plain_superres_unet import superresolve as superresolve_plain
from peers.superres_pairs import BLUR, NOISES, normal, on_fine_pixels
from report import Report, Row, earlier_notes, earlier_row, mean_rows, say
from scipy import signal
from skimage.restoration import richardson_lucy

import napari_microdiff
from napari_microdiff.engine.events import Result
from napari_microdiff.imaging import quality, structures
from napari_microdiff.imaging.finer import FINER_RADIUS, finer_filter
from napari_microdiff.imaging.intensity import Normalization
from napari_microdiff.imaging.optics import Binning, Blur, PointSpread
from napari_microdiff.imaging.spectrum import measure_spectrum
from napari_microdiff.models.store import list_models
from napari_microdiff.tasks.conditioning import on_finer_pixels

CUBIC, LINEAR, LUCY = "cubic interpolation", "best linear estimate", "Richardson-Lucy, best iterations"
PLAIN = "plain U-Net, same size and training"
PLAIN_WEIGHTS = Path(__file__).parent / "peers" / "plain"
CARE = "CARE, trained for this blur, factor and noise"
CARE_WEIGHTS = Path("runs/peers/care")
TWICE = "ours, 1 evaluation of x2 and another one of what it made"
ONE, MEAN, SAMPLE = "ours, 1 evaluation", "ours, mean of samples", "ours, one sample"
ITERATIONS = (3, 6, 10, 20, 40, 80)
BORDER = 32
MARGIN = 12  # pixels of the sharp image around what is compared, so that light comes from beyond its borders, too
HELD_OUT = (170, 200, 230)  # planes of the volumes, in the third that no model was trained on


@dataclass(frozen=True)
class Scene:
    """A sharp image, and what was recorded of it, with and without noise."""

    name: str
    model: str
    sharp: Image
    factor: int
    noise: float  # standard deviation, in the units of the image
    recorded: Image
    noiseless: Image
    psf: PointSpread


def sharp_images(data: Path | None, side: int) -> tuple[list[tuple[str, str, Image]], str]:
    """Return names, models and sharp images that no model was trained on; simulated ones where there are no others.

    They have a margin on all sides.
    """
    folder, found, whole = data or DATA, [], side + 2 * MARGIN
    for path in sorted((folder / "gigadb_100888" / "test" / "clean").glob("*.tif")):
        found.append((path.stem, "superres-fluorescence", tifffile.imread(path)[:whole, :whole]))
    for path in sorted((folder / "fib25_medulla" / "volumes").glob("*.tif")):
        volume = tifffile.imread(path, key=HELD_OUT)
        found += [
            (f"{path.stem}, plane {z}", "superres-em", plane[:whole, :whole])
            for z, plane in zip(HELD_OUT, volume, strict=True)
        ]
    if found:
        return found, "real images"
    rng = np.random.default_rng(0)
    made = 1000 * structures.fluorescence(rng, whole)
    return [("simulated", "superres-fluorescence", made)], "SIMULATED images, since no real ones were found"


def scenes(data: Path | None, side: int, factors: tuple[int, ...] = (2, 4)) -> tuple[list[Scene], str]:
    """Record every image with all factors, without and with noise."""
    images, what = sharp_images(data, side)
    made = []
    for number, (name, model, image) in enumerate(images):
        psf = PointSpread(BLUR)
        for factor in factors:
            rows, columns = (2 * MARGIN + (length - 2 * MARGIN) // factor * factor for length in image.shape)
            whole = image[:rows, :columns].astype(np.float64)
            sharp, around = whole[MARGIN:-MARGIN, MARGIN:-MARGIN], MARGIN // factor
            seen = Binning(factor).forward(Blur(psf.kernel(factor), whole.shape).forward(whole))
            seen = seen[around:-around, around:-around]
            for words, share in NOISES.items():
                noise = share * float(np.ptp(sharp))
                rng = np.random.default_rng([number, factor])
                recorded = (seen + noise * rng.standard_normal(seen.shape)).astype(np.float32)
                made.append(Scene(f"{name}, x{factor}, {words}", model, sharp, factor, noise, recorded, seen, psf))
    return made, what


def classical(scene: Scene) -> Iterator[tuple[str, Callable[[], Image]]]:
    """Yield what there is without a network."""

    def cubic() -> Image:
        return on_fine_pixels(scene.recorded, scene.factor).astype(np.float64)

    def linear() -> Image:
        normal = Normalization.fit(scene.recorded[None])
        shown = normal.apply(scene.recorded)
        level = max(scene.noise / normal.scale, 1e-3)
        kernels = finer_filter(measure_spectrum(shown[None]).powers, scene.psf, scene.factor, level).kernels
        wider = torch.from_numpy(np.pad(shown, FINER_RADIUS, mode="symmetric"))[None, None]
        return normal.undo(on_finer_pixels(wider, kernels)[0, 0].numpy())

    def lucy() -> Image:
        box = np.full((scene.factor, scene.factor), 1 / scene.factor**2)
        psf = signal.fftconvolve(scene.psf.kernel(scene.factor), box)
        start = np.pad(cubic(), BORDER, mode="symmetric")  # for it takes all beyond the border for black
        low, span = float(start.min()), float(np.ptp(start))
        positive = (start - low) / span + 1e-3
        images = {n: low + span * (richardson_lucy(positive, psf, num_iter=n, clip=False) - 1e-3) for n in ITERATIONS}
        inner = (slice(BORDER, -BORDER),) * 2
        return best_of(scene.sharp, {n: image[inner] for n, image in images.items()})[1]

    yield CUBIC, cubic
    yield LINEAR, linear
    yield LUCY, lucy


@dataclass(frozen=True)
class Trained:
    """Where the peers are that were trained, and what runs CARE."""

    plain: Path
    care: Path
    python: Path


def networks(scene: Scene, trained: Trained) -> Iterator[tuple[str, Callable[[], Image]]]:
    """Yield networks that were trained on the images of the scene's model, if there are any."""
    weights, folder = trained.plain / f"{scene.model}.pt", trained.care / f"{scene.model}-x{scene.factor}"
    if weights.exists():
        yield PLAIN, lambda: superresolve_plain(weights, scene.recorded, scene.factor, BLUR)
    if trained.python.exists() and (folder / "training.json").exists():
        yield CARE, lambda: care(scene, folder, trained.python)


def care(scene: Scene, folder: Path, python: Path) -> Image:
    """Restore the interpolated image."""
    fine = on_fine_pixels(scene.recorded, scene.factor)
    offset, scale = normal(fine)
    made = run_peer(python, "run_care.py", (fine - np.float32(offset)) / np.float32(scale), folder, mode="restore")
    assert made is not None
    return offset + scale * made["image"].astype(np.float64)


def ours(scene: Scene, steps: int, samples: int) -> Iterator[tuple[str, Callable[[], Image]]]:
    """Yield the ways of this package."""
    drawn: dict[str, Result] = {}

    def mean() -> Image:
        drawn["result"] = run(scene, steps=steps, samples=samples, outputs=("mean", "sample"))
        return drawn["result"].mean

    if scene.factor == 4:
        yield (
            TWICE,
            lambda: run(replace(scene, factor=2, recorded=twice_as_fine(scene)), blur=0, outputs=("mean",)).mean,
        )
    yield ONE, lambda: run(scene, outputs=("mean",)).mean
    yield MEAN, mean
    yield SAMPLE, lambda: drawn["result"].sample


def twice_as_fine(scene: Scene, blur: float = BLUR) -> Image:
    """Return what one evaluation makes of the recorded image on pixels twice as fine."""
    return run(replace(scene, factor=2), blur=blur, outputs=("mean",)).mean


def run(scene: Scene, **fields: object) -> Result:
    """Super-resolve the recorded image, its blur told."""
    level = 0.0 if scene.noise == 0 else None
    told = {"factor": scene.factor, "blur": BLUR, "noise_level": level, "model": scene.model, "axes": "YX"}
    return napari_microdiff.superresolve(scene.recorded, **{**told, **fields})


def measures(scene: Scene, image: Image) -> Row:
    """Return the figures of an estimate."""
    correlation = quality.fourier_ring_correlation(scene.sharp, image)
    residual = scene.recorded - measured(scene, image)
    pairs = ((residual[:, 1:] * residual[:, :-1]).sum() + (residual[1:] * residual[:-1]).sum()) / 2
    return {
        "PSNR dB": quality.psnr(scene.sharp, image, affine=False),
        "SSIM": quality.ssim(scene.sharp, image, affine=False),
        "HF energy": quality.high_frequency_energy(scene.sharp, image),
        "resolution px": quality.resolution(*correlation, threshold=0.5),
        "spectra apart dB": spectra_apart(scene.sharp, image),
        "own FRC apart": correlations_apart(scene.sharp, image),
        "largest residual": float(np.abs(residual).max() / np.ptp(scene.recorded)),
        "residual / noise": float(residual.std() / scene.noise) if scene.noise else None,
        "neighbours": float(pairs / (residual**2).sum()) if scene.noise else None,
    }


def measured(scene: Scene, image: Image) -> Image:
    """Return what would be recorded of an image without noise."""
    blurred = Blur(scene.psf.kernel(scene.factor), image.shape).forward(image.astype(np.float64))
    return Binning(scene.factor).forward(blurred)


def study(report: Report, scene: Scene, steps: int, samples: int, trained: Trained, *, keep: bool) -> list[Row]:
    """Run all methods on one scene. What networks make that are not at hand does not depend on ours: it is kept."""
    rows, others = [], dict(networks(scene, trained))
    for name, method in (*classical(scene), *others.items(), *ours(scene, steps, samples)):
        say(f"{scene.name}: {name}")
        rows.append({"method": name, **measures(scene, method())})
    for peer in (CARE, PLAIN):
        if peer not in others and keep and (earlier := earlier_row(report.benchmark, [scene.name], peer)):
            rows.insert(len(rows) - 3, earlier)
            said = f"{scene.model}, from an earlier run on the same images: {peer}."
            if said not in report.notes:
                report.note(said)
    report.table(scene.name, rows)
    kind = f"x{scene.factor}, {'noise' if scene.noise else 'no noise'}"
    return [{**row, "kind": kind, "scene": scene.name, "factor": scene.factor} for row in rows]


def note_training(report: Report, trained: Trained, names: Iterable[str], *, keep: bool) -> None:
    """Say how long each CARE was trained, also those of which earlier figures are kept."""
    for name in names:
        path = trained.care / name / "training.json"
        if trained.python.exists() and path.exists():
            facts = json.loads(path.read_text(encoding="utf-8"))
            told = f"{facts['steps']} steps in {facts['minutes']:.0f} min of one core"
            report.note(f"{name}: CARE of CAREamics {facts['version']}, {told}.")
        elif keep:
            for note in earlier_notes(report.benchmark, f"{name}: CARE"):
                report.note(note)


def judge(report: Report, rows: list[Row]) -> None:
    """Average over the images, and hold the averages against what is promised."""
    for kind in dict.fromkeys(row["kind"] for row in rows):
        report.table(f"mean, {kind}", mean_rows([row for row in rows if row["kind"] == kind], "method"))

    def mean(method: str, measure: str, factor: int | None = None) -> float:
        picked = [row[measure] for row in rows if row["method"] == method and factor in (None, row["factor"])]
        return statistics.fmean(picked)

    for factor in sorted({row["factor"] for row in rows}):
        for bar, least in ((CUBIC, 2.0), (LUCY, 1.0)):
            gain = mean(ONE, "PSNR dB", factor) - mean(bar, "PSNR dB", factor)
            report.claim(f"x{factor}, 1 evaluation over {bar}, dB", gain, least=least if factor == 2 else 0.0)
    for peer, least in ((PLAIN, -0.1), (CARE, 0.0)):
        compared = {row["scene"]: row["PSNR dB"] for row in rows if row["method"] == peer}
        gains = [r["PSNR dB"] - compared[r["scene"]] for r in rows if r["method"] == ONE and r["scene"] in compared]
        if gains:
            words = f"1 evaluation over {'the ' if peer == PLAIN else ''}{peer}, {len(gains)} scenes, dB"
            report.claim(words, statistics.fmean(gains), least=least)
    if any(row["method"] == TWICE for row in rows):
        gain = mean(ONE, "PSNR dB", 4) - mean(TWICE, "PSNR dB", 4)
        report.claim("x4, 1 evaluation over x2 and x2 again, dB", gain, least=0)
    same = mean(MEAN, "PSNR dB") - mean(ONE, "PSNR dB")
    report.claim("mean of samples against 1 evaluation, dB", same, least=-0.1)
    off = {name: abs(np.log(mean(name, "HF energy"))) for name in (ONE, SAMPLE)}
    nearer = float(off[ONE] - off[SAMPLE])
    report.claim("fine power of a sample, nearer to the truth than that of the mean by", nearer, least=0)
    mine = [row for row in rows if row["method"] in (ONE, SAMPLE)]
    for words, column in (("power spectrum", "spectra apart dB"), ("ring correlation by itself", "own FRC apart")):
        nearer = mean(MEAN, column) - mean(SAMPLE, column)
        report.claim(f"{words} of a sample, nearer to the truth's than that of the mean by", nearer, least=0)
    quiet = max((row["largest residual"] for row in mine if row["residual / noise"] is None), default=float("nan"))
    report.claim("without noise: largest residual, of the range", quiet, most=1e-4)
    drawn = [row for row in mine if row["method"] == SAMPLE and row["residual / noise"] is not None]
    if drawn:
        variance = statistics.fmean(row["residual / noise"] ** 2 for row in drawn)
        report.claim("with noise: variance of a sample's residual over the noise's", variance, least=0.95, most=1.05)
        neighbours = statistics.fmean(abs(row["neighbours"]) for row in drawn)
        report.claim("with noise: correlation of neighbours in a sample's residual", neighbours, most=0.05)
        least, most = (end(row["residual / noise"] ** 2 for row in drawn) for end in (min, max))
        least_alike, most_alike = (end(row["neighbours"] for row in drawn) for end in (min, max))
        report.note(
            f"With noise these are means: of single scenes the variance of a sample's residual is {least:.2f} to "
            f"{most:.2f} of the noise's, and its neighbours correlate by {least_alike:+.2f} to {most_alike:+.2f}."
        )


def main(
    data: DataOption = None,
    quick: QuickOption = False,
    out: OutOption = None,
    plain: Annotated[Path, typer.Option(help="Folder with weights from peers/plain_superres_unet.py.")] = PLAIN_WEIGHTS,
    care_weights: Annotated[
        Path, typer.Option("--care", help="Folder in which peers/run_care.py trained.")
    ] = CARE_WEIGHTS,
    peers: PeersOption = PEERS,
) -> None:
    """Compare all methods on sharp images that were blurred, binned and made noisy."""
    side, steps, samples = (128, 2, 2) if quick else (512, 8, 8)
    found, what = scenes(data, side)
    known = {model.card.id for model in list_models()}
    used = [scene for scene in found if scene.model in known]
    told = {"data": what, "side": side, "blur px": BLUR, "noise": NOISES["noise"]}
    report = Report("superres_quality", {**told, "steps": steps, "samples": samples})
    report.note(f"On {what}, blurred by a Gaussian of {BLUR} recorded pixels, which all methods may know.")
    for model in sorted({scene.model for scene in found} - known):
        report.note(f"Left out, because it is not installed: {model}.")
    rows: list[Row] = []
    trained = Trained(plain, care_weights, peers)
    names = dict.fromkeys(f"{scene.model}-x{scene.factor}" for scene in used)
    note_training(report, trained, names, keep=not quick)
    for scene in used[:2] if quick else used:
        rows += study(report, scene, steps, samples, trained, keep=not quick)
    judge(report, rows)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
