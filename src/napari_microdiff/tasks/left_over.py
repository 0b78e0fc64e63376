"""How much of an image a result does not explain, and whether noise is all that is left."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging.unexplained import unexplained
from .residual import Residual


class LeftOver:
    """Sums over what is left of an image when what would be measured of a result is taken away.

    Parameters
    ----------
    image_range : float
        Of the image, in its units.
    """

    def __init__(self, image_range: float) -> None:
        self._range, self._residual = image_range, Residual()
        self._places, self._strongest = 0, 0.0
        self._noise_squares, self._pixels = 0.0, 0
        self._in_noise: dict[int | None, Residual] = {}  # by channel

    def add(self, channel: int | None, residual: NDArray[np.float64], seen: NDArray[np.floating], noise: float) -> None:
        """Add a part, shape (y, x).

        Parameters
        ----------
        channel : int, optional
            That it is of.
        residual, seen : ndarray
            What is left over, and what would be measured of the result.
        noise : float
            Standard deviation of the noise of the image there.
        """
        self._residual.add(residual)
        self._noise_squares += noise**2 * residual.size
        self._pixels += residual.size
        if noise:
            self._in_noise.setdefault(channel, Residual()).add(residual / noise)
        found = unexplained(residual, seen, noise, self._range)
        self._places += found.places
        self._strongest = max(self._strongest, found.strongest)

    def report(self) -> dict[str, Any]:
        """Return facts about it, as they stand in the report of a result."""
        return {
            **self._residual.summary(),
            "noise": float(np.sqrt(self._noise_squares / max(1, self._pixels))),
            "in_noise": max((r.summary()["deviation"] for r in self._in_noise.values()), default=None),
            "largest": self._residual.largest,
            "range": self._range,
            "compared": self._pixels,
            "places": self._places,
            "strongest": self._strongest,
        }
