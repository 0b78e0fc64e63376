"""The planes of one noisy image that a model is adapted to, and the recorrupted crops that are drawn from them.

See `adapt` for the idea.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...diffusion.denoiser import Preconditioned, Prediction
from ...errors import ImageError
from ...imaging.axes import planes
from ...imaging.intensity import Normalization
from ...imaging.noise import estimate_camera
from ...tasks.base import Source
from ...tasks.conditioning import filtered, reflected
from ...tasks.mended import Kept, mended
from ...tasks.statistics import channel_axis, channel_view, measure_channel
from ..restore.predict import blind_prediction
from .fresh_noise import QUIET_SHARE, FreshNoise, windows_of

RECORRUPTION = 0.7  # "a"; the input is noisier by sqrt(1 + a^2)
_CROP = 128
_LARGEST_SIDE = 768  # of the part of a plane that is learned from
_MOST_PLANES = 8


@dataclass(frozen=True)
class Crops:
    """Parts of planes from which recorrupted crops are drawn.

    Attributes
    ----------
    noisy, deviation : sequence of Tensor, each of shape (y, x)
        The image, and the standard deviation of its noise.
    fresh : FreshNoise
        Like that noise, of deviation 1.
    """

    noisy: tuple[Tensor, ...]
    deviation: tuple[Tensor, ...]
    fresh: FreshNoise

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw inputs, targets, and the standard deviation of the noise; each of shape (count, 1, crop, crop)."""
        drawn = [self._draw_one(rng) for _ in range(count)]
        inputs, targets, deviations = (torch.stack(part)[:, None] for part in zip(*drawn, strict=True))
        return inputs, targets, deviations

    def _draw_one(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        which, turn = int(rng.integers(len(self.noisy))), int(rng.integers(8))
        here = _window(self.noisy[which].shape, rng)
        noisy, deviation = (_turned(plane[which][here], turn) for plane in (self.noisy, self.deviation))
        fresh = torch.from_numpy(self.fresh.draw((_CROP, _CROP), rng)).to(deviation.device) * deviation
        return noisy + RECORRUPTION * fresh, noisy - fresh / RECORRUPTION, deviation


class KeptBack(NamedTuple):
    """A strip that is never learned from, as wide as a crop, with as much again beside it.

    Attributes
    ----------
    noisy, deviation : Tensor, each of shape (y, x)
        See `Crops`.
    part : tuple of slice
        Where in these the strip is.
    """

    noisy: Tensor
    deviation: Tensor
    part: tuple[slice, ...]


class NoisyImages:
    """The planes that are learned from, normalised, with what the model takes away from them as noise."""

    def __init__(self, source: Source, denoiser: Preconditioned, device: torch.device) -> None:
        axis = channel_axis(source.axes)
        position = None if axis is None else source.region[axis][0]
        self.device = device
        self.statistics = measure_channel(source, position)
        if self.statistics.constant or self.statistics.noise_level == 0:
            raise ImageError("The image has no noise to learn from. Choose a noisy image.")
        source = mended(Kept(source, {position: self.statistics.faults}), [])
        view, axes = channel_view(source, position)
        self._camera = estimate_camera(view, axes)
        self.normalization: Normalization = self.statistics.normalization
        self.noisy = tuple(self._tensor(plane) for plane in _some_planes(source, axis, position))
        if min(min(plane.shape) for plane in self.noisy) < _CROP:
            raise ImageError(f"The image is too small to learn from: its sides must be at least {_CROP} pixels.")
        self.vector = torch.from_numpy(self.statistics.vector()).to(device)
        self._kernel = self.statistics.wiener()
        self.deviation, taken_away = zip(*(self._noise_of(plane, denoiser) for plane in self.noisy), strict=True)
        self.fresh = FreshNoise.like([plane.cpu().numpy() for plane in taken_away])

    def describe(self) -> str:
        """Say what is learned from."""
        shape = " x ".join(str(n) for n in self.noisy[0].shape)
        return f"{len(self.noisy)} plane{'s' * (len(self.noisy) > 1)} of {shape} pixels"

    def learned(self) -> Crops:
        """Return what is learned from: all but what is kept back."""
        axis, start = self._end()
        noisy, deviation = (tuple(plane.narrow(axis, 0, start) for plane in kind) for kind in self._both())
        return Crops(noisy, deviation, self.fresh)

    def kept_back(self) -> list[KeptBack]:
        """Return the strips at the ends of planes that are kept back to judge by; none where planes are too short.

        A model that learned the noise of an image by heart comes nearer to it without coming nearer to the truth, so
        that it must be judged where it never learned.
        """
        axis, start = self._end()
        if start == self.noisy[0].shape[axis]:
            return []
        noisy, deviation = ([plane.narrow(axis, start - _CROP, 2 * _CROP) for plane in kind] for kind in self._both())
        part = (slice(None),) * axis + (slice(_CROP, None),)
        return [KeptBack(*strip, part) for strip in zip(noisy, deviation, strict=True)]

    def denoise(self, denoiser: Preconditioned) -> NDArray[np.float32]:
        """Denoise the first plane; in the units of the image."""
        return self.normalization.undo(self.predict(denoiser, self.noisy[0]).mean.cpu().numpy())

    @torch.inference_mode()
    def predict(self, denoiser: Preconditioned, noisy: Tensor) -> Prediction:
        """Denoise a plane or a part of one, shape (y, x), in normalised units."""
        guess = filtered(reflected(noisy[None, None]), self._kernel)[0, 0]
        return blind_prediction(denoiser, noisy, guess, self.statistics.guess_error(), self.vector)

    def _both(self) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        return self.noisy, self.deviation

    def _end(self) -> tuple[int, int]:
        """Return the longer axis of planes, and where on it ends what is learned from."""
        shape = self.noisy[0].shape
        axis = int(np.argmax(shape))
        return axis, shape[axis] - (_CROP if shape[axis] >= 2 * _CROP else 0)

    def _tensor(self, plane: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(self.normalization.apply(plane)).to(self.device)

    def _noise_of(self, noisy: Tensor, denoiser: Preconditioned) -> tuple[Tensor, Tensor]:
        mean = self.predict(denoiser, noisy).mean
        grey = self.normalization.undo(mean.cpu().numpy())
        # At the few darkest pixels the law of the camera may foretell next to none.
        least = max(float(self._camera.noise(np.percentile(grey, 1))), 1e-3 * self.statistics.noise_level)
        measured = np.maximum(self._camera.noise(grey), least) / self.normalization.scale
        deviation = torch.from_numpy(measured.astype(np.float32)).to(self.device)
        residual = (noisy - mean) / deviation
        # The camera's noise is measured between neighbours, which misses most of a noise that neighbours share.
        deviation = deviation * max(1.0, _quiet_deviation(residual))
        return deviation, residual


def _some_planes(source: Source, axis: int | None, position: int | None) -> list[NDArray[np.generic]]:
    """Return the middle of a few planes, spread over the image."""
    region = list(source.region)
    if axis is not None and position is not None:
        region[axis] = (position, position + 1)
    indices = list(planes(source.axes, source.shape, tuple(region)))
    chosen = np.unique(np.linspace(0, len(indices) - 1, min(_MOST_PLANES, len(indices))).round().astype(int))
    side = _LARGEST_SIDE // 8 * 8 if len(chosen) == 1 else _LARGEST_SIDE // 2
    middle = tuple(
        slice((n - min(n, side)) // 2, (n - min(n, side)) // 2 + min(n, side) // 16 * 16) for n in source.plane_shape
    )
    return [np.asarray(source.plane(indices[i])[middle]) for i in chosen]


def _quiet_deviation(residual: Tensor) -> float:
    """Return the standard deviation in the quieter windows: there a residual is noise, elsewhere structure too."""
    variances = windows_of([residual.cpu().numpy()]).var(axis=(1, 2), ddof=1)
    return float(np.sqrt(np.quantile(variances, QUIET_SHARE)))


def _window(shape: torch.Size | tuple[int, ...], rng: np.random.Generator) -> tuple[slice, slice]:
    top, left = (int(rng.integers(n - _CROP + 1)) for n in shape)
    return slice(top, top + _CROP), slice(left, left + _CROP)


def _turned(image: Tensor, which: int) -> Tensor:
    turned = torch.rot90(image, which % 4, (0, 1))
    return turned.flip(0) if which >= 4 else turned
