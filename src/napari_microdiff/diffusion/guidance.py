"""Guidance: functions that wrap a denoiser and return a denoiser.

They change where the posterior mean lies, not how it is sampled, so that each works with every sampler and with the
others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from .denoiser import NOTHING, Condition, Denoiser, Prediction

Correction = Callable[[Tensor, Condition, Tensor], Tensor]
Unknown = Callable[[Tensor, Condition], Tensor]


def classifier_free(
    denoiser: Denoiser, weight: float, interval: tuple[float, float] = (0.0, float("inf")), *, in_errors: bool = False
) -> Denoiser:
    """Push the estimate away from what it would be without the condition (Ho & Salimans 2022, arXiv:2207.12598).

    ``D = D_c + weight (D_c - D_0)`` at noise levels within ``interval`` (Kynkaanniemi et al. 2024, arXiv:2404.07724),
    and ``D_c`` outside, where the second evaluation is saved. The variance is that of ``D_c``. With ``in_errors`` the
    interval is in units of the expected error of the guess, each image's own.
    """

    def guided(x: Tensor, sigma: float | Tensor, condition: Condition = NOTHING) -> Prediction:
        told = denoiser(x, sigma, condition)
        levels = torch.as_tensor(sigma, dtype=torch.float32, device=x.device).reshape(-1)
        if in_errors and condition.guess_error is not None:
            levels = levels / condition.guess_error.to(levels)
        inside = (levels >= interval[0]) & (levels <= interval[1])
        if weight == 0 or not inside.any():
            return told
        maps = None if condition.maps is None else torch.zeros_like(condition.maps)
        vector = None if condition.vector is None else torch.zeros_like(condition.vector)
        untold = denoiser(x, sigma, replace(condition, maps=maps, vector=vector, guess=None, guess_error=None))
        mean = torch.lerp(untold.mean, told.mean, 1 + weight)
        return Prediction(torch.where(inside.reshape(-1, *[1] * (x.ndim - 1)), mean, told.mean), told.variance)

    return guided


def known_pixels(denoiser: Denoiser) -> Denoiser:
    """Clamp the estimate to ``condition.known`` where ``condition.known_mask`` is 1.

    The clamp is in the clean image: unlike replacing pixels of the noisy one it needs no resampling to blend.
    """

    def clamped(x: Tensor, sigma: float | Tensor, condition: Condition = NOTHING) -> Prediction:
        mean, variance = denoiser(x, sigma, condition)
        if condition.known is None or condition.known_mask is None:
            return Prediction(mean, variance)
        free = 1 - condition.known_mask
        return Prediction(mean * free + condition.known * (1 - free), None if variance is None else variance * free)

    return clamped


def within_bounds(denoiser: Denoiser, bounds: Callable[[Condition], tuple[Tensor, Tensor]]) -> Denoiser:
    """Keep the estimate of each pixel between two values that the condition tells.

    Where a network goes astray, far from all that it was trained on, sampling would carry its error on from step to
    step. What lies within two values varies by no more than half their distance (Popoviciu 1935), which bounds the
    variance too. Where the two are one value, as where a camera counted no photon for many pixels around, that says
    nothing: there the expected error of the guess is the bound.

    Parameters
    ----------
    bounds : callable
        Returns the lowest and the highest possible value of each pixel.
    """

    def bounded(x: Tensor, sigma: float | Tensor, condition: Condition = NOTHING) -> Prediction:
        mean, variance = denoiser(x, sigma, condition)
        low, high = bounds(condition)
        largest = ((high - low) / 2) ** 2
        if condition.guess_error is not None:
            error = condition.guess_error.to(largest).view(-1, *[1] * (x.ndim - 1))
            largest = torch.where(high > low, largest, error**2)
        return Prediction(mean.clamp(low, high), None if variance is None else variance.minimum(largest))

    return bounded


def measured(denoiser: Denoiser, correction: Correction, unknown: Unknown) -> Denoiser:
    """Weigh the estimate against ``condition.measured``, which is ``y = A clean + noise``.

    After Song et al. 2023 (Pseudoinverse-Guided Diffusion Models, ICLR; openreview.net/forum?id=9_gsMA8MRKQ):
    ``D <- D + A' (A A' + q)^-1 (y - A D)`` with ``q = noise^2 / r^2``, where the estimate may be off by ``r`` in each
    pixel. Without noise this is the projection of Wang et al. 2022 (arXiv:2212.00490): the result reproduces what was
    measured exactly.

    Parameters
    ----------
    correction : callable
        Returns ``A' (A A' + q)^-1 (y - A D)`` of an estimate, the condition and ``q``, shape (batch,).
    unknown : callable
        Returns ``r^2`` of the noise level and the condition, a scalar or shape (batch,).
    """

    def weighed(x: Tensor, sigma: float | Tensor, condition: Condition = NOTHING) -> Prediction:
        mean, variance = denoiser(x, sigma, condition)
        if condition.measured is None or condition.measured_noise is None:
            return Prediction(mean, variance)
        ridge = condition.measured_noise**2 / unknown(torch.as_tensor(sigma, device=x.device), condition)
        return Prediction(mean + correction(mean, condition, ridge), variance)

    return weighed


def left_unknown(sigma: Tensor, spread: float | Tensor) -> Tensor:
    """Return the variance of what noise ``sigma`` leaves unknown of Gaussian images of standard deviation ``spread``.

    With it, and a prior that is told nothing, `measured` is exact if images are Gaussian and white.
    """
    return sigma**2 * spread**2 / (sigma**2 + spread**2)
