"""Are tiles exact? Largest differences between tiled and whole results, and of a region that is run alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import typer
from common import DataOption, Image, OutOption, Pair, QuickOption, load_pairs
from report import Report, Row, say

import napari_microdiff
from napari_microdiff.diffusion.denoiser import Condition, Preconditioned
from napari_microdiff.diffusion.samplers import Step, dpmpp_2m
from napari_microdiff.diffusion.schedule import karras_sigmas
from napari_microdiff.diffusion.unet import LocalUNet
from napari_microdiff.engine.canvas import Denoised, Plane, sample_plane
from napari_microdiff.engine.device import torch_dtype
from napari_microdiff.engine.memory import Workplace
from napari_microdiff.engine.tiles import Box, Reach, Tile, grown, make_tiles, read_window
from napari_microdiff.imaging.samples import nuclei
from napari_microdiff.models.build import load_denoiser
from napari_microdiff.models.store import find_model

STEPS = (1, 8)
VIEW, WORST = "largest view, % of whole", "difference / range"
PRECISIONS = ("float32", "bfloat16")
BOUND, REGION_BOUND = 1e-3, {1: 1e-3, 8: 1e-2}


def difference(image: Image, whole: Image, span: float) -> float:
    """Return the largest difference as a share of the image's range."""
    return float(np.abs(image - whole).max()) / span


def largest_view(shape: tuple[int, ...], region: Box, tile: int, reach: Reach) -> float:
    """Return how much of the whole the network sees at once at most, in %: at 100 there is nothing to compare."""
    (whole,) = make_tiles(shape, tuple((0, length) for length in shape), None, reach)
    largest = max(np.prod(part.window_shape) for part in make_tiles(shape, region, tile, reach))
    return float(100 * largest / np.prod(whole.window_shape))


def flat(pair: Pair, precision: str, tiles: tuple[int, ...]) -> Iterator[Row]:
    """Compare tiles and regions with the whole of a 2-D image, for every output."""
    side, shape = len(pair.noisy), pair.noisy.shape
    model = find_model(pair.model)
    reach = Reach.of(load_denoiser(model, torch.device("cpu")).network.stride, model.card.halo)
    for steps in STEPS:

        def run(steps: int = steps, tile: int = 4 * side, **fields: Any) -> dict[str, Image]:
            fields |= {"model": pair.model, "steps": steps, "tile": tile, "precision": precision, "axes": "YX"}
            outputs = ("mean", "sample", "uncertainty")
            return napari_microdiff.denoise(pair.noisy, outputs=outputs, **fields).images()

        say(f"{pair.name}, {precision}, {steps} steps")
        whole = run()
        span = float(np.ptp(whole["mean"]))
        base = {"image": pair.name, "precision": precision, "steps": steps}
        again = run()
        same = all(np.array_equal(again[name], whole[name]) for name in whole)
        yield {**base, "what": "same request again", WORST: 0.0 if same else float("nan")}
        for tile in tiles:
            made = run(tile=tile)
            worst = max(difference(made[name], whole[name], span) for name in whole)
            seen = largest_view(shape, tuple((0, length) for length in shape), tile, reach)
            yield {**base, "what": f"tiles of {tile}", VIEW: seen, WORST: worst}
        for name, (start, stop) in {"centre": (side // 3, 2 * side // 3), "corner": (0, side // 3)}.items():
            part, region = slice(start, stop), ((start, stop), (start, stop))
            made = run(tile=tiles[0], region=region)
            worst = max(difference(made[output], whole[output][part, part], span) for output in whole)
            margin = reach.halo if steps > 1 else (0, 0)
            seen = largest_view(shape, grown(region, shape, margin), tiles[0], reach)
            yield {**base, "what": f"region alone, {name}", VIEW: seen, WORST: worst}


def deep(precision: str, shape: tuple[int, int, int], tiles: tuple[int, ...]) -> Iterator[Row]:
    """Compare tiles with the whole of a 3-D image, for a small network with random weights."""
    volume = nuclei(shape).astype(np.float32)
    volume = (volume - volume.mean()) / volume.std()
    denoiser = random_denoiser()
    denoiser.precision = torch_dtype(precision)
    reach = Reach.of(denoiser.network.stride, 48, dims=3, depth_halo=12)

    def condition_at(tile: Tile) -> Condition:
        return Condition(maps=torch.from_numpy(read_window(volume, tile.window))[None, None])

    plane = Plane(shape, tuple((0, length) for length in shape), reach, 0, condition_at)
    for steps in STEPS:
        say(f"3-D, {precision}, {steps} steps")
        sigmas = karras_sigmas(denoiser.sigma_max, 0.02 * denoiser.sigma_data, steps)
        whole = sampled(denoiser, plane, dpmpp_2m(sigmas, blind=True), None)
        for tile in tiles:
            made = sampled(denoiser, plane, dpmpp_2m(sigmas, blind=True), tile)
            yield {
                "image": "3-D, random network",
                "precision": precision,
                "steps": steps,
                "what": f"tiles of {tile}",
                VIEW: largest_view(shape, plane.region, tile, reach),
                WORST: difference(made, whole, float(np.ptp(whole))),
            }


def random_denoiser() -> Preconditioned:
    """Return a small 3-D denoiser with fixed random weights, in which every part counts."""
    torch.manual_seed(0)
    network = LocalUNet(condition_channels=1, widths=(8, 16), blocks=1, dims=3)
    with torch.no_grad():
        network.mean_gain.fill_(1.0)
        network.spread_gain.fill_(0.5)
    return Preconditioned(network, sigma_data=0.5, sigma_max=2.5).eval().requires_grad_(False)


def sampled(denoiser: Preconditioned, plane: Plane, steps: list[Step], tile: int | None) -> Image:
    """Return one sample of a volume; for one step, its mean."""
    image = np.zeros(plane.shape, dtype=np.float32)
    sampling = sample_plane(denoiser, plane, steps, Workplace(torch.device("cpu"), tile=tile), seed=0)
    while True:
        try:
            event = next(sampling)
        except StopIteration as stop:
            return image if stop.value is None else stop.value[0]
        if isinstance(event, Denoised):
            image[tuple(slice(*span) for span in event.core)] = event.mean[0]


def judge(report: Report, rows: list[Row]) -> None:
    """Hold the largest differences against what is promised."""
    for precision in PRECISIONS:
        for steps in STEPS:
            for kind, what, most in (
                ("2-D, tiled", "tiles", BOUND),
                ("3-D, tiled", "tiles", BOUND),
                ("2-D, region alone", "region", REGION_BOUND[steps]),
            ):
                chosen = [
                    row[WORST]
                    for row in rows
                    if (row["precision"], row["steps"]) == (precision, steps)
                    and row["what"].startswith(what)
                    and row["image"].startswith("3-D") == kind.startswith("3-D")
                ]
                report.claim(f"{kind}, {steps} steps, {precision}: difference / range", max(chosen), most=most)
    again = [row[WORST] for row in rows if row["what"] == "same request again"]
    report.claim("same request again: difference", float(np.max(again)), least=0.0, most=0.0)


def main(data: DataOption = None, quick: QuickOption = False, out: OutOption = None) -> None:
    """Compare tiled, whole and partial results."""
    side, tiles, shape = (256, (64,), (4, 128, 128)) if quick else (512, (64, 128, 192, 256), (16, 192, 192))
    pairs, what = load_pairs(data)
    chosen = {pair.model: pair.crop(side) for pair in pairs}.values()  # one image for each model
    settings = {"data": what, "side": side, "volume": shape, "range": "largest minus smallest value of the whole mean"}
    report = Report("tiling", settings)
    rows: list[Row] = []
    for precision in PRECISIONS:
        for pair in chosen:
            rows += flat(pair, precision, tiles)
        rows += deep(precision, shape, tiles[:2])
    report.table("largest difference", rows)
    judge(report, rows)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
