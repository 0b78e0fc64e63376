"""What a GPU changes: agreement with the CPU, previews a second, running out of its memory, giving memory back."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
import typer
from common import Image, OutOption, QuickOption, timed
from report import Report, Row, say

import napari_microdiff
from napari_microdiff.diffusion.denoiser import Condition
from napari_microdiff.engine.events import Done, Notice
from napari_microdiff.engine.request import Request
from napari_microdiff.imaging.samples import noisy_sample
from napari_microdiff.models.build import load_denoiser, unload
from napari_microdiff.models.store import find_model
from napari_microdiff.tasks import run

MODEL, GPU = "denoise-fluorescence", "cuda"
CASES = (
    {"steps": 1, "outputs": ("mean", "uncertainty")},
    {"steps": 8, "outputs": ("sample",)},
    {"steps": 8, "outputs": ("mean", "sample"), "samples": 4, "sampler": "ddpm"},
)


def image_of(side: int) -> Image:
    """Return a noisy image of a side, made by repeating the sample."""
    noisy, _ = noisy_sample("filaments", 0)
    return np.tile(noisy, (side // len(noisy) + 1,) * 2)[:side, :side]


def denoised(image: Image, **fields: Any) -> Any:
    """Denoise with the bundled model."""
    return napari_microdiff.denoise(image, model=MODEL, axes="YX", **fields)


def agreement(image: Image) -> list[Row]:
    """Compare the GPU with the CPU in float32, as a share of the range of the CPU's result."""
    rows: list[Row] = []
    for case in CASES:
        say(f"agreement, {case['steps']} steps")
        one = denoised(image, device="cpu", precision="float32", **case).images()
        for precision in ("float32", "bfloat16"):
            other = denoised(image, device=GPU, precision=precision, **case).images()
            for name, pixels in one.items():
                worst = float(np.abs(other[name] - pixels).max() / np.ptp(one.get("mean", pixels)))
                rows.append({**case, "outputs": name, "precision": precision, "difference / range": worst})
    return rows


def previews(side: int, repeats: int) -> list[Row]:
    """Time one evaluation of an image: of the network alone, and through the door that the panel uses."""
    image = image_of(side)
    denoiser = load_denoiser(find_model(MODEL), torch.device(GPU))
    denoiser.precision = torch.bfloat16
    maps = torch.randn(1, 2, side, side, device=GPU)
    condition = Condition(
        maps=maps,
        vector=torch.randn(1, denoiser.network.vector_length, device=GPU),
        guess=maps[:, 1:],
        guess_error=torch.full((1,), 0.1, device=GPU),
    )

    @torch.inference_mode()
    def network() -> None:
        denoiser(torch.zeros_like(maps[:, :1]), denoiser.blind_from(0.1), condition)
        torch.cuda.synchronize()

    def door() -> None:
        denoised(image, device=GPU, precision="bfloat16", outputs=("mean",))

    return [
        {"what": name, "a second": 1 / timed(call, repeats, warm_up=3).median}
        for name, call in (("network alone", network), ("whole request", door))
    ]


def out_of_memory(side: int) -> tuple[list[Row], float]:
    """Denoise with so little memory allowed that the GPU really runs out, and compare with the undisturbed result."""
    image = image_of(side)
    whole = denoised(image, device=GPU, precision="float32", tile=side).mean
    unload()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, 0.5 * 2**30 / total))
    try:
        request = Request(model=MODEL, device=GPU, precision="float32", tile=side, axes="YX")
        events = list(run(request, image))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    told = [{"notice": event.message} for event in events if isinstance(event, Notice)]
    done = events[-1]
    assert isinstance(done, Done)
    assert done.result.mean is not None
    return told, float(np.abs(done.result.mean - whole).max() / np.ptp(whole))


def given_back() -> float:
    """Return what is left on the GPU after *Unload*, in MiB."""
    denoised(image_of(1024), device=GPU)
    unload()
    time.sleep(0.5)
    return torch.cuda.memory_reserved() / 2**20


def main(quick: QuickOption = False, out: OutOption = None) -> None:
    """Measure on the first CUDA device."""
    if not torch.cuda.is_available():
        raise typer.BadParameter("There is no CUDA device here, and nothing else to measure.")
    side, repeats = (256, 5) if quick else (1024, 50)
    report = Report("gpu", {"model": MODEL, "side": side})
    rows = agreement(image_of(side))
    report.table("agreement with the CPU in float32", rows)
    rates = previews(side, repeats)
    report.table(f"one evaluation of {side} x {side}, bfloat16", rates)
    told, difference = out_of_memory(4 * side)
    report.table("running out of memory", told)
    exact = max(row["difference / range"] for row in rows if row["precision"] == "float32")
    report.claim("GPU against CPU, float32: difference / range", exact, most=1e-2)
    report.claim("previews a second, network alone", rates[0]["a second"], least=30)
    report.claim("previews a second, whole request", rates[1]["a second"], least=30)
    report.claim("notices on running out of memory", float(len(told)), least=1)
    report.claim("after running out of memory: difference / range", difference, most=1e-3)
    report.claim("left on the GPU after Unload, MiB", given_back(), most=32)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
