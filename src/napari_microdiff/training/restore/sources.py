"""Images to train on: recorded pairs, recorded clean images and procedural ones, split into training and validation.

The split is by place: the end of each image or stack is kept for validation and never trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import TrainingError
from ...files.complete import new_file
from ...files.faults import writing
from ...imaging import structures
from ..denoise.recipe import DenoiseRecipe, Pairs
from ..pixels import read_pixels
from .recipe import Clean, RestoreRecipe

Plane = NDArray[np.float32]
_SMALLEST = 48  # a side below this holds too little context to train on
_CHANNELS = 4  # a shorter axis than this, or one as long, is of channels
SMALLEST_PAIR = 192  # pairs are not magnified, so they must hold a whole field


@dataclass(frozen=True)
class CleanPlane:
    """One clean image and the range of factors by which it may be binned.

    A plane of an isotropic volume knows the volume, shape (planes, y, x), and where in it it lies.
    """

    image: Plane
    shrink: tuple[float, float]
    weight: float
    volume: Plane | None = None
    position: int = 0

    def beside(self, distance: int) -> Plane:
        """Return a parallel plane of the volume, the last one instead of what lies beyond."""
        assert self.volume is not None
        return np.asarray(self.volume[min(max(self.position + distance, 0), len(self.volume) - 1)])


@dataclass(frozen=True)
class PairPlane:
    """A noisy image and the clean one, in the units of the noisy one."""

    noisy: Plane
    clean: Plane


@dataclass(frozen=True)
class Sources:
    """Everything that a run draws from."""

    pairs: list[PairPlane]
    clean: list[CleanPlane]
    procedural: list[CleanPlane]

    @cached_property
    def _chances(self) -> NDArray[np.float64]:
        weights = np.array([plane.weight for plane in self.clean])
        return np.asarray(weights / weights.sum())

    def draw_clean(self, rng: np.random.Generator, *, procedural: bool) -> CleanPlane:
        """Draw a recorded or a procedural image, as often as its weight says."""
        if procedural:
            return self.procedural[rng.integers(len(self.procedural))]
        return self.clean[rng.choice(len(self.clean), p=self._chances)]


def load_sources(recipe: RestoreRecipe, data: Path, *, validation: bool = False, cache: Path | None = None) -> Sources:
    """Load the training or the validation part of what a recipe names.

    Parameters
    ----------
    data : Path
        Folder that the recipe's patterns are relative to.
    cache : Path, optional
        Folder in which procedural images are kept, since making them takes a minute.

    Raises
    ------
    TrainingError
        If a pattern matches nothing, files of a pair differ in shape, or images cannot be trained on.
    FileError
        If a file cannot be read, or procedural images cannot be kept.
    """
    recorded = recipe.pairs if isinstance(recipe, DenoiseRecipe) else ()
    pairs = [plane for entry in recorded for plane in _load_pairs(entry, data, validation)]
    clean = [plane for entry in recipe.clean for plane in _load_clean(entry, data, validation)]
    count = 24 if validation else recipe.procedural_count
    return Sources(pairs, clean, _procedural(recipe, count, validation, cache))


def _files(data: Path, pattern: str) -> list[Path]:
    found = sorted(data.glob(pattern))
    if not found:
        raise TrainingError(f"No file in {data} matches '{pattern}', which the recipe asks for. Check --data.")
    return found


def _part(length: int, hold_out: float, validation: bool) -> slice:
    cut = round(length * (1 - hold_out))
    return slice(cut, length) if validation else slice(0, cut)


def _stretch(image: NDArray[np.generic]) -> Plane:
    pixels = image.astype(np.float32)
    low, high = np.percentile(pixels, (0.2, 99.9))
    return np.asarray((pixels - low) / max(high - low, 1e-9), dtype=np.float32)


def _load_pairs(entry: Pairs, data: Path, validation: bool) -> list[PairPlane]:
    planes = []
    files = _files(data, entry.noisy), _files(data, entry.clean)
    if len(files[0]) != len(files[1]):
        raise TrainingError(
            f"In {data} {len(files[0])} files match '{entry.noisy}' and {len(files[1])} match '{entry.clean}', but "
            "each noisy image needs its clean one. Check --data."
        )
    for noisy_path, clean_path in zip(*files, strict=True):
        noisy, clean = (read_pixels(p).astype(np.float32) for p in (noisy_path, clean_path))
        if noisy.shape != clean.shape or noisy.ndim != 2:
            raise TrainingError(f"{noisy_path} and {clean_path} must be 2-D images of one shape.")
        # Exposure and contrast differ between the two; the loss compares them in the units of the noisy one.
        gain, offset = np.polyfit(clean.ravel().astype(float), noisy.ravel().astype(float), 1)
        rows = _part(len(noisy), entry.hold_out, validation)
        if not validation and min(rows.stop, noisy.shape[1]) < SMALLEST_PAIR:
            raise TrainingError(
                f"{noisy_path} is too small: {SMALLEST_PAIR} pixels must be left of each side after holding out "
                f"{entry.hold_out:.0%} of the rows."
            )
        if (rows.stop or 0) - rows.start >= _SMALLEST:
            planes.append(PairPlane(noisy[rows], (clean * gain + offset).astype(np.float32)[rows]))
    return planes


def _load_clean(entry: Clean, data: Path, validation: bool) -> list[CleanPlane]:
    planes: list[Plane] = []
    volumes: dict[int, tuple[Plane, int]] = {}  # by the number of the plane
    for path in _files(data, entry.files):
        image = read_pixels(path)
        if image.ndim == 2:
            planes.append(_stretch(image)[_part(len(image), entry.hold_out, validation)])
        elif image.ndim == 3 and min(image.shape) <= _CHANNELS:
            planes += [_stretch(c)[_part(len(c), entry.hold_out, validation)] for c in _channels(image)]
        elif image.ndim == 3:
            stack = _stretch(image)[_part(len(image), entry.hold_out, validation)]
            for axis in (0, 1, 2) if entry.isotropic else (0,):
                turned = np.moveaxis(stack, axis, 0)
                if entry.isotropic and entry.average == 1:
                    volumes |= {len(planes) + position: (turned, position) for position in range(len(turned))}
                planes += _averaged(turned, entry.average)
        else:
            raise TrainingError(
                f"{path} has {image.ndim} axes. Clean images have two, or a third of slices or up to four channels. "
                "Save it as such, or leave it out."
            )
    large = [number for number, plane in enumerate(planes) if min(plane.shape) >= _SMALLEST]
    if not (large or validation):
        raise TrainingError(
            f"No image of '{entry.files}' in {data} is large enough: {_SMALLEST} pixels must be left of each side "
            f"after holding out {entry.hold_out:.0%} of them."
        )
    usable = [number for number in large if np.ptp(planes[number]) > 0]
    if not (usable or validation):
        raise TrainingError(
            f"All images of '{entry.files}' in {data} have the same value everywhere. Leave them out, or export them "
            "again from their source."
        )
    # The weight is that of the entry, however many images it has.
    weight = entry.weight / max(1, len(usable))
    return [
        CleanPlane(np.ascontiguousarray(planes[n]), entry.shrink, weight, *volumes.get(n, (None, 0))) for n in usable
    ]


def _channels(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the channels of an image, shape (channels, y, x), without the transparency of one in colours."""
    axis = int(np.argmin(image.shape))
    channels = np.moveaxis(image, axis, 0)
    return channels[:-1] if axis == 2 and len(channels) == _CHANNELS else channels


def _averaged(stack: Plane, count: int) -> list[Plane]:
    starts = range(0, len(stack) - count + 1, max(1, count - 1))
    return [stack[i : i + count].mean(axis=0) for i in starts]


def _kept(path: Path | None) -> NDArray[np.float16] | None:
    """Return the procedural images of a file, or None if there are none that can be read."""
    if path is None or not path.exists():
        return None
    try:
        return np.asarray(np.load(path, mmap_mode="r"))
    except (ValueError, OSError):
        return None


def _procedural(recipe: RestoreRecipe, count: int, validation: bool, cache: Path | None) -> list[CleanPlane]:
    side = 384
    path = cache / f"procedural-{recipe.procedural}-{count}-{recipe.seed}.npy" if cache else None
    images = _kept(path)
    if images is None:
        make = getattr(structures, recipe.procedural)
        # Seeds of validation images differ from those of training images by the middle number.
        images = np.stack(
            [make(np.random.default_rng([recipe.seed, int(validation), i]), side) for i in range(count)]
        ).astype(np.float16)
        if path is not None:
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            with new_file(path) as stream:
                np.save(stream, images)
    return [CleanPlane(image, (0.6, 2.0), 1 / count) for image in images]
