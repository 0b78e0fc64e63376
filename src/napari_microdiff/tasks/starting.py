"""What samples of a prior begin with: a model that knows images, told nothing, and a guess under noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..diffusion.denoiser import Condition
from ..diffusion.noise import Stream, antithetic, positional_noise
from ..diffusion.samplers import Step
from ..engine.canvas import Plane
from ..engine.request import Request
from ..engine.tiles import Tile, read_window
from ..imaging.spectrum import VECTOR_LENGTH
from ..models.card import Card
from .base import Image, PlaneJob, PlaneView

PRIOR = {"dims": 2, "channels": 1, "condition_channels": 2, "vector_length": VECTOR_LENGTH}  # architecture


def empty_condition(card: Card, tile: Tile) -> Condition:
    """Return the condition of a denoising model that is told nothing, and thus is a prior."""
    shape = card.architecture
    return Condition(
        maps=torch.zeros(1, shape.condition_channels, *tile.window_shape), vector=torch.zeros(1, shape.vector_length)
    )


def jobs_from_guess(
    request: Request,
    plane: Plane,
    guess: Callable[[Tile], Image],
    sigma: float,
    steps: Sequence[Step],
    noisy: PlaneView,
) -> tuple[PlaneJob, ...]:
    """Return a job for each sample, which starts with a guess under noise.

    Parameters
    ----------
    guess : callable
        Returns the guess in a tile's window, shape ([z,] y, x).
    sigma : float
        Standard deviation of the noise, in normalised units.
    steps, noisy
        See `PlaneJob`.
    """
    starts = (_start_from_guess(plane, guess, sigma, request.seed, sample) for sample in range(request.samples))
    return tuple(PlaneJob(start, steps, noisy) for start in starts)


def _start_from_guess(plane: Plane, guess: Callable[[Tile], Image], sigma: float, seed: int, sample: int) -> Plane:
    """Return a plane whose sampling starts with a guess under noise; samples of a pair have it of opposite sign."""
    pair, sign = antithetic(sample)
    noise = _Noise(plane.shape, seed, Stream.START + pair, plane.number)

    def start_at(tile: Tile) -> Image:
        away = np.float32(sign * sigma) * read_window(noise, tile.window, at_edges=plane.at_edges)
        return np.asarray((guess(tile) + away)[None], dtype=np.float32)

    return replace(plane, start_at=start_at)


@dataclass(frozen=True)
class _Noise:
    shape: tuple[int, ...]
    seed: int
    stream: int
    number: int

    def __getitem__(self, part: tuple[slice, ...]) -> Image:
        start, stop = zip(*((p.start, p.stop) for p in part), strict=True)
        return np.asarray(positional_noise(self.seed, self.stream, self.number, start, stop), dtype=np.float32)
