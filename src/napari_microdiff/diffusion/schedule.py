"""Noise levels: which ones a sampler visits.

Everything here uses ``sigma``, the standard deviation of the noise in ``x_sigma = x + sigma n`` (Karras et al. 2022).
The variance-preserving process ``z = sqrt(abar) x + sqrt(1 - abar) n`` of DDPM is the same thing scaled, with
``abar = 1 / (1 + sigma^2)``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence


def karras_sigmas(sigma_max: float, sigma_min: float, count: int, rho: float = 7.0) -> list[float]:
    """Return ``count`` falling noise levels and a final 0 (Karras et al. 2022, equation 5).

    Raises
    ------
    ValueError
        If the levels are not positive and ordered, or ``count`` is not positive.
    """
    if count < 1 or not 0 < sigma_min <= sigma_max:
        raise ValueError(f"need count >= 1 and 0 < sigma_min <= sigma_max, not {count}, {sigma_min}, {sigma_max}")
    if count == 1:
        return [sigma_max, 0.0]
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    ramp = [(high + i / (count - 1) * (low - high)) ** rho for i in range(count)]
    return [sigma_max, *ramp[1:-1], sigma_min, 0.0]


def check_falling(sigmas: Sequence[float]) -> None:
    """Raise ValueError unless the noise levels fall strictly to a last one of at least 0."""
    falling = all(a > b for a, b in itertools.pairwise(sigmas))
    if len(sigmas) < 2 or not falling or sigmas[-1] < 0:
        raise ValueError(f"noise levels must fall strictly and not below 0: {list(sigmas)}")
