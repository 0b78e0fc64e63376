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

VIEW, WORST = "largest view, % of whole", "difference / range"
REACH, DEPTH_REACH = 24, 10  # of the small 3-D network, counted from its convolutions
CONTROL = 8  # a halo that is too small, to show that a difference would be seen
PRECISIONS = ("float32", "bfloat16")
BOUND, SAMPLED_REGION_BOUND = 1e-3, 1e-2


def difference(image: Image, whole: Image, span: float) -> float:
    """Return the largest difference as a share of the image's range."""
    return float(np.abs(image - whole).max()) / span


def count(steps: int) -> str:
    """Return a number of evaluations in words."""
    return "1 evaluation" if steps == 1 else f"{steps} steps"


def largest_view(shape: tuple[int, ...], region: Box, tile: int, reach: Reach) -> float:
    """Return how much of the whole the network sees at once at most, in %: at 100 there is nothing to compare."""
    (whole,) = make_tiles(shape, tuple((0, length) for length in shape), None, reach)
    largest = max(np.prod(part.window_shape) for part in make_tiles(shape, region, tile, reach))
    return float(100 * largest / np.prod(whole.window_shape))


def flat(pair: Pair, precision: str, counts: tuple[int, ...], tiles: tuple[int, ...]) -> Iterator[Row]:
    """Compare tiles and regions with the whole of a 2-D image, for every output."""
    side, shape = len(pair.noisy), pair.noisy.shape
    model = find_model(pair.model)
    reach = Reach.of(load_denoiser(model, torch.device("cpu")).network.stride, model.card.halo)
    for steps in counts:

        def run(steps: int = steps, tile: int = 4 * side, **fields: Any) -> dict[str, Image]:
            fields |= {"model": pair.model, "steps": steps, "tile": tile, "precision": precision, "axes": "YX"}
            outputs = ("mean", "sample", "uncertainty")
            return napari_microdiff.denoise(pair.noisy, outputs=outputs, **fields).images()

        say(f"{pair.name}, {precision}, {count(steps)}")
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
            margin = [round(Plane.margin * halo) if steps > 1 else 0 for halo in reach.halo]
            seen = largest_view(shape, grown(region, shape, margin), tiles[0], reach)
            yield {**base, "what": f"region alone, {name}", VIEW: seen, WORST: worst}


def deep(precision: str, counts: tuple[int, ...], shape: tuple[int, int, int], tiles: tuple[int, ...]) -> Iterator[Row]:
    """Compare tiles with the whole of a 3-D image, for a small network with random weights."""
    volume = nuclei(shape).astype(np.float32)
    volume = (volume - volume.mean()) / volume.std()
    denoiser = random_denoiser()
    denoiser.precision = torch_dtype(precision)

    def condition_at(tile: Tile) -> Condition:
        return Condition(maps=torch.from_numpy(read_window(volume, tile.window))[None, None])

    for steps in counts:
        say(f"3-D, {precision}, {count(steps)}")
        table = dpmpp_2m(karras_sigmas(denoiser.sigma_max, 0.02 * denoiser.sigma_data, steps), blind=True)
        region, whole = tuple((0, length) for length in shape), None
        for halo, tile in ((REACH, None), *((REACH, tile) for tile in tiles), (CONTROL, tiles[0])):
            reach = Reach.of(denoiser.network.stride, halo, dims=3, depth_halo=DEPTH_REACH)
            made = sampled(denoiser, Plane(shape, region, reach, 0, condition_at), table, tile)
            whole = made if whole is None else whole
            if tile is None:
                continue
            yield {
                "image": "3-D, random network",
                "precision": precision,
                "steps": steps,
                "what": f"tiles of {tile}" if halo == REACH else f"control: halo of only {halo}",
                VIEW: largest_view(shape, region, tile, reach),
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


def judge(report: Report, rows: list[Row], counts: tuple[int, ...]) -> None:
    """Hold the largest differences against what is promised."""
    for precision in PRECISIONS:
        for steps in counts:
            for kind, what, most in (
                ("2-D, tiled", "tiles", BOUND),
                ("3-D, tiled", "tiles", BOUND),
                ("2-D, region alone", "region", BOUND if steps == 1 else SAMPLED_REGION_BOUND),
            ):
                chosen = [
                    row[WORST]
                    for row in rows
                    if (row["precision"], row["steps"]) == (precision, steps)
                    and row["what"].startswith(what)
                    and row["image"].startswith("3-D") == kind.startswith("3-D")
                ]
                report.claim(f"{kind}, {count(steps)}, {precision}: difference / range", max(chosen), most=most)
    control = [row[WORST] for row in rows if row["what"].startswith("control")]
    report.claim("control, halo too small: difference / range", min(control), least=BOUND)
    again = [row[WORST] for row in rows if row["what"] == "same request again"]
    report.claim("same request again: difference", float(np.max(again)), least=0.0, most=0.0)


def main(data: DataOption = None, quick: QuickOption = False, out: OutOption = None) -> None:
    """Compare tiled, whole and partial results."""
    counts, side, tiles = ((1, 2), 256, (64,)) if quick else ((1, 8), 512, (64, 128, 192, 256))
    shape, deep_tiles = ((2, 64, 64), (32,)) if quick else ((6, 128, 128), (32, 64))
    pairs, what = load_pairs(data)
    chosen = {pair.model: pair.crop(side) for pair in pairs}.values()  # one image for each model
    settings = {"data": what, "side": side, "volume": shape, "range": "largest minus smallest value of the whole mean"}
    report = Report("tiling", settings)
    rows: list[Row] = []
    for precision in PRECISIONS:
        for pair in chosen:
            rows += flat(pair, precision, counts, tiles)
        rows += deep(precision, counts, shape, deep_tiles)
    report.table("largest difference", rows)
    judge(report, rows, counts)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
