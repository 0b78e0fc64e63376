"""How fast are objects outlined? Ratios to the peers in one run, and where the time goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from common import Image, OutOption, QuickOption, run_peer, timed
from nuclei import nuclei_image
from profiling import synchronised
from report import Report, Row, say
from segment_peers import CELLPOSE, STARDIST, TRAINED, TrainedOption

import napari_microdiff
from napari_microdiff.diffusion.denoiser import Preconditioned
from napari_microdiff.engine.device import choose_device, choose_precision, torch_dtype
from napari_microdiff.imaging.instances import labels_of
from napari_microdiff.models.build import load_denoiser
from napari_microdiff.models.store import find_model

MODEL = "segment-nuclei"
OURS, TOLD, RAW = "ours, image to labels", "ours, diameter told", "ours, the network alone"


def recorded_calls(denoiser: Preconditioned, run: Callable[[], object]) -> Callable[[], object]:
    """Return all evaluations of the denoiser in a run, to be repeated by themselves."""
    calls: list[tuple[Any, Any]] = []
    hook = denoiser.register_forward_pre_hook(lambda _, args, named: calls.append((args, named)), with_kwargs=True)
    run()
    hook.remove()

    def evaluate() -> object:
        with torch.inference_mode():
            return [denoiser(*arguments, **named) for arguments, named in calls]

    return evaluate


def ours(report: Report, image: Image, device: torch.device, repeats: int) -> list[Row]:
    """Time our way and its parts."""

    def run(**fields: object) -> Any:
        return napari_microdiff.segment(image, axes="YX", device=str(device), **fields)

    found = run()
    diameter = found.report["diameter"]
    maps = run(diameter=diameter, outputs=("labels", "maps")).maps
    denoiser = load_denoiser(find_model(MODEL), device)
    evaluate = recorded_calls(denoiser, lambda: run(diameter=diameter))
    denoiser.precision, denoiser.with_variance = torch_dtype(choose_precision("auto", device)), False  # as in the run
    whole = timed(run, repeats).median
    told = timed(lambda: run(diameter=diameter), repeats).median
    evaluation = timed(synchronised(evaluate, device), repeats).median
    decoding = timed(lambda: labels_of(maps), repeats).median
    parts = {"estimating the diameter": whole - told, "evaluation": evaluation, "reading the objects": decoding}
    parts["all else"] = told - evaluation - decoding
    rows = [{"part": name, "seconds": seconds, "share, %": 100 * seconds / whole} for name, seconds in parts.items()]
    report.table("where our time goes", rows)
    report.note(f"Our {found.report['objects']} objects have a diameter of {diameter:.0f} pixels.")
    size = sum(part.numel() for part in denoiser.parameters())
    return [
        {"method": name, "seconds": seconds, "parameters": size}
        for name, seconds in ((OURS, whole), (TOLD, told), (RAW, evaluation))
    ]


def peers(report: Report, image: Image, trained: Path, repeats: int) -> list[Row]:
    """Time the peers, each in its own process."""
    words = {"seconds": "image to labels", "told_seconds": "diameter told", "forward_seconds": "without the labels"}
    rows: list[Row] = []
    for peer in (STARDIST, CELLPOSE):
        say(peer.name)
        there = peer.model(trained).is_dir()
        given = (image, peer.model(trained), "--repeats", repeats)
        made = run_peer(peer.python, peer.script, *given, mode="time") if there else None
        if made is None:
            report.note(f"{peer.name}: left out, because it is not {'installed' if there else 'trained'}.")
            continue
        report.note(f"{peer.name} {peer.training(trained)}; it found {int(made['objects'])} objects.")
        rows += [
            {"method": f"{peer.name}, {word}", "seconds": float(made[key]), "parameters": int(made["parameters"])}
            for key, word in words.items()
            if key in made
        ]
    return rows


def main(
    quick: QuickOption = False,
    out: OutOption = None,
    trained: TrainedOption = TRAINED,
    device: Annotated[str, typer.Option(help="Device of ours.")] = "auto",
) -> None:
    """Compare times in one run."""
    side, place = 256 if quick else 1024, choose_device(device)
    report = Report("segment_speed", {"side": side, "device": str(place), "precision": choose_precision("auto", place)})
    image = nuclei_image(side)
    say(f"{side} x {side}: ours")
    repeats = 1 if quick else 7
    rows = [*ours(report, image, place, repeats), *peers(report, image, trained, repeats)]
    for row in rows:
        row["times ours"] = row["seconds"] / rows[0]["seconds"]
    report.table(f"{side} x {side}", rows)
    by = {row["method"]: row["times ours"] for row in rows}
    for peer in (STARDIST, CELLPOSE):
        method = f"{peer.name}, image to labels"
        if method in by:
            report.claim(f"against {peer.name}, image to labels, times faster", by[method], least=1)
            report.claim(f"against {peer.name}, diameter told, times faster", by[method] / by[TOLD], least=1)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
