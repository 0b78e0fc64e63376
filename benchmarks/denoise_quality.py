"""How good is the denoised image? All methods on the same crops of the same pairs, against the clean partner."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from common import (
    PEERS,
    DataOption,
    Image,
    OutOption,
    Pair,
    PeersOption,
    QuickOption,
    best_gaussian,
    best_of,
    load_pairs,
    measures,
    run_peer,
)
from peers.plain_unet import denoise as denoise_plain
from report import Report, Row, mean_rows, say
from skimage.restoration import denoise_nl_means

import napari_microdiff
from napari_microdiff.imaging.noise import noise_sigma

GAUSSIAN, N2V = "Gaussian, best sigma", "N2V (CAREamics), trained on the image"
PLAIN = "plain U-Net, same size and training"
ONE, MEAN, SAMPLE, ADAPTED = "ours, 1 evaluation", "ours, mean of samples", "ours, one sample", "ours, adapted"
STRENGTHS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # of the measured noise, for methods that want a noise level

PLAIN_WEIGHTS = Path(__file__).parent / "peers" / "plain"

Made = tuple[Image, str]  # an image and how it was made


def classical(pair: Pair) -> Iterator[tuple[str, Callable[[], Made]]]:
    """Yield filters whose strength is chosen with the truth, which no user has."""
    sigma = noise_sigma(pair.noisy, "YX") or 1e-3
    noisy = pair.noisy.astype(np.float64)

    def gaussian() -> Made:
        best, image = best_gaussian(pair.clean, noisy)
        return image, f"sigma {best:.2f} px"

    def non_local_means() -> Made:
        images = {
            s: denoise_nl_means(noisy, patch_size=5, patch_distance=6, h=0.8 * s * sigma, sigma=s * sigma)
            for s in STRENGTHS
        }
        best, image = best_of(pair.clean, images)
        return image, f"sigma {best * sigma:.3g}"

    yield "noisy", lambda: (noisy, "")
    yield GAUSSIAN, gaussian
    yield "non-local means (scikit-image), best", non_local_means


def peers(pair: Pair, python: Path, epochs: int, plain: Path) -> Iterator[tuple[str, Callable[[], Made | None]]]:
    """Yield methods that run in the peers' environment."""
    sigma = noise_sigma(pair.noisy, "YX") or 1e-3

    def bm3d() -> Made | None:
        made = run_peer(python, "run_bm3d.py", pair.noisy, *(s * sigma for s in STRENGTHS))
        if made is None:
            return None
        best, image = best_of(pair.clean, dict(zip(STRENGTHS, made["images"], strict=True)))
        return image, f"sigma {best * sigma:.3g}"

    def noise2void() -> Made | None:
        made = run_peer(python, "run_n2v.py", pair.noisy, epochs)
        if made is None:
            return None
        return made["images"][0], f"{int(made['steps'])} steps of 16 x 64² in {float(made['train_seconds']):.0f} s"

    def plain_unet() -> Made | None:
        weights = plain / f"{pair.model}.pt"
        return (denoise_plain(weights, pair.noisy), "1 evaluation") if weights.exists() else None

    yield "BM3D, best sigma", bm3d
    yield PLAIN, plain_unet
    yield N2V, noise2void


def ours(pair: Pair, samples: int, steps: int, adapting: int) -> Iterator[tuple[str, Callable[[], Made | None]]]:
    """Yield the ways of this package."""
    drawn: dict[str, Any] = {}

    def run(**fields: Any) -> Any:
        return napari_microdiff.denoise(pair.noisy, model=pair.model, axes="YX", **fields)

    def mean() -> Made:
        drawn["result"] = run(steps=steps, samples=samples, outputs=("mean", "sample"))
        return drawn["result"].mean, f"{samples} samples of {steps} steps"

    def by_prior() -> Made:
        return run(steps=steps, outputs=("sample",), start="measured-noise").sample, f"prior only, {steps} steps"

    yield ONE, lambda: (run(outputs=("mean",)).mean, "")
    yield MEAN, mean
    yield SAMPLE, lambda: (drawn["result"].sample, f"{steps} steps")
    yield "ours, measured-noise start", by_prior
    yield ADAPTED, lambda: adapted(pair, adapting)


def adapted(pair: Pair, steps: int) -> Made | None:
    """Adapt the model to the noisy image, denoise in one evaluation, and remove the adapted model again."""
    try:
        from napari_microdiff.training.adapted import Adapted
        from napari_microdiff.training.denoise.adapt import adapt
    except ImportError:
        return None
    from napari_microdiff.models.store import remove_model

    started = time.perf_counter()
    events = adapt(pair.model, pair.noisy, name="benchmark", axes="YX", steps=steps)
    done = next(event for event in events if isinstance(event, Adapted))
    seconds = time.perf_counter() - started
    try:
        image = napari_microdiff.denoise(pair.noisy, model=done.model_id, axes="YX", outputs=("mean",)).mean
    finally:
        remove_model(done.model_id)
    return image, f"{steps} steps in {seconds:.0f} s, without the truth"


def measure(pair: Pair, report: Report, methods: Iterator[tuple[str, Callable[[], Made | None]]]) -> list[Row]:
    """Run all methods on one pair."""
    rows: list[Row] = []
    absent: list[str] = []
    for name, method in methods:
        say(f"{pair.name}: {name}")
        made = method()
        if made is None:
            absent.append(name)
            continue
        rows.append({"method": name, **measures(pair.clean, made[0]), "how": made[1], "image": pair.name})
    if absent:
        report.note(f"Left out for {pair.name}, because they are not installed: {', '.join(absent)}.")
    bar = next(row["PSNR dB"] for row in rows if row["method"] == GAUSSIAN)
    return [{"method": row["method"], "dB over Gaussian": row["PSNR dB"] - bar, **row} for row in rows]


def judge(report: Report, rows: list[Row]) -> None:
    """Average over the images, each method over the same ones, and hold the averages against what is promised."""
    images = {row["image"] for row in rows}
    of = {name: {row["image"]: row for row in rows if row["method"] == name} for name in (r["method"] for r in rows)}
    means = mean_rows([row for row in rows if of[row["method"]].keys() == images], "method")
    report.table("mean over the images", means)
    by = {row["method"]: row for row in means}

    def gain(method: str, over: str) -> float:
        both = of[method].keys() & of[over].keys()
        return float(np.mean([of[method][image]["PSNR dB"] - of[over][image]["PSNR dB"] for image in both]))

    for name in of.keys() - by.keys():
        report.note(
            f"{name}: on {len(of[name])} of {len(images)} images only, where it is {gain(name, GAUSSIAN):+.2f} dB over "
            f"the Gaussian; 1 evaluation of ours is {gain(ONE, name):+.2f} dB better than it."
        )

    report.claim("1 evaluation over the best Gaussian, dB", gain(ONE, GAUSSIAN), least=1.0)
    if N2V in by:
        report.claim("1 evaluation over N2V, dB (adapted, where this is not met)", gain(ONE, N2V), least=0.0)
    if N2V in by and ADAPTED in by:
        report.claim("adapted over N2V, dB", gain(ADAPTED, N2V), least=0.0)
    if PLAIN in of:
        report.claim("1 evaluation over the plain U-Net, dB", gain(ONE, PLAIN), least=-0.1)
    report.claim("mean of samples against 1 evaluation, dB", gain(MEAN, ONE), least=-0.1, most=0.1)
    sharper = by[SAMPLE]["HF energy"] / max(by[ONE]["HF energy"], 1e-12)
    report.claim("high-frequency energy of a sample to that of the mean", float(sharper), least=1.0)


def main(
    data: DataOption = None,
    quick: QuickOption = False,
    out: OutOption = None,
    python: PeersOption = PEERS,
    full: Annotated[bool, typer.Option("--full", help="Whole images instead of their first 512 x 512.")] = False,
    plain: Annotated[Path, typer.Option(help="Folder with weights from peers/plain_unet.py.")] = PLAIN_WEIGHTS,
    n2v_epochs: Annotated[int, typer.Option(help="Epochs of N2V, of 20 steps each at 512 x 512.")] = 50,
) -> None:
    """Compare all methods on the test pairs."""
    side, samples, steps, epochs, adapting = (
        (192, 2, 3, 1, 1) if quick else (None if full else 512, 8, 8, n2v_epochs, 300)
    )
    pairs, what = load_pairs(data)
    report = Report(
        "denoise_quality",
        {"data": what, "side": side, "samples": samples, "steps": steps, "sampler": "dpmpp-2m", "n2v_epochs": epochs},
    )
    report.note(f"On {what}, {'whole' if side is None else f'the first {side} x {side}'}.")
    rows: list[Row] = []
    for pair in (pair.crop(side) for pair in pairs):
        methods = (*classical(pair), *peers(pair, python, epochs, plain), *ours(pair, samples, steps, adapting))
        found = measure(pair, report, iter(methods))
        report.table(pair.name, [{k: v for k, v in row.items() if k != "image"} for row in found])
        rows += found
    judge(report, rows)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
