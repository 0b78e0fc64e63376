"""How much of an image a result does not explain, and whether noise is all that is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.trust import EXACT
from ..imaging.unexplained import unexplained
from .residual import Residual


class LeftOver:
    """Sums over what is left of an image when what would be measured of a result is taken away.

    Parameters
    ----------
    ranges : mapping of int or None to float
        Of each channel, in its units.
    """

    def __init__(self, ranges: Mapping[int | None, float]) -> None:
        self._channels = {channel: _Channel(span) for channel, span in ranges.items()}

    def add(
        self,
        channel: int | None,
        residual: NDArray[np.float64],
        seen: NDArray[np.floating],
        noise: NDArray[np.floating],
    ) -> None:
        """Add a part, shape (y, x).

        Parameters
        ----------
        channel : int, optional
            That it is of.
        residual, seen : ndarray
            What is left over, and what would be measured of the result.
        noise : ndarray
            Standard deviation of the noise of each pixel.
        """
        self._channels[channel].add(residual, seen, noise)

    def report(self) -> dict[str, Any]:
        """Return facts about it, as they stand in the report of a result: those of the channel that it is worst in."""
        reports = {channel: sums.report() for channel, sums in self._channels.items()}
        worst = max(reports, key=lambda channel: _badness(reports[channel]))
        several = {"channel": worst, "channels": len(reports)} if len(reports) > 1 else {}
        places = sum(report["places"] for report in reports.values())
        return {**reports[worst], "places": places, **several}


class _Channel:
    """Sums over one channel."""

    def __init__(self, span: float) -> None:
        self._range, self._residual, self._in_noise = span, Residual(), Residual()
        self._places, self._strongest = 0, 0.0
        self._noise_squares, self._pixels = 0.0, 0

    def add(self, residual: NDArray[np.float64], seen: NDArray[np.floating], noise: NDArray[np.floating]) -> None:
        """Add a part."""
        squares = float(np.square(noise).sum())
        self._residual.add(residual)
        self._noise_squares += squares
        self._pixels += residual.size
        if squares:
            self._in_noise.add(residual / noise)
        usual = float(np.sqrt(squares / max(1, residual.size)))
        found = unexplained(residual, seen, usual, self._range)
        self._places += found.places
        self._strongest = max(self._strongest, found.strongest)

    def report(self) -> dict[str, Any]:
        """Return facts about it."""
        return {
            **self._residual.summary(),
            "noise": float(np.sqrt(self._noise_squares / max(1, self._pixels))),
            "in_noise": self._in_noise.summary()["deviation"] if self._noise_squares else None,
            "largest": self._residual.largest,
            "range": self._range,
            "compared": self._pixels,
            "places": self._places,
            "strongest": self._strongest,
        }


def _badness(report: Mapping[str, Any]) -> tuple[bool, bool, float]:
    """Return what grows with how badly a result agrees with a channel."""
    told = report["deviation"] > EXACT * report["range"]
    return bool(report["places"]), told, np.inf if report["in_noise"] is None else report["in_noise"]
