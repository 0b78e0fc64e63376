"""Fitting a model to recorrupted crops of one noisy image, and judging by others what that brought.

See `adapt` for the idea.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence

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
from ..descent import Descent
from .noisy_images import RECORRUPTION, KeptBack, NoisyImages
from .risk import squared_error

_BATCH = 8
_LEARNING_RATE, _WARM_UP = 1e-3, 20  # steps
_PRODS = 4  # of the strips that it is judged by, in all
_LEAST_ERROR = 0.05  # that can be left, as a share of that before


class RecorruptedFit:
    """Fine-tuning: the mean by recorrupted targets, the spread held to what the parent says."""

    def __init__(self, denoiser: Preconditioned, images: NoisyImages, steps: int, seed: int) -> None:
        self.images = images
        self.parent = copy.deepcopy(denoiser).eval()
        self.denoiser = denoiser.requires_grad_(True).train()
        self.average = PowerAverage(denoiser)
        self._count, self._descent = steps, Descent(denoiser.parameters(), _LEARNING_RATE, _WARM_UP, steps)
        self._rng = np.random.default_rng(seed)
        self._vector, self._kernel, self._guess_error = self._statistics_of_recorrupted(images.statistics)
        self._learned = images.learned()

    def steps(self) -> Iterator[None]:
        """Take the steps of training, and yield after each."""
        for step in range(1, self._count + 1):
            self._take(step)
            yield

    def _take(self, step: int) -> None:
        inputs, targets, noise = self._learned.draw(self._rng, _BATCH)
        mean, variance = self._evaluate(self.denoiser, inputs)
        with torch.no_grad():
            held = self._evaluate(self.parent, inputs).variance
        assert variance is not None
        assert held is not None
        scale = 0.1 * noise.pow(2).mean()
        loss = (mean - targets).pow(2).mean() / scale + (variance.log() - held.log()).pow(2).mean()
        self._descent.step(loss, step)
        self.average.update(self.denoiser, step)

    def gain_db(self) -> float | None:
        """Estimate by how much the squared error fell, where the model never learned; ``None`` if it did everywhere.

        The difference of the errors hardly depends on how strong the noise is, but the error before does. So that is
        at least what the parent says of itself, who may be wrong by a factor of two in the deviation.
        """
        strips = self.images.kept_back()
        if not strips:
            return None
        old, new = (_exact(denoiser) for denoiser in (self.parent, self.average.module))
        before, after = (self._error(denoiser, strips) for denoiser in (old, new))
        said = float(np.mean([float(self._variance(old, strip).mean()) for strip in strips]))
        error = max(before, said / 4)
        return 10 * math.log10(error / max(error - (before - after), _LEAST_ERROR * error))

    def _error(self, denoiser: Preconditioned, strips: Sequence[KeptBack]) -> float:
        def denoise(noisy: Tensor) -> Tensor:
            return self.images.predict(denoiser, noisy).mean

        prods = max(1, _PRODS // len(strips))
        return float(np.mean([squared_error(denoise, *strip, prods=prods) for strip in strips]))

    def _variance(self, denoiser: Preconditioned, strip: KeptBack) -> Tensor:
        variance = self.images.predict(denoiser, strip.noisy).variance
        assert variance is not None
        return variance[strip.part]

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


def _exact(denoiser: Preconditioned) -> Preconditioned:
    """Return a copy that computes in float32: in bfloat16 what a prod changes is lost in the rounding."""
    exact = copy.deepcopy(denoiser)
    exact.precision = torch.float32
    return exact
