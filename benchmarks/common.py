"""What all benchmarks share: images to measure on, figures of quality, timings, and the way to the peers."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tifffile
import typer
from numpy.typing import NDArray
from report import Row
from scipy import ndimage

from napari_microdiff.imaging import quality, structures
from napari_microdiff.imaging.camera import Camera, simulate
from napari_microdiff.imaging.samples import noisy_sample

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "shared" / "data"
PEERS = HERE / "peers" / ".venv" / "bin" / "python"
SETS = {"gigadb_100888": "denoise-fluorescence", "emdiffuse": "denoise-em"}  # test set: model

Image = NDArray[Any]

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder with gigadb_100888/test and emdiffuse/test (noisy, clean).")
]
QuickOption = Annotated[bool, typer.Option("--quick", help="Small images and few repeats: a check, not a result.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Result file; results/NAME.json by default, none with --quick.")
]
PeersOption = Annotated[
    Path, typer.Option("--peers", envvar="NAPARI_MICRODIFF_PEERS", help="Python of the peers' environment.")
]


@dataclass(frozen=True)
class Pair:
    """A noisy image, its clean partner and the model for it."""

    name: str
    model: str
    noisy: Image
    clean: Image

    def crop(self, side: int | None) -> Pair:
        """Return the upper left square, or all of it for ``None``."""
        return self if side is None else Pair(self.name, self.model, self.noisy[:side, :side], self.clean[:side, :side])


def load_pairs(data: Path | None) -> tuple[list[Pair], str]:
    """Return the real test pairs, or simulated ones where there are none, and what they are in words.

    Raises
    ------
    typer.BadParameter
        If a folder was named that has no test pairs.
    """
    pairs = [
        Pair(f"{folder}/{noisy.stem}", model, tifffile.imread(noisy), tifffile.imread(clean / noisy.name))
        for folder, model in SETS.items()
        for clean in [(data or DATA) / folder / "test" / "clean"]
        for noisy in sorted(clean.with_name("noisy").glob("*.tif"))
    ]
    if pairs:
        return pairs, "real test pairs"
    if data is not None:
        raise typer.BadParameter(
            f"{data} has neither gigadb_100888/test nor emdiffuse/test with noisy and clean images."
        )
    return simulated_pairs(seeds=1), "SIMULATED pairs, since no real ones were found"


def simulated_pairs(seeds: int) -> list[Pair]:
    """Return pairs whose truth is known exactly."""
    pairs = []
    for seed in range(seeds):
        for name in ("filaments", "nuclei"):
            pairs.append(Pair(f"simulated {name} {seed}", "denoise-fluorescence", *noisy_sample(name, seed)))
        rng = np.random.default_rng((seed, 7))
        camera = Camera(gain=6.0, offset=10.0, read_noise=4.0)
        photons = 25.0 * structures.electron_microscopy(rng, 512)
        noisy = simulate(photons, camera, rng, quantise=True, saturation=255).astype(np.uint8)
        pairs.append(Pair(f"simulated tissue {seed}", "denoise-em", noisy, camera.gain * photons + camera.offset))
    return pairs


def best_of(truth: Image, candidates: dict[float, Image]) -> tuple[float, Image]:
    """Return the setting and the image with the highest affine PSNR, chosen with the truth in hand."""
    setting = max(candidates, key=lambda key: quality.psnr(truth, candidates[key]))
    return setting, candidates[setting]


def best_gaussian(truth: Image, noisy: Image) -> tuple[float, Image]:
    """Return sigma (pixels) and result of the best Gaussian filter, to 3 % of sigma."""
    noisy = noisy.astype(np.float64)
    coarse, _ = best_of(truth, {s: ndimage.gaussian_filter(noisy, s) for s in np.geomspace(0.3, 10, 16)})
    return best_of(truth, {s: ndimage.gaussian_filter(noisy, s) for s in coarse * np.geomspace(0.8, 1.25, 16)})


def measures(truth: Image, estimate: Image) -> Row:
    """Return the figures of an estimate, after fitting its scale and shift to the truth.

    The resolution is the period at which the Fourier ring correlation with the truth falls below 1/2, which stands
    for 1/7 between two independent images (Rosenthal and Henderson 2003, J. Mol. Biol. 333, 721).
    """
    fitted = quality.affine_fit(estimate, truth)
    return {
        "PSNR dB": quality.psnr(truth, fitted, affine=False),
        "SSIM": quality.ssim(truth, fitted, affine=False),
        "HF energy": quality.high_frequency_energy(truth, fitted),
        "resolution px": quality.resolution(*quality.fourier_ring_correlation(truth, fitted), threshold=0.5),
    }


@dataclass(frozen=True)
class Timing:
    """Seconds of a call: the median and the shortest of some repeats, after warming up."""

    median: float
    shortest: float
    repeats: int


def timed(call: Callable[[], object], repeats: int = 5, warm_up: int = 1) -> Timing:
    """Time a call."""
    for _ in range(warm_up):
        call()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return Timing(statistics.median(seconds), min(seconds), repeats)


def run_peer(
    python: Path, script: str, given: Image | dict[str, Image], *arguments: object, mode: str | None = None
) -> dict[str, Any] | None:
    """Run a script of ``peers/`` on an image in the peers' environment and return what it saved.

    Parameters
    ----------
    given : ndarray or dict of ndarray
        The image, or several arrays by name.
    mode : str, optional
        Word before all arguments, for a script that can do several things.

    Returns
    -------
    dict or None
        ``None`` if there is no such environment.

    Raises
    ------
    RuntimeError
        If the script fails; the message ends with what it said.
    """
    if not python.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        several = isinstance(given, dict)
        source, target = Path(folder, "in.npz" if several else "in.npy"), Path(folder, "out.npz")
        np.savez(source, **given) if several else np.save(source, given)
        command = [python, HERE / "peers" / script, *([mode] if mode else []), source, target, *arguments]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{script} failed:\n{done.stderr[-2000:]}")
        with np.load(target) as saved:
            return {name: saved[name] for name in saved.files}
