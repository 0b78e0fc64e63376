"""How far apart are the styles of two halves of one real image? A drawn image need not be nearer to its reference."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from common import OutOption, QuickOption
from numpy.typing import NDArray
from report import Report, say
from skimage import io

from napari_microdiff.imaging.blocks import sample_blocks
from napari_microdiff.imaging.intensity import Normalization
from napari_microdiff.imaging.judging import Limits
from napari_microdiff.imaging.style import Unlikeness, style_vector, unlikeness

DATA = Path(__file__).parents[2] / "shared" / "data"
IMAGES = "dsb2018/fluo/train/images/*.tif"
EVERY = 9
QUANTILES = (0.5, 0.75, 0.9, 0.95, 1.0)


def blocks_of(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return blocks of a grey image, one channel each, as references are measured by."""
    return sample_blocks(image, "YX", count=24, size=192)[:, None]


def halves_apart(image: NDArray[np.float64]) -> Unlikeness:
    """Compare the left half of an image with the right one, both in the units of the whole."""
    whole = Normalization.fit(blocks_of(image)[:, 0])
    middle = image.shape[1] // 2
    left, right = (style_vector(whole.apply(blocks_of(half))) for half in (image[:, :middle], image[:, middle:]))
    return unlikeness(left.tolist(), right.tolist())


def main(
    data: Annotated[Path, typer.Option("--data", help="Folder with dsb2018/fluo/train/images.")] = DATA,
    quick: QuickOption = False,
    out: OutOption = None,
) -> None:
    """Measure images of nuclei from the training set, whose microscopes and cells are many."""
    paths = sorted(data.glob(IMAGES))[:: EVERY * (5 if quick else 1)]
    if not paths:
        raise typer.BadParameter(f"there are no {IMAGES} in {data}")
    report = Report("real_halves", {"images": IMAGES, "every": EVERY, "count": len(paths)})
    found = []
    for path in paths:
        say(path.name)
        image = io.imread(path).astype(np.float64)
        found.append(halves_apart(image if image.ndim == 2 else image[..., 0]))
    rows = [
        {"share of images": q, **dict(zip(Unlikeness._fields, np.quantile(found, q, axis=0).tolist(), strict=True))}
        for q in QUANTILES
    ]
    report.table("Halves of real images, apart up to", rows)
    limits = Limits()
    assert limits.spectrum_db is not None
    assert limits.levels is not None
    within = np.array(found) <= (limits.spectrum_db, limits.levels)
    for name, share in zip(Unlikeness._fields, within.mean(axis=0).tolist(), strict=True):
        report.claim(f"share of images within the limit of {name}", share, least=0.9, most=0.99)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
