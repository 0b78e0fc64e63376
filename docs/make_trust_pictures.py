"""Make the pictures of the page on what the microscope saw, from a simulated image of filaments.

``python docs/make_trust_pictures.py``. Another folder can be given as the only argument.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import find_contours

import napari_microdiff
from napari_microdiff.engine.trust import compared
from napari_microdiff.imaging.optics import Binning, Blur, PointSpread
from napari_microdiff.imaging.samples import noisy_sample
from napari_microdiff.imaging.unexplained import UNLIKELY, deviations

FOLDER = Path(__file__).parent / "images"
FACTOR, BLUR = 2, 0.8  # of finer pixels; standard deviation in recorded ones
PIXEL_UM = {"Y": 0.1, "X": 0.1}  # of the sample
PART = slice(0, 256), slice(0, 256)  # of the sample
SHOWN = slice(60, 120), slice(150, 210)  # of that, in recorded pixels
MADE_UP = ((160, 326), (172, 346), (180, 372))  # points that a filament is drawn through, in pixels of the result
WIDTH, HEIGHT = 1.6, 0.6  # of it: standard deviation in pixels, and share of the contrast
TILE, GAP = 240, 8
YELLOW = (255, 220, 60)
Image = NDArray[np.float64]


def with_filament(result: Image) -> Image:
    """Return a result with a filament in it that nobody recorded."""
    points = np.array(MADE_UP, dtype=float)
    along = np.linspace(0, len(points) - 1, 500)
    line = np.stack([np.interp(along, range(len(points)), points[:, axis]) for axis in (0, 1)])
    drawn = np.zeros_like(result)
    drawn[tuple(np.rint(line).astype(int))] = 1
    drawn = ndimage.gaussian_filter(drawn, WIDTH)
    contrast = float(np.subtract(*np.percentile(result, (99.5, 1))))
    return result + HEIGHT * contrast * drawn / drawn.max()


def recorded_of(result: Image) -> Image:
    """Return what the microscope would record of a result."""
    blurred = Blur(PointSpread(sigma=BLUR).kernel(FACTOR), result.shape).forward(result)
    return Binning(FACTOR).forward(blurred)


def tile(image: Image, limits: tuple[float, float], marks: Image | None = None) -> NDArray[np.uint8]:
    """Return a part as a square of colours, with a line around where marks are above their threshold."""
    low, high = limits
    grey = np.clip((image - low) / (high - low), 0, 1) * 255
    size = TILE // image.shape[0]
    square = np.repeat(np.kron(grey, np.ones((size, size)))[..., None], 3, axis=-1).astype(np.uint8)
    if marks is not None:
        fine = ndimage.zoom(marks, TILE / marks.shape[0], order=1)
        for contour in find_contours(np.pad(fine, 1)[1:-1, 1:-1], UNLIKELY):
            for shift in (0, 1):
                rows, columns = np.clip(np.rint(contour).astype(int) + shift, 0, TILE - 1).T
                square[rows, columns] = YELLOW
    return square


def in_a_row(path: Path, tiles: list[NDArray[np.uint8]]) -> None:
    """Write squares side by side, with white between them."""
    gap = np.full((TILE, GAP, 3), 255, np.uint8)
    row: list[Any] = [part for square in tiles for part in (gap, square)]
    iio.imwrite(path, np.hstack(row[1:]))


def planted(folder: Path, recorded: Image) -> None:
    """Show that a filament that was put into a result stands out in what is left over."""
    done = napari_microdiff.superresolve(recorded, factor=FACTOR, blur=BLUR)
    noise, result = float(done.report["noise_level"][0]), np.asarray(done.mean, dtype=float)
    span = float(np.subtract(*np.percentile(recorded, (99.9, 0.1))))
    fine = on_finer(SHOWN, FACTOR)
    limits = contrast(result[fine])
    images, rests = [], []
    for image in (result, with_filament(result)):
        seen = recorded_of(image)
        scores = deviations(recorded - seen, seen, noise, span)
        sys.stdout.write(f"largest deviation: {scores.max():.1f}; {UNLIKELY:.0f} and more is told\n")
        images.append(tile(image[fine], limits))
        rests.append(tile((recorded - seen)[SHOWN], (-4 * noise, 4 * noise), scores[SHOWN]))
    in_a_row(folder / "made-up.png", [tile(recorded[SHOWN], limits), *images, *rests])


def guessed(folder: Path, recorded: Image) -> None:
    """Show two samples that agree with the image and not with each other."""
    samples = []
    for seed in (0, 1):
        wishes = {"factor": FACTOR, "blur": BLUR, "outputs": ("sample",), "steps": 8, "seed": seed}
        done = napari_microdiff.superresolve(recorded, **wishes)
        sys.stdout.write("\n".join([*compared(done, "The residual", PIXEL_UM), ""]))
        samples.append(np.asarray(done.sample, dtype=float)[on_finer(SHOWN, FACTOR)])
    limits = contrast(samples[0])
    half = (limits[1] - limits[0]) / 2
    apart = tile(samples[0] - samples[1], (-half, half))
    in_a_row(folder / "guessed.png", [tile(recorded[SHOWN], limits), *(tile(one, limits) for one in samples), apart])


def on_finer(part: tuple[slice, ...], factor: int) -> tuple[slice, ...]:
    """Return where a part lies on finer pixels."""
    return tuple(slice(factor * one.start, factor * one.stop) for one in part)


def contrast(image: Image) -> tuple[float, float]:
    """Return what is shown black and white."""
    low, high = np.percentile(image, (1, 99.8))
    return float(low), float(high)


def main() -> None:
    """Make all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    recorded = noisy_sample("filaments")[0][PART].astype(float)
    planted(folder, recorded)
    guessed(folder, recorded)


if __name__ == "__main__":
    main()
