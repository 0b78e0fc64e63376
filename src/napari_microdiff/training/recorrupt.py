"""Learning from one noisy image: its planes, recorrupted crops of them, and the fit to these.

See `adapt` for the idea.
"""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..diffusion.denoiser import Preconditioned, Prediction
from ..errors import ImageError
from ..imaging.axes import planes
from ..imaging.intensity import Normalization
from ..imaging.noise import estimate_camera
from ..imaging.quality import residual_whiteness
from ..imaging.spectrum import measure_spectrum, noise_floor, statistics_vector
from ..imaging.wiener import RADIUS, wiener_error, wiener_kernel
from ..tasks.base import Source
from ..tasks.conditioning import noisy_condition
from ..tasks.statistics import Statistics, channel_axis, channel_view, measure
from .average import PowerAverage
from .denoise.validate import blind_prediction

_RECORRUPTION = 0.7  # "a"; the input is noisier by sqrt(1 + a^2)
_CROP, _BATCH = 128, 8
_LEARNING_RATE = 1e-3
_LARGEST_SIDE = 768  # of the part of a plane that is learned from
_MOST_PLANES = 8
_LEAST_ERROR = 0.002  # that can be left, as a share of the noise
_QUIET_WINDOW, _QUIET_SHARE = 16, 0.25
_HELD_OUT = 16  # crops on which it is judged whether the model got better


class NoisyImages:
    """The planes that are learned from, normalised, with what the model takes away from them as noise."""

    def __init__(self, source: Source, denoiser: Preconditioned, device: torch.device) -> None:
        axis = channel_axis(source.axes)
        position = None if axis is None else source.region[axis][0]
        self.device = device
        self.statistics = measure(source, position)
        if self.statistics.constant or self.statistics.noise_level == 0:
            raise ImageError("The image has no noise to learn from. Choose a noisy image.")
        view, axes = channel_view(source, position)
        self._camera = estimate_camera(view, axes)
        self.normalization: Normalization = self.statistics.normalization
        self.noisy = [self._tensor(plane) for plane in _some_planes(source, axis, position)]
        if min(min(plane.shape) for plane in self.noisy) < _CROP:
            raise ImageError(f"The image is too small to learn from: its sides must be at least {_CROP} pixels.")
        self.vector = torch.from_numpy(self.statistics.vector()).to(device)
        self._kernel = torch.from_numpy(self.statistics.wiener()).to(device)
        self.deviation, self.residual = zip(*(self._noise_of(plane, denoiser) for plane in self.noisy), strict=True)

    def agreement(self) -> float:
        """Return how far neighbouring pixels of what is taken away agree: 0 for white noise."""
        return max(residual_whiteness(residual.cpu().numpy()) for residual in self.residual)

    def describe(self) -> str:
        """Say what is learned from."""
        shape = " x ".join(str(n) for n in self.noisy[0].shape)
        return f"{len(self.noisy)} plane{'s' * (len(self.noisy) > 1)} of {shape} pixels"

    def denoise(self, denoiser: Preconditioned) -> NDArray[np.float32]:
        """Denoise the first plane; in the units of the image."""
        with torch.inference_mode():
            mean = self._mean(denoiser, self.noisy[0])
        return self.normalization.undo(mean.cpu().numpy())

    def _mean(self, denoiser: Preconditioned, noisy: Tensor) -> Tensor:
        guess = _filtered(noisy[None, None], self._kernel)[0, 0]
        return blind_prediction(denoiser, noisy, guess, self.statistics.guess_error(), self.vector).mean

    def _tensor(self, plane: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(self.normalization.apply(plane)).to(self.device)

    def _noise_of(self, noisy: Tensor, denoiser: Preconditioned) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            mean = self._mean(denoiser, noisy)
        grey = self.normalization.undo(mean.cpu().numpy())
        measured = np.maximum(self._camera.noise(grey), 1e-3 * self.statistics.noise_level) / self.normalization.scale
        deviation = torch.from_numpy(measured.astype(np.float32)).to(self.device)
        residual = (noisy - mean) / deviation
        # The camera's noise is measured between neighbours, which misses most of a noise that neighbours share.
        deviation = deviation * max(1.0, _quiet_deviation(residual))
        residual = residual - residual.mean()
        return deviation, residual / residual.std().clamp_min(1e-6)


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
    variances = F.unfold(residual[None, None], _QUIET_WINDOW, stride=_QUIET_WINDOW)[0].var(dim=0)
    return float(variances.quantile(_QUIET_SHARE).sqrt())


def _filtered(images: Tensor, kernel: Tensor) -> Tensor:
    """Filter images of shape (batch, 1, y, x) by their Wiener kernel."""
    return F.conv2d(F.pad(images, (RADIUS,) * 4, mode="reflect"), kernel[None, None])


class RecorruptedFit:
    """Fine-tuning: the mean by recorrupted targets, the spread held to what the parent says."""

    def __init__(self, denoiser: Preconditioned, images: NoisyImages, steps: int, seed: int) -> None:
        self.images, self.steps = images, steps
        self.parent = copy.deepcopy(denoiser).eval()
        self.denoiser = denoiser.requires_grad_(True).train()
        self.average = PowerAverage(denoiser)
        self._optimizer = torch.optim.Adam(denoiser.parameters(), lr=_LEARNING_RATE, betas=(0.9, 0.99))
        self._rng = np.random.default_rng([seed, 0])
        self._vector, self._kernel, self._guess_error = self._statistics_of_recorrupted(images.statistics)
        self._held_out = [self._draw(np.random.default_rng([seed, 1, i]), 1) for i in range(_HELD_OUT)]

    def one_step(self, step: int) -> None:
        """Take one step of training."""
        inputs, targets, noise = self._draw(self._rng, _BATCH)
        mean, variance = self._evaluate(self.denoiser, inputs)
        with torch.no_grad():
            held = self._evaluate(self.parent, inputs).variance
        assert variance is not None
        assert held is not None
        scale = 0.1 * noise.pow(2).mean()
        loss = (mean - targets).pow(2).mean() / scale + (variance.log() - held.log()).pow(2).mean()
        portion = step / self.steps
        for group in self._optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * min(1.0, step / 20) * 0.5 * (1 + math.cos(math.pi * portion))
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.denoiser.parameters(), 5.0)
        self._optimizer.step()
        self.average.update(self.denoiser, step)

    def gain_db(self) -> float:
        """Estimate by how much the squared error fell, on crops with noise that was not trained with.

        The squared distance to a recorrupted target is the error plus the target's noise. That noise is the same for
        both models, so that the difference of their distances is the difference of their errors; how large the
        parent's error was, the parent says itself.
        """
        fall, before, noise_power = 0.0, 0.0, 0.0
        for inputs, targets, noise in self._held_out:
            with torch.inference_mode():
                old, new = (self._evaluate(denoiser, inputs) for denoiser in (self.parent, self.average.module))
            assert old.variance is not None
            fall += float(((old.mean - targets) ** 2 - (new.mean - targets) ** 2).mean()) / _HELD_OUT
            before += float(old.variance.mean()) / _HELD_OUT
            noise_power += float(noise.pow(2).mean()) / _HELD_OUT
        after = max(before - fall, _LEAST_ERROR * noise_power)
        return 10 * math.log10((after + fall) / after)

    def _draw(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw recorrupted crops: inputs, targets, and the standard deviation of the noise at each pixel."""
        inputs, targets, deviations = [], [], []
        for _ in range(count):
            which = int(rng.integers(len(self.images.noisy)))
            turn = int(rng.integers(8))
            here = _window(self.images.noisy[which].shape, rng)
            noisy = _turned(self.images.noisy[which][here], turn)
            deviation = _turned(self.images.deviation[which][here], turn)
            residual = self.images.residual[int(rng.integers(len(self.images.residual)))]
            fresh = _turned(residual[_window(residual.shape, rng)], turn) * float(rng.choice([-1, 1])) * deviation
            inputs.append(noisy + _RECORRUPTION * fresh)
            targets.append(noisy - fresh / _RECORRUPTION)
            deviations.append(deviation)
        stacked = (torch.stack(part)[:, None] for part in (inputs, targets, deviations))
        first, second, third = stacked
        return first, second, third

    def _evaluate(self, denoiser: Preconditioned, inputs: Tensor) -> Prediction:
        guess = _filtered(inputs, self._kernel)
        vector = self._vector.expand(len(inputs), -1)
        condition = noisy_condition(inputs, guess, torch.full((len(inputs),), self._guess_error), vector)
        blind = denoiser.blind_from(self._guess_error)
        prediction: Prediction = denoiser(torch.zeros_like(inputs), blind, condition)
        return prediction

    def _statistics_of_recorrupted(self, statistics: Statistics) -> tuple[Tensor, Tensor, float]:
        """Return vector, Wiener kernel and that one's expected error of the image as it is after recorruption."""
        pairs = zip(self.images.residual, self.images.deviation, strict=True)
        fresh = [residual * deviation for residual, deviation in pairs]
        added = measure_spectrum(torch.stack(fresh).cpu().numpy()).powers
        spectrum = statistics.spectrum.plus(_RECORRUPTION**2 * added)
        noise = noise_floor(spectrum.powers)
        arrays = statistics_vector(spectrum, noise), wiener_kernel(spectrum.powers, noise)
        vector, kernel = (torch.from_numpy(array).to(self.images.device) for array in arrays)
        return vector, kernel, wiener_error(spectrum.powers, noise)


def _window(shape: torch.Size | tuple[int, ...], rng: np.random.Generator) -> tuple[slice, slice]:
    top, left = (int(rng.integers(n - _CROP + 1)) for n in shape)
    return slice(top, top + _CROP), slice(left, left + _CROP)


def _turned(image: Tensor, which: int) -> Tensor:
    turned = torch.rot90(image, which % 4, (0, 1))
    return turned.flip(0) if which >= 4 else turned
