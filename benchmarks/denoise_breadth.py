"""How far does denoising reach? Many kinds of recorded images that no model was trained on, under heavy known noise."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
import typer
from common import DATA, PEERS, DataOption, Image, OutOption, Pair, PeersOption, QuickOption, measures, simulated_pairs
from denoise_quality import GAUSSIAN, classical, peers
from report import Report, Row, mean_rows, say

import napari_microdiff
from napari_microdiff.imaging import quality
from napari_microdiff.imaging.camera import Camera, simulate
from napari_microdiff.imaging.noise import noise_sigma

ONE, BM3D = "ours, 1 evaluation", "BM3D, best sigma"
LEVELS = (19.0, 24.0, 29.0)  # PSNR of the noisy images, dB
MOST = 240  # pixels of a side
CLEANER = 10.0  # dB by which an image has less noise of its own, to be used at a level
OFFSET, READ_NOISE = 100.0, 2.0
PHOTONS = np.geomspace(0.5, 3e4, 49)


@dataclass(frozen=True)
class Recording:
    """Files of one kind, and the model for them; one plane is used, or the mean of several, and pixels are joined."""

    files: str
    model: str = "denoise-fluorescence"
    plane: int | None = None
    planes: int = 1
    joined: int = 1

    def image(self, path: Path) -> Image:
        """Read the image."""
        image = tifffile.imread(path).astype(np.float64)
        if self.plane is not None:
            image = image[self.plane : self.plane + self.planes].mean(axis=0)
        rows, columns = (n // self.joined for n in image.shape)
        parts = image[: rows * self.joined, : columns * self.joined].reshape(rows, self.joined, columns, self.joined)
        return parts.mean(axis=(1, 3))[:MOST, :MOST]


RECORDINGS = (
    Recording("bian_misc/BBBC022_IXMtest_A02_s9.tif", plane=0),
    Recording("bian_misc/BBBC022_IXMtest_A02_s9.tif", plane=1),
    Recording("bian_misc/maize_clsm.tif", joined=2),
    Recording("bian_misc/cancer_cell_migration_crop.tif", plane=24),
    Recording("neubias_misc/fluo/xy_16bit__bacteria_cords_thick.tif", joined=2),
    Recording("neubias_misc/fluo/xy_16bit__rat_hippocampal_neuron.tif", joined=2),
    Recording("neubias_misc/fluo/xy_8bit__nuclei_PLK1_control.tif", joined=2),
    Recording("neubias_misc/vol/xyz_8bit__nuclei_autothresh.tif", plane=18),
    Recording("vol3d/plantseg/images/ovule_cells.tif", plane=16),
    Recording("vol3d/pytorch3dunet/images/sample_patch.tif", plane=32),
    # In the third of the volumes that no model was trained on.
    Recording("fib25_medulla/volumes/*.tif", "denoise-em", plane=194, planes=4, joined=2),
    Recording("fib25_medulla/volumes/*.tif", "denoise-em", plane=226, planes=4, joined=2),
)


def clean_images(data: Path | None) -> Iterator[tuple[str, str, Image]]:
    """Yield names, models and images."""
    for recording in RECORDINGS:
        for path in sorted((data or DATA).glob(recording.files)):
            name = path.stem if recording.plane is None else f"{path.stem}, plane {recording.plane}"
            yield name, recording.model, recording.image(path)


def own_level(image: Image) -> float:
    """Return the PSNR of an image that its own noise leaves, dB."""
    low, high = np.percentile(image, (0.5, 99.8))
    return float(20 * np.log10((high - low) / max(noise_sigma(image, "YX"), 1e-9 * (high - low))))


def noisy_pair(name: str, model: str, image: Image, level: float, seed: int) -> Pair:
    """Record an image with so few photons that its PSNR comes nearest to a level."""
    low, high = np.percentile(image, (0.5, 99.8))
    shape = ((image - low) / (high - low)).clip(0)
    camera = Camera(gain=1.0, offset=OFFSET, read_noise=READ_NOISE)

    def recorded(photons: float) -> Pair:
        truth = photons * (shape + 0.05)
        return Pair(name, model, simulate(truth, camera, np.random.default_rng(seed), quantise=True), truth + OFFSET)

    def away(photons: float) -> float:
        pair = recorded(photons)
        return abs(quality.psnr(pair.clean, pair.noisy, affine=False) - level)

    return recorded(min(PHOTONS, key=away))


def all_pairs(data: Path | None) -> tuple[list[tuple[float, Pair]], str]:
    """Return noisy pairs and how noisy they are; simulated images where there are no recordings."""
    found = list(clean_images(data))
    what = "noisy images: recordings that no model was trained on, under simulated noise"
    if not found:
        found = [(pair.name, pair.model, pair.clean) for pair in simulated_pairs(seeds=1)]
        what = "SIMULATED images, since no recordings were found"
    pairs = [
        (level, noisy_pair(*image, level, seed))
        for seed, image in enumerate(found)
        for level in LEVELS
        if own_level(image[2]) > level + CLEANER
    ]
    return pairs, what


def main(
    data: DataOption = None, quick: QuickOption = False, out: OutOption = None, python: PeersOption = PEERS
) -> None:
    """Denoise many kinds of images under three levels of noise."""
    pairs, what = all_pairs(data)
    settings = {"data": what, "noisy dB": LEVELS, "own noise less by dB": CLEANER, "read noise": READ_NOISE}
    report = Report("denoise_breadth", settings)
    report.note(f"On {len(pairs)} {what}. The strength of all filters is chosen with the truth in hand.")
    rows: list[Row] = []
    for level, pair in pairs[:2] if quick else pairs:
        say(f"{pair.name}, {level:g} dB")
        made = {name: call()[0] for name, call in classical(pair)}
        filtered = dict(peers(pair, python, 0, Path()))[BM3D]()
        if filtered is not None:
            made[BM3D] = filtered[0]
        made[ONE] = napari_microdiff.denoise(pair.noisy, model=pair.model, axes="YX", outputs=("mean",)).mean
        bar = measures(pair.clean, made[GAUSSIAN])["PSNR dB"]
        for method, image in made.items():
            figures = measures(pair.clean, image)
            above = figures["PSNR dB"] - bar
            told = {"method": method, "image": pair.name, "model": pair.model, "level": level}
            rows.append({**told, "dB over Gaussian": above, **figures})
    ours = [row for row in rows if row["method"] == ONE]
    report.table("mean over all", mean_rows(rows, "method"))
    report.table("ours, by image", mean_rows(ours, "image"))
    report.table("ours, by model", mean_rows(ours, "model"))
    report.table("ours, by level", mean_rows([{**row, "noisy dB": f"{row['level']:g}"} for row in ours], "noisy dB"))
    gains = [row["dB over Gaussian"] for row in ours]
    report.claim("ours over the best Gaussian, dB, mean", statistics.fmean(gains), least=1.0)
    report.claim("share of images in which ours is above it", sum(gain > 0 for gain in gains) / len(gains), least=0.95)
    for other in sorted({row["method"] for row in rows} - {ONE, GAUSSIAN, "noisy"}):
        theirs = [row["dB over Gaussian"] for row in rows if row["method"] == other]
        report.claim(f"ours over {other}, dB, mean", statistics.fmean(gains) - statistics.fmean(theirs), least=0.0)
    report.save(out, quick=quick)


if __name__ == "__main__":
    typer.run(main)
