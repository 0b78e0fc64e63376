"""Validation figures: how many decibels a network gains over linear interpolation and the best linear estimate."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...diffusion.denoiser import Preconditioned
from ...imaging.quality import psnr
from ..recipe import GRID
from ..restore.batch import Field
from ..restore.predict import predict_field
from ..restore.sources import CleanPlane, Sources
from .data import FIELD, Gaps, normalise, recorded_field
from .recipe import IsotropicRecipe

_COUNT = 27
_USUAL_DB = (20.0, 40.0)


class Validation:
    """A fixed set of held-out images, recorded and simulated, of which some rows are shown."""

    def __init__(self, recipe: IsotropicRecipe, sources: Sources, side: int = FIELD) -> None:
        noise = recipe.noise.model_copy(update={"psnr_db": _USUAL_DB})
        recipe = recipe.model_copy(update={"noise": noise})
        kinds = {"recorded": sources.clean, "procedural": sources.procedural}
        drawn = {
            name: list(self._fields(recipe, planes, side, procedural=name == "procedural"))
            for name, planes in kinds.items()
            if planes
        }
        told = {name: [field for field in fields if not _blank(field)] for name, fields in drawn.items()}
        self._items = {name: fields for name, fields in told.items() if fields}
        self._example = next(field for fields in (*self._items.values(), *drawn.values()) for field in fields)

    def measure(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the mean gain in dB of one evaluation over the best linear estimate, for each kind of image.

        A kind of which all images are blank is left out.
        """
        return self._gains(denoiser, lambda field: field.guess)

    def gain_over_interpolation(self, denoiser: Preconditioned) -> dict[str, float]:
        """Return the mean gain in dB of one evaluation over linear interpolation, for each kind of image."""
        return self._gains(denoiser, lambda field: field.noisy[0])

    def spread_scale(self, denoiser: Preconditioned) -> float:
        """Return the factor that makes predicted standard deviations right on held-out images, as a mean square."""
        squares = []
        for field in self._items.get("recorded") or self._items["procedural"]:
            mean, variance = predict_field(denoiser, field)
            assert variance is not None
            between = field.noisy[1] > 0
            squares.append(float((mean - field.clean).pow(2)[between].mean() / variance[between].mean()))
        return float(np.sqrt(np.mean(squares)))

    def example(self, denoiser: Preconditioned) -> NDArray[np.float32]:
        """Return one of the images as a network fills it in, shape (y, x), in normalised units."""
        mean: NDArray[np.float32] = predict_field(denoiser, self._example).mean.numpy()
        return mean

    def _gains(self, denoiser: Preconditioned, over: Callable[[Field], Tensor]) -> dict[str, float]:
        return {
            name: float(np.mean([_psnr(f, predict_field(denoiser, f).mean) - _psnr(f, over(f)) for f in items]))
            for name, items in self._items.items()
        }

    @staticmethod
    def _fields(recipe: IsotropicRecipe, planes: list[CleanPlane], side: int, *, procedural: bool) -> Iterator[Field]:
        least, largest = recipe.factors
        for number in range(_COUNT):
            rng = np.random.default_rng([2, number])
            plane = planes[int(rng.integers(len(planes)))]
            generator = torch.Generator().manual_seed(number)
            image = recorded_field(recipe, plane, rng, generator, procedural=procedural, side=side)
            factor = least + number % (largest - least + 1)
            field = normalise(recipe, image, Gaps(factor, int(rng.integers(factor))), None)
            kept = len(field.guess) // GRID * GRID
            yield Field(field.noisy[:, :kept], field.clean[:kept], field.guess[:kept], *field[3:])


def _psnr(field: Field, made: Tensor) -> float:
    """Compare the rows that were not shown."""
    between = _between(field)
    return psnr(field.clean.numpy()[between], made.numpy()[between])


def _blank(field: Field) -> bool:
    """Whether the same value is wanted in all rows that were not shown."""
    return field.blank or bool(np.ptp(field.clean.numpy()[_between(field)]) == 0)


def _between(field: Field) -> NDArray[np.bool_]:
    return np.asarray(field.noisy[1, :, 0] > 0)
