"""Samplers as tables: each is a list of steps, and each step is linear in what is known at a pixel.

All of DDPM, DDIM, the reverse SDE, Heun's method and DPM-Solver++(2M) do the same thing: evaluate the denoiser, then
replace every pixel by a weighted sum of its value, its denoised value, something remembered, and fresh noise. The
weights depend on the noise levels only. Written as tables, samplers know nothing of images, tiles or devices, and
whoever holds the canvas (a tensor in a test, a file on disk for a whole slide) carries them out in place.

With ``blind=True`` the first evaluation is at a noise level at which the denoiser does not see the image (it is then
the posterior mean given the condition), and sampling goes on from a draw around that mean.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .schedule import check_falling


class Mix(NamedTuple):
    """Weights of the pixel's value, of its denoised value and of its memory."""

    x: float
    denoised: float
    memory: float = 0.0


@dataclass(frozen=True)
class Step:
    """One evaluation of the denoiser and what is done with it.

    The new value is ``mix + sqrt(noise**2 + variance * V) * n``, where ``n`` is unit normal and ``V`` the denoiser's
    variance of the pixel (0 if it has none).

    Attributes
    ----------
    sigma : float
        Noise level at which the denoiser is evaluated.
    x : Mix
        The new value of each pixel.
    memory : Mix, optional
        The new memory of each pixel; ``None`` leaves it.
    noise, variance : float
        Amount of fresh noise.
    """

    sigma: float
    x: Mix
    memory: Mix | None = None
    noise: float = 0.0
    variance: float = 0.0


Sampler = Callable[..., list[Step]]
_DENOISED = Mix(0.0, 1.0)


def _start(sigma: float, following: float) -> Step:
    """Return the blind first step: draw around the posterior mean, with the posterior's own variance."""
    if following == 0:
        return Step(sigma, _DENOISED, _DENOISED)
    return Step(sigma, _DENOISED, _DENOISED, noise=following, variance=1.0)


def _pairs(sigmas: Sequence[float], blind: bool) -> tuple[list[Step], list[tuple[float, float]]]:
    check_falling(sigmas)
    pairs = list(itertools.pairwise(sigmas))
    return ([_start(*pairs[0])], pairs[1:]) if blind else ([], pairs)


def ddim(sigmas: Sequence[float], blind: bool = False, eta: float = 0.0) -> list[Step]:
    """DDIM (Song et al. 2021, arXiv:2010.02502), deterministic at ``eta=0``, DDPM's ancestral noise at ``eta=1``."""
    steps, pairs = _pairs(sigmas, blind)
    for now, then in pairs:
        fresh = eta * then * math.sqrt(1 - (then / now) ** 2)
        kept = math.sqrt(then**2 - fresh**2) / now
        steps.append(Step(now, Mix(kept, 1 - kept), noise=fresh))
    return steps


def ddpm(sigmas: Sequence[float], blind: bool = False, corrected: bool = True) -> list[Step]:
    """DDPM's ancestral sampling (Ho et al. 2020, arXiv:2006.11239).

    The step draws from ``q(x_then | x_now, x_0)`` with the posterior mean in place of ``x_0``, which makes too little
    spread when steps are few. ``corrected`` adds the variance that this leaves out, ``(1 - k)^2 Var[x_0 | x_now]``
    with ``k = (then / now)^2``, by the law of total variance.
    """
    steps, pairs = _pairs(sigmas, blind)
    for now, then in pairs:
        kept = (then / now) ** 2
        lost = (1 - kept) ** 2 if corrected and then > 0 else 0.0
        steps.append(Step(now, Mix(kept, 1 - kept), noise=then * math.sqrt(1 - kept), variance=lost))
    return steps


def sde(sigmas: Sequence[float], blind: bool = False, corrector: float = 0.0) -> list[Step]:
    """Euler-Maruyama on the reverse SDE (Song et al. 2021, arXiv:2011.13456), with an optional Langevin corrector.

    Parameters
    ----------
    corrector : float
        Size of a Langevin step after each predictor step, relative to ``sigma**2``; 0 for none.
    """
    steps, pairs = _pairs(sigmas, blind)
    if blind and corrector and pairs:
        steps.append(_langevin(pairs[0][0], corrector))
    for now, then in pairs:
        if then == 0:
            steps.append(Step(now, _DENOISED))
            continue
        moved = 1 - (then / now) ** 2
        steps.append(Step(now, Mix(1 - moved, moved), noise=math.sqrt(now**2 - then**2)))
        if corrector:
            steps.append(_langevin(then, corrector))
    return steps


def _langevin(sigma: float, size: float) -> Step:
    return Step(sigma, Mix(1 - size, size), noise=sigma * math.sqrt(2 * size))


def heun(sigmas: Sequence[float], blind: bool = False) -> list[Step]:
    """Heun's second-order method on the probability-flow ODE (Karras et al. 2022, algorithm 1).

    Two evaluations a step, one for the last. The memory carries ``x_now + (then - now) / 2 * slope``.
    """
    steps, pairs = _pairs(sigmas, blind)
    for now, then in pairs:
        ratio = then / now
        euler = Mix(ratio, 1 - ratio)
        if then == 0:
            steps.append(Step(now, euler))
            continue
        half = (then - now) / (2 * now)
        steps.append(Step(now, euler, Mix(1 + half, -half)))
        back = (then - now) / (2 * then)
        steps.append(Step(then, Mix(back, -back, 1.0)))
    return steps


def dpmpp_2m(sigmas: Sequence[float], blind: bool = False) -> list[Step]:
    """DPM-Solver++(2M) (Lu et al. 2022, arXiv:2211.01095), of order one at its first and its last step.

    The blind evaluation does not lie on the path that the solver follows, so that nothing is extrapolated from it.
    """
    steps, pairs = _pairs(sigmas, blind)
    before: float | None = None
    for now, then in pairs:
        ratio = then / now
        if before is None or then == 0:
            mixed = Mix(ratio, 1 - ratio)
        else:
            # The memory is the denoised image of the previous step, from which the present one is extrapolated.
            extra = math.log(now / then) / (2 * math.log(before / now))
            mixed = Mix(ratio, (1 - ratio) * (1 + extra), -(1 - ratio) * extra)
        steps.append(Step(now, mixed, _DENOISED))
        before = now
    return steps


SAMPLERS: dict[str, Sampler] = {"dpmpp-2m": dpmpp_2m, "heun": heun, "ddim": ddim, "ddpm": ddpm, "sde": sde}


def levels_for(sampler: str, evaluations: int, blind: bool) -> int:
    """Return how many noise levels a sampler may visit to spend at most ``evaluations`` evaluations."""
    if sampler != "heun":
        return evaluations
    return 1 + evaluations // 2 if blind else (1 + evaluations) // 2
