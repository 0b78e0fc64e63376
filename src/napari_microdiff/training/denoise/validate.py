"""Validation figures: how many decibels a denoiser gains over the best Gaussian filter of each held-out image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ...diffusion.denoiser import Preconditioned
from ...imaging.quality import psnr
from ..recipe import GRID
from ..recording import simulate_recording
from ..restore.batch import Field
from ..restore.fields import clean_field, pair_field
from ..restore.predict import predict_field
from ..restore.sources import Sources
from .data import normalise
from .recipe import DenoiseRecipe

_SIDE = 256
_COUNT = 16
_SIGMAS = (0.5, 0.7, 0.9, 1.2, 1.5, 2.0, 2.6, 3.4, 4.5, 6.0)
_HEAVY_DB = (12.0, 28.0)


def best_gaussian(truth: NDArray[np.floating], noisy: NDArray[np.floating]) -> float:
    """Affine PSNR of the best of ten Gaussian filters, chosen with the truth in hand."""
    return max(psnr(truth, ndimage.gaussian_filter(noisy, sigma)) for sigma in _SIGMAS)


class Validation:
    """A fixed set of held-out images, recorded and simulated."""

    def __init__(self, recipe: DenoiseRecipe, sources: Sources) -> None:
        noise = recipe.noise.model_copy(update={"psnr_db": _HEAVY_DB})
        recipe = recipe.model_copy(update={"noise": noise})
        kinds = {
            "pairs": self._pairs(sources),
            "recorded": self._simulated(recipe, sources.clean),
            "procedural": self._simulated(recipe, sources.procedural),
        }
        prepared = {name: [self._prepare(*pair) for pair in pairs] for name, pairs in kinds.items()}
        told = {name: [item for item in items if not item[0].blank] for name, items in prepared.items()}
        self._items = {name: items for name, items in told.items() if items}

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the mean gain in dB of one evaluation over the best Gaussian, for each kind of image."""
        figures = {}
        for name, items in self._items.items():
            gains = []
            for field, bar in items:
                gains.append(psnr(field.clean.numpy(), predict_field(denoiser, field).mean.numpy()) - bar)
            figures[name] = float(np.mean(gains))
        return figures

    def spread_scale(self, denoiser: Preconditioned) -> float:
        """Return the factor that makes predicted standard deviations right on held-out recordings.

        The root mean square over images of each one's own factor: to be too sure of an image is worse than to be not
        sure enough. Recorded pairs tell most about images to come, procedural ones least.
        """
        items = next(self._items[kind] for kind in ("pairs", "recorded", "procedural") if kind in self._items)
        squares = []
        for field, _ in items:
            mean, variance = predict_field(denoiser, field)
            assert variance is not None
            squares.append(float((mean - field.clean).pow(2).mean() / variance.mean()))
        return float(np.sqrt(np.mean(squares)))

    @staticmethod
    def _prepare(noisy: torch.Tensor, clean: torch.Tensor) -> tuple[Field, float]:
        field = normalise(noisy, clean, None)
        return field, best_gaussian(field.clean.numpy(), field.noisy.numpy())

    @staticmethod
    def _pairs(sources: Sources) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for number in range(_COUNT if sources.pairs else 0):
            rng = np.random.default_rng([1, number])
            plane = sources.pairs[number % len(sources.pairs)]
            yield pair_field(plane, min(_SIDE, min(plane.noisy.shape) // GRID * GRID), rng)

    @staticmethod
    def _simulated(recipe: DenoiseRecipe, planes: list) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:  # type: ignore[type-arg]
        for number in range(_COUNT if planes else 0):
            rng = np.random.default_rng([2, number])
            plane = planes[int(rng.integers(len(planes)))]
            clean = clean_field(recipe, plane, _SIDE, rng)
            yield simulate_recording(recipe.noise, clean, rng, torch.Generator().manual_seed(number)), clean
