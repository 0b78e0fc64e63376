"""Adapting a model to one noisy image, without any clean one.

The image is recorrupted (Pang et al. 2021, arXiv:2102.02798): from ``y = x + n`` and a fresh ``m`` with the
statistics of ``n``, make ``y + a m`` and ``y - m / a``. Their noises are uncorrelated, so that a network that is
trained to predict the second from the first learns the mean of the clean image. Fresh noise is drawn from what the
model takes away from the image now, in places chosen at random: whatever correlations the camera's noise has, it has
them too.
"""

from __future__ import annotations

import copy
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..diffusion.denoiser import Condition, Preconditioned, Prediction
from ..engine.device import choose_device, choose_precision, torch_dtype
from ..engine.events import Notice, Preview, Progress
from ..engine.request import DenoiseOptions, Request
from ..errors import ImageError, ModelError
from ..imaging.axes import Sliceable, planes
from ..imaging.intensity import Normalization
from ..imaging.noise import estimate_camera
from ..imaging.spectrum import noise_floor, statistics_vector
from ..imaging.wiener import RADIUS, wiener_kernel
from ..models.build import load_denoiser
from ..models.model import Model, save_model
from ..models.store import find_model, list_models, user_folder
from ..tasks.base import Source, open_source
from ..tasks.statistics import Statistics, channel_axis, channel_view, measure
from .average import PowerAverage
from .validate import blind_mean

_RECORRUPTION = 0.7  # "a"; the input is noisier by sqrt(1 + a^2)
_CROP, _BATCH = 128, 8
_LEARNING_RATE = 1e-3
_LARGEST_SIDE = 768  # of the part of a plane that is learned from
_MOST_PLANES = 8
_HELD_OUT = 16  # crops on which it is judged whether the model got better


@dataclass(frozen=True)
class Adapted:
    """A model was adapted and saved; nothing follows.

    Attributes
    ----------
    model_id : str
        Identity of the new model in the store.
    before, after : ndarray of float32, shape (y, x)
        The same part of the image, denoised by the parent and by the new model; in the units of the image.
    gain_db : float
        Estimated reduction of the mean squared error, on parts that were not learned from.
    """

    model_id: str
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    gain_db: float


def adapt(
    model_id: str,
    source: Sliceable,
    *,
    name: str | None = None,
    axes: str | None = None,
    steps: int = 300,
    seed: int = 0,
    device: str = "auto",
) -> Iterator[Progress | Notice | Preview | Adapted]:
    """Fine-tune a denoising model on a noisy image and save it as a model of its own.

    Parameters
    ----------
    model_id : str
        The model to start from.
    source : array-like
        The noisy image; of several channels the first is learned from, of many planes a few.
    name : str, optional
        Identity of the new model: small letters, digits, dots and dashes. ``None`` makes one up.
    steps : int
        Steps of training; 300 take a minute or two on a laptop.

    Yields
    ------
    Progress, Preview, Notice
        Closing the generator stops the job; nothing is saved then.
    Adapted
        Last.

    Raises
    ------
    ImageError, ModelError, DeviceError
        If the image has no noise or is too small, or the model is of the wrong kind.
    """
    parent = find_model(model_id)
    opened = open_source(Request(model=model_id, axes=axes, options=DenoiseOptions()), source)
    place = choose_device(device)
    new_id = _new_identity(parent, name)
    denoiser = copy.deepcopy(load_denoiser(parent, place))
    denoiser.precision = torch_dtype(choose_precision("auto", place))
    images = _Images(opened, denoiser, place)
    yield Notice(f"Learning from {images.describe()}.")
    fit = _Fit(denoiser, images, steps, seed)
    started = time.monotonic()
    for step in range(1, steps + 1):
        fit.one_step(step)
        yield Progress(step, steps, (time.monotonic() - started) / step * (steps - step))
    gain = fit.gain_db()
    if gain <= 0:
        yield Notice(
            f"'{parent.card.id}' already suits this image: learning from it brought nothing ({gain:+.2f} dB). "
            "The model was saved all the same; prefer its parent."
        )
    before, after = images.denoise(load_denoiser(parent, place)), images.denoise(fit.average.module)
    _save(parent, new_id, fit.average.module, steps, gain)
    yield Adapted(new_id, before, after, gain)


def _new_identity(parent: Model, name: str | None) -> str:
    taken = {model.card.id for model in list_models()}
    if name is not None:
        identity = re.sub(r"[^a-z0-9._-]+", "-", name.strip().lower()).strip("-._")
        if not identity:
            raise ModelError(f"'{name}' has no letters or digits that a model's name could be made of. Choose another.")
        if identity in taken:
            raise ModelError(f"There already is a model '{identity}'. Choose another name, or remove that one.")
        return identity
    number = 1
    while f"{parent.card.id}-adapted-{number}" in taken:
        number += 1
    return f"{parent.card.id}-adapted-{number}"


def _save(parent: Model, identity: str, denoiser: Preconditioned, steps: int, gain: float) -> None:
    card = parent.card.model_copy(
        update={
            "id": identity,
            "title": f"{parent.card.title} (adapted)",
            "summary": f"'{parent.card.id}', adapted to one noisy image in {steps} steps",
            "parent": parent.card.id,
            "training": {"adapted_steps": steps, "estimated_gain_db": round(gain, 2)},
            "quality": (),
        }
    )
    save_model(card, denoiser.network.state_dict(), user_folder() / identity)


class _Images:
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
        return blind_mean(denoiser, noisy, guess, self.vector)

    def _tensor(self, plane: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(self.normalization.apply(plane)).to(self.device)

    def _noise_of(self, noisy: Tensor, denoiser: Preconditioned) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            mean = self._mean(denoiser, noisy)
        grey = self.normalization.undo(mean.cpu().numpy())
        measured = np.maximum(self._camera.noise(grey), 1e-3 * self.statistics.noise_level) / self.normalization.scale
        deviation = torch.from_numpy(measured.astype(np.float32)).to(self.device)
        residual = (noisy - mean) / deviation
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


def _filtered(images: Tensor, kernel: Tensor) -> Tensor:
    """Filter images of shape (batch, 1, y, x) by their Wiener kernel."""
    return F.conv2d(F.pad(images, (RADIUS,) * 4, mode="reflect"), kernel[None, None])


class _Fit:
    """Fine-tuning: the mean by recorrupted targets, the spread held to what the parent says."""

    def __init__(self, denoiser: Preconditioned, images: _Images, steps: int, seed: int) -> None:
        self.images, self.steps = images, steps
        self.parent = copy.deepcopy(denoiser).eval()
        self.denoiser = denoiser.requires_grad_(True).train()
        self.average = PowerAverage(denoiser)
        self._optimizer = torch.optim.Adam(denoiser.parameters(), lr=_LEARNING_RATE, betas=(0.9, 0.99))
        self._rng = np.random.default_rng([seed, 0])
        self._vector, self._kernel = self._statistics_of_recorrupted(images.statistics)
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

        The squared distance to a recorrupted target is the error plus the target's noise, which is subtracted.
        """
        errors = []
        for denoiser in (self.parent, self.average.module):
            total = 0.0
            for inputs, targets, noise in self._held_out:
                with torch.inference_mode():
                    mean = self._evaluate(denoiser, inputs).mean
                floor = float(noise.pow(2).mean()) * (1 + _RECORRUPTION**-2)
                total += float((mean - targets).pow(2).mean()) - floor
            errors.append(max(total / len(self._held_out), 1e-9))
        return 10 * math.log10(errors[0] / errors[1])

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
        condition = Condition(maps=torch.cat([inputs, guess], dim=1), vector=vector, guess=guess)
        prediction: Prediction = denoiser(torch.zeros_like(inputs), denoiser.sigma_max, condition)
        return prediction

    def _statistics_of_recorrupted(self, statistics: Statistics) -> tuple[Tensor, Tensor]:
        """Return vector and Wiener kernel of the image as it is after recorruption."""
        floor = noise_floor(statistics.powers)
        powers = statistics.powers + (_RECORRUPTION * floor) ** 2
        noise = floor * math.sqrt(1 + _RECORRUPTION**2)
        vector, kernel = statistics_vector(powers, noise), wiener_kernel(powers, noise)
        return torch.from_numpy(vector).to(self.images.device), torch.from_numpy(kernel).to(self.images.device)


def _window(shape: torch.Size | tuple[int, ...], rng: np.random.Generator) -> tuple[slice, slice]:
    top, left = (int(rng.integers(n - _CROP + 1)) for n in shape)
    return slice(top, top + _CROP), slice(left, left + _CROP)


def _turned(image: Tensor, which: int) -> Tensor:
    turned = torch.rot90(image, which % 4, (0, 1))
    return turned.flip(0) if which >= 4 else turned
