"""How the learning rate goes in the course of a run."""

from __future__ import annotations

import math


def rate_at(step: int, portion: float, warm_up: int) -> float:
    """Return the share of the full rate: it rises over the first steps, and falls to 0 along half a cosine.

    Parameters
    ----------
    step : int
        From 1.
    portion : float
        Of the run that is over.
    warm_up : int
        Steps over which it rises.
    """
    return min(1.0, step / warm_up) * 0.5 * (1 + math.cos(math.pi * min(1.0, portion)))
