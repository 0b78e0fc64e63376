"""Validation figures: how many decibels a network gains over cubic interpolation and over the best linear estimate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ...diffusion.denoiser import Preconditioned
from ...imaging.quality import psnr
from ..restore.batch import Field
from ..restore.fields import clean_field
from ..restore.predict import predict_field
from ..restore.sources import CleanPlane, Sources
from .data import FIELD, normalise
from .recipe import SuperresolveRecipe
from .simulate import Recorded, record_blurred

_COUNT = 24
_USUAL_DB = (20.0, 46.0)


def cubic(image: NDArray[np.floating], factor: int) -> NDArray[np.float64]:
    """Return an image on finer pixels by cubic interpolation between the middles of its pixels."""
    made = ndimage.zoom(image.astype(np.float64), factor, order=3, mode="grid-mirror", grid_mode=True)
    return np.asarray(made)


class Validation:
    """A fixed set of held-out images, recorded and simulated, as a camera would have seen them."""

    def __init__(self, recipe: SuperresolveRecipe, sources: Sources) -> None:
        noise = recipe.noise.model_copy(update={"psnr_db": _USUAL_DB})
        recipe = recipe.model_copy(update={"noise": noise})
        kinds = {"recorded": sources.clean, "procedural": sources.procedural}
        seen = {name: list(self._recorded(recipe, planes)) for name, planes in kinds.items() if planes}
        told = {name: [item for item in items if not item[0].blank] for name, items in seen.items()}
        self._items = {name: items for name, items in told.items() if items}

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the mean gain in dB of one evaluation over the best linear estimate, for each kind of image."""
        figures = {}
        for name, items in self._items.items():
            gains = []
            for field, _ in items:
                truth = field.clean.numpy()
                made, guess = predict_field(denoiser, field).mean.numpy(), field.guess.numpy()
                gains.append(psnr(truth, made) - psnr(truth, guess))
            figures[name] = float(np.mean(gains))
        return figures

    def gain_over_cubic(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the mean gain in dB of one evaluation over cubic interpolation, for each kind of image."""
        return {
            name: float(
                np.mean([psnr(f.clean.numpy(), predict_field(denoiser, f).mean.numpy()) - bar for f, bar in items])
            )
            for name, items in self._items.items()
        }

    def spread_scale(self, denoiser: Preconditioned) -> float:
        """Return the factor that makes predicted standard deviations right on held-out recordings.

        The root mean square over images of each one's own factor: to be too sure of an image is worse than to be not
        sure enough.
        """
        squares = []
        for field, _ in self._items.get("recorded") or self._items["procedural"]:
            mean, variance = predict_field(denoiser, field)
            assert variance is not None
            squares.append(float((mean - field.clean).pow(2).mean() / variance.mean()))
        return float(np.sqrt(np.mean(squares)))

    @staticmethod
    def _recorded(recipe: SuperresolveRecipe, planes: list[CleanPlane]) -> Iterator[tuple[Field, float]]:
        for number in range(_COUNT):
            rng = np.random.default_rng([2, number])
            sharp = clean_field(recipe, planes[int(rng.integers(len(planes)))], FIELD, rng)
            factor = recipe.factors[number % len(recipe.factors)]
            seen: Recorded = record_blurred(recipe, sharp, rng, torch.Generator().manual_seed(number), factor)
            field = normalise(seen, sharp, None)
            interpolated = cubic(field.noisy.numpy()[::factor, ::factor], factor)
            yield field, psnr(field.clean.numpy(), interpolated)
