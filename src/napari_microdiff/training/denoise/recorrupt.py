"""Fitting a model to recorrupted crops of one noisy image, and judging by others what that brought.

See `adapt` for the idea.
"""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...diffusion.denoiser import Preconditioned, Prediction
from ...imaging.spectrum import measure_spectrum, noise_floor, statistics_vector
from ...imaging.wiener import wiener_error, wiener_kernel
from ...tasks.conditioning import filtered, noisy_condition, reflected
from ...tasks.statistics import Statistics
from ..average import PowerAverage
from ..rate import rate_at
from .noisy_images import RECORRUPTION, NoisyImages

_BATCH = 8
_LEARNING_RATE, _WARM_UP = 1e-3, 20  # steps
_LEAST_ERROR = 0.002  # that can be left, as a share of the noise
_JUDGED = 32  # crops by which it is judged whether the model got better


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
        self._learned, kept_back = images.shares()
        rngs = (np.random.default_rng([seed, 1, i]) for i in range(_JUDGED))
        self._judged = [] if kept_back is None else [kept_back.draw(rng, 1) for rng in rngs]

    def one_step(self, step: int) -> None:
        """Take one step of training."""
        inputs, targets, noise = self._learned.draw(self._rng, _BATCH)
        mean, variance = self._evaluate(self.denoiser, inputs)
        with torch.no_grad():
            held = self._evaluate(self.parent, inputs).variance
        assert variance is not None
        assert held is not None
        scale = 0.1 * noise.pow(2).mean()
        loss = (mean - targets).pow(2).mean() / scale + (variance.log() - held.log()).pow(2).mean()
        for group in self._optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * rate_at(step, step / self.steps, _WARM_UP)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.denoiser.parameters(), 5.0)
        self._optimizer.step()
        self.average.update(self.denoiser, step)

    def gain_db(self) -> float | None:
        """Estimate by how much the squared error fell, where the model never learned; ``None`` if it did everywhere.

        The squared distance to a recorrupted target is the error plus the target's noise. That noise is the same for
        both models, so that the difference of their distances is the difference of their errors; how large the
        parent's error was, the parent says itself.
        """
        if not self._judged:
            return None
        fall, before, noise_power = 0.0, 0.0, 0.0
        for inputs, targets, noise in self._judged:
            with torch.inference_mode():
                old, new = (self._evaluate(denoiser, inputs) for denoiser in (self.parent, self.average.module))
            assert old.variance is not None
            fall += float(((old.mean - targets) ** 2 - (new.mean - targets) ** 2).mean()) / _JUDGED
            before += float(old.variance.mean()) / _JUDGED
            noise_power += float(noise.pow(2).mean()) / _JUDGED
        after = max(before - fall, _LEAST_ERROR * noise_power)
        return 10 * math.log10((after + fall) / after)

    def _evaluate(self, denoiser: Preconditioned, inputs: Tensor) -> Prediction:
        guess = filtered(reflected(inputs), self._kernel)
        vector = self._vector.expand(len(inputs), -1)
        condition = noisy_condition(inputs, guess, torch.full((len(inputs),), self._guess_error), vector)
        blind = denoiser.blind_from(self._guess_error)
        prediction: Prediction = denoiser(torch.zeros_like(inputs), blind, condition)
        return prediction

    def _statistics_of_recorrupted(self, statistics: Statistics) -> tuple[Tensor, NDArray[np.float32], float]:
        """Return vector, Wiener kernel and that one's expected error of the image as it is after recorruption."""
        rng = np.random.default_rng(0)
        deviations = [deviation.cpu().numpy() for deviation in self.images.deviation]
        fresh = [self.images.fresh.draw((len(plane), len(plane[0])), rng) * plane for plane in deviations]
        added = measure_spectrum(np.stack(fresh)).powers
        spectrum = statistics.spectrum.plus(RECORRUPTION**2 * added)
        noise = noise_floor(spectrum.powers)
        vector = torch.from_numpy(statistics_vector(spectrum, noise)).to(self.images.device)
        return vector, wiener_kernel(spectrum.powers, noise), wiener_error(spectrum.powers, noise)
