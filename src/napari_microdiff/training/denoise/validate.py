"""Validation figures: how many decibels a denoiser gains over the best Gaussian filter of each held-out image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ...diffusion.denoiser import Preconditioned, Prediction
from ...imaging.quality import psnr
from ...tasks.conditioning import noisy_condition
from ..recipes import DenoiseRecipe
from ..recording import record
from .data import Field, normalise
from .simulate import clean_field, pair_field
from .sources import Sources

_SIDE = 256
_COUNT = 16
_SIGMAS = (0.5, 0.7, 0.9, 1.2, 1.5, 2.0, 2.6, 3.4, 4.5, 6.0)
_HEAVY_DB = (12.0, 28.0)


def best_gaussian(truth: NDArray[np.floating], noisy: NDArray[np.floating]) -> float:
    """Affine PSNR of the best of ten Gaussian filters, chosen with the truth in hand."""
    return max(psnr(truth, ndimage.gaussian_filter(noisy, sigma)) for sigma in _SIGMAS)


def blind_prediction(
    denoiser: Preconditioned, noisy: torch.Tensor, guess: torch.Tensor, guess_error: float, vector: torch.Tensor
) -> Prediction:
    """Return the posterior mean and variance of an image given itself noisy, from one evaluation.

    All images have shape (y, x); the vector is one-dimensional.
    """
    condition = noisy_condition(noisy[None, None], guess[None, None], torch.tensor([guess_error]), vector[None])
    mean, variance = denoiser(torch.zeros_like(guess)[None, None], denoiser.blind_from(guess_error), condition)
    return Prediction(mean[0, 0], None if variance is None else variance[0, 0])


def _predicted(denoiser: Preconditioned, field: Field, device: torch.device) -> Prediction:
    noisy, guess, vector = (part.to(device) for part in (field.noisy, field.guess, field.vector))
    return blind_prediction(denoiser, noisy, guess, field.guess_error, vector)


class Validation:
    """A fixed set of held-out images, recorded and simulated."""

    def __init__(self, recipe: DenoiseRecipe, sources: Sources) -> None:
        noise = recipe.noise.model_copy(update={"psnr_db": _HEAVY_DB})
        recipe = recipe.model_copy(update={"noise": noise})
        self._items = {
            name: [self._prepare(*pair) for pair in pairs]
            for name, pairs in {
                "pairs": list(self._pairs(sources)),
                "recorded": list(self._simulated(recipe, sources.clean)),
                "procedural": list(self._simulated(recipe, sources.procedural)),
            }.items()
            if pairs
        }

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the mean gain in dB of one evaluation over the best Gaussian, for each kind of image."""
        device = next(denoiser.parameters()).device
        figures = {}
        for name, items in self._items.items():
            gains = []
            for field, bar in items:
                with torch.inference_mode():
                    mean = _predicted(denoiser, field, device).mean
                gains.append(psnr(field.clean.numpy(), mean.cpu().numpy()) - bar)
            figures[name] = float(np.mean(gains))
        return figures

    def spread_scale(self, denoiser: Preconditioned) -> float:
        """Return the factor that makes predicted standard deviations right on held-out recordings.

        The root mean square over images of each one's own factor: to be too sure of an image is worse than to be not
        sure enough. Recorded pairs tell most about images to come, procedural ones least.
        """
        device = next(denoiser.parameters()).device
        items = next(self._items[kind] for kind in ("pairs", "recorded", "procedural") if kind in self._items)
        squares = []
        for field, _ in items:
            with torch.inference_mode():
                mean, variance = _predicted(denoiser, field, device)
            assert variance is not None
            squares.append(float((mean.cpu() - field.clean).pow(2).mean() / variance.cpu().mean()))
        return float(np.sqrt(np.mean(squares)))

    @staticmethod
    def _prepare(noisy: torch.Tensor, clean: torch.Tensor) -> tuple[Field, float]:
        field = normalise(noisy, clean, None)
        return field, best_gaussian(field.clean.numpy(), field.noisy.numpy())

    @staticmethod
    def _pairs(sources: Sources) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for number in range(_COUNT if sources.pairs else 0):
            rng = np.random.default_rng([1, number])
            yield pair_field(sources.pairs[number % len(sources.pairs)], _SIDE, rng)

    @staticmethod
    def _simulated(recipe: DenoiseRecipe, planes: list) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:  # type: ignore[type-arg]
        for number in range(_COUNT if planes else 0):
            rng = np.random.default_rng([2, number])
            plane = planes[int(rng.integers(len(planes)))]
            clean = clean_field(recipe, plane, _SIDE, rng)
            yield record(recipe.noise, clean, rng, torch.Generator().manual_seed(number)), clean
