"""How fast is it? Ratios to the peers in one run, and the share of what the machine can multiply."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from common import (
    HERE,
    PEERS,
    DataOption,
    Image,
    OutOption,
    Pair,
    PeersOption,
    QuickOption,
    load_pairs,
    run_peer,
    timed,
)
from peers import groupnorm_unet
from profiling import share_of_machine, synchronised
from report import Report, Row, say

import napari_microdiff
from napari_microdiff.diffusion.denoiser import Preconditioned
from napari_microdiff.engine.device import choose_device, choose_precision, torch_dtype
from napari_microdiff.imaging.noise import noise_sigma
from napari_microdiff.models.build import load_denoiser
from napari_microdiff.models.store import find_model

STEPS = 20  # of the U-Net with GroupNorm
OURS, RAW = "ours, 1 evaluation, image to image", "ours, the network alone"
N2V, N2V_RAW = "N2V (CAREamics), image to image", "N2V (CAREamics), its network alone"


def square(image: Image, side: int) -> Image:
    """Cut or reflect an image to a square."""
    image = image[:side, :side]
    return np.pad(image, [(0, side - length) for length in image.shape], mode="symmetric")


def recorded_call(denoiser: Preconditioned, run: Callable[[], object]) -> Callable[[], object]:
    """Return the first evaluation of the denoiser in a run, to be repeated by itself."""
    calls: list[tuple[Any, Any]] = []
    hook = denoiser.register_forward_pre_hook(lambda _, args, named: calls.append((args, named)), with_kwargs=True)
    run()
    hook.remove()
    arguments, named = calls[0]

    def evaluate() -> object:
        with torch.inference_mode():
            return denoiser(*arguments, **named)

    return evaluate


def preview(report: Report, pair: Pair, device: torch.device, python: Path, quick: bool) -> Callable[[], object]:
    """Time a preview of 512 x 512 against the peers; return one evaluation of our network."""
    side = 128 if quick else 512
    image = square(pair.noisy, side)
    repeats = 1 if quick else 7

    def run() -> object:
        return napari_microdiff.denoise(image, model=pair.model, axes="YX", device=str(device))

    denoiser = load_denoiser(find_model(pair.model), device)
    evaluate = recorded_call(denoiser, run)
    denoiser.precision = torch_dtype(choose_precision("auto", device))  # as in the run, which has its own
    parameters = groupnorm_unet.count(denoiser)
    say(f"preview, {side} x {side}: ours")
    rows: list[Row] = [
        {"method": OURS, "seconds": timed(run, repeats).median, "parameters": parameters},
        {"method": RAW, "seconds": timed(synchronised(evaluate, device), repeats).median, "parameters": parameters},
    ]
    rows.append(_groupnorm(report, image, parameters, device, quick))
    say("N2V")
    made = run_peer(python, "run_n2v.py", image, 1)
    if made is None:
        report.note("N2V: left out, because it is not installed.")
    else:
        size = int(made["parameters"])
        rows.append({"method": N2V, "seconds": float(made["predict_seconds"]), "parameters": size})
        rows.append({"method": N2V_RAW, "seconds": float(made["forward_seconds"]), "parameters": size})
    _finish(report, f"preview, {side} x {side}", rows)
    by = {row["method"]: row["times ours"] for row in rows}
    report.claim(f"preview against a GroupNorm U-Net of {STEPS} steps, times faster", by["GroupNorm U-Net"], least=10)
    if N2V in by:
        report.claim("preview against N2V's prediction, image to image, times faster", by[N2V], least=1)
    return evaluate


def _groupnorm(report: Report, image: Image, parameters: int, device: torch.device, quick: bool) -> Row:
    network = groupnorm_unet.of_size(parameters).to(device, memory_format=torch.channels_last)
    condition = torch.from_numpy(image.astype(np.float32))[None, None].to(device)
    steps = 2 if quick else STEPS
    seconds = {}
    for precision in (torch.float32, torch.bfloat16):
        say(f"GroupNorm U-Net, {steps} steps, {precision}")

        def draw(precision: torch.dtype = precision) -> object:
            return groupnorm_unet.sample(network, condition, steps, precision)

        groupnorm_unet.sample(network, condition, 1, precision)  # warm up
        seconds[precision] = timed(synchronised(draw, device), repeats=1, warm_up=0).median * STEPS / steps
    best = min(seconds, key=lambda precision: seconds[precision])
    if steps != STEPS:
        report.note(f"The GroupNorm U-Net did {steps} steps; its time is extrapolated to {STEPS}.")
    report.note(f"The GroupNorm U-Net is in {best}, the faster of float32 and bfloat16 here.")
    return {"method": "GroupNorm U-Net", "seconds": seconds[best], "parameters": groupnorm_unet.count(network)}


def _finish(report: Report, title: str, rows: list[Row]) -> None:
    """Add the ratio to ours, which is the first row, and print."""
    for row in rows:
        row["times ours"] = row["seconds"] / rows[0]["seconds"]
    report.table(title, rows)


def large(report: Report, pair: Pair, device: torch.device, python: Path, quick: bool) -> None:
    """Time 2048 x 2048 against BM3D."""
    side, measured = (256, 128) if quick else (2048, 2048)
    image = square(pair.noisy, side)
    say(f"{side} x {side}: ours")
    ours = timed(
        lambda: napari_microdiff.denoise(image, model=pair.model, axes="YX", device=str(device)), 1 if quick else 3
    )
    rows: list[Row] = [{"method": OURS, "seconds": ours.median}]
    say(f"{measured} x {measured}: BM3D")
    made = run_peer(python, "run_bm3d.py", square(pair.noisy, measured), noise_sigma(pair.noisy, "YX") or 1.0)
    if made is None:
        report.note("BM3D: left out, because it is not installed.")
        return
    rows.append({"method": "BM3D", "seconds": float(made["seconds"][0]) * (side / measured) ** 2})
    if measured != side:
        report.note(f"BM3D was timed at {measured} x {measured}; its time is extrapolated by the number of pixels.")
    _finish(report, f"large image, {side} x {side}", rows)
    report.claim(f"{side} x {side} against BM3D, times faster", rows[1]["times ours"], least=1)


def huge(report: Report, device: torch.device, side: int) -> None:
    """Measure the memory that a very large image takes."""
    say(f"memory of {side} x {side}")
    command = [sys.executable, str(HERE / "peak_memory.py"), str(side), str(device)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    gib = {name: found[name] / 2**30 for name in ("above", "before", "output")}
    report.table(
        f"memory, {side} x {side}",
        [
            {
                "interpreter, GiB": gib["before"],
                "output, GiB": gib["output"],
                "above both, GiB": gib["above"],
                "seconds": found["seconds"],
            }
        ],
    )
    report.claim(f"{side} x {side}: memory above interpreter and output, GiB", gib["above"], most=2)


def main(
    data: DataOption = None,
    quick: QuickOption = False,
    out: OutOption = None,
    python: PeersOption = PEERS,
    device: Annotated[str, typer.Option(help="Device of ours and of the GroupNorm U-Net.")] = "auto",
    with_huge: Annotated[bool, typer.Option("--huge", help="Measure the memory of 16384 x 16384; minutes.")] = False,
) -> None:
    """Compare times in one run."""
    pairs, what = load_pairs(data)
    place = choose_device(device)
    pair = max(pairs, key=lambda pair: pair.noisy.size)
    report = Report("denoise_speed", {"data": what, "device": str(place), "precision": choose_precision("auto", place)})
    evaluate = preview(report, pair, place, python, quick)
    share_of_machine(report, evaluate, place, quick)
    large(report, pair, place, python, quick)
    if with_huge:
        huge(report, place, 1024 if quick else 16384)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
