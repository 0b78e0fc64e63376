"""Pairs for networks that learn one blur, factor and noise: interpolated images and the sharp ones they are of.

The sharp squares are those that our own recipe trains on. They are recorded as the benchmark records its images, and
brought back to fine pixels by cubic interpolation, from which CARE learns.

    python benchmarks/peers/superres_pairs.py superres-fluorescence 2 --data DATA --out FOLDER
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from scipy import ndimage

from napari_microdiff.imaging.optics import Binning, Blur, PointSpread
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.restore.fields import clean_field
from napari_microdiff.training.restore.sources import load_sources
from napari_microdiff.training.superresolve.data import FIELD, SuperresolveBatches
from napari_microdiff.training.superresolve.recipe import SuperresolveRecipe

BLUR = 0.8  # width of the point-spread function, in recorded pixels
NOISES = {"no noise": 0.0, "noise": 0.02}  # of the range of the sharp image

Image = NDArray[np.float32]


def on_fine_pixels(recorded: NDArray[np.floating], factor: int) -> Image:
    """Interpolate a recorded image, shape (y, x), to pixels that are finer by a factor."""
    fine = ndimage.zoom(recorded.astype(np.float64), factor, order=3, mode="grid-mirror", grid_mode=True)
    return np.asarray(fine, dtype=np.float32)


def normal(image: NDArray[np.floating]) -> tuple[float, float]:
    """Return offset and scale of an image as CARE's own examples take them: from two percentiles."""
    low, high = np.percentile(image, (2, 99.8))
    return float(low), max(float(high - low), 1e-6)


def pair(batches: SuperresolveBatches, number: int, factor: int) -> tuple[Image, Image]:
    """Draw a sharp square and record it; both normalised as the interpolated one."""
    draws = batches.draws(number)
    rng = draws.numbers
    plane = batches.sources.draw_clean(rng, procedural=batches.is_procedural(rng, batches.recipe.simulated))
    sharp = clean_field(batches.recipe, plane, FIELD, rng).numpy().astype(np.float64)
    blurred = Blur(PointSpread(BLUR).kernel(factor), sharp.shape).forward(sharp)
    seen = Binning(factor).forward(blurred)
    noise = float(rng.choice(list(NOISES.values()))) * float(np.ptp(sharp))
    fine = on_fine_pixels(seen + noise * rng.standard_normal(seen.shape), factor)
    offset, scale = normal(fine)
    return (fine - np.float32(offset)) / np.float32(scale), ((sharp - offset) / scale).astype(np.float32)


def main(
    recipe: Annotated[str, typer.Argument(help="Recipe whose sharp images are taken.")],
    factor: Annotated[int, typer.Argument(help="Fine pixels along a recorded one.")],
    data: Annotated[Path, typer.Option(help="Folder that the recipe's patterns are relative to.")],
    out: Annotated[Path, typer.Option(help="Folder for the pairs, RECIPE-xFACTOR.npz.")],
    count: Annotated[int, typer.Option(help="How many pairs of squares.")] = 400,
) -> None:
    """Draw pairs and write them as ``interpolated`` and ``sharp``, shape (count, y, x)."""
    plan = read_recipe(recipe)
    assert isinstance(plan, SuperresolveRecipe)
    out.mkdir(parents=True, exist_ok=True)
    batches = SuperresolveBatches(plan, load_sources(plan, data, cache=out), seed=plan.seed)
    interpolated, sharp = zip(*(pair(batches, number, factor) for number in range(count)), strict=True)
    np.savez(out / f"{recipe}-x{factor}.npz", interpolated=np.stack(interpolated), sharp=np.stack(sharp))


if __name__ == "__main__":
    typer.run(main)
