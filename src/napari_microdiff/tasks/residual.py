"""What is left over of an image when a result, or what would be measured of it, is taken away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Residual:
    """Sums over what is left over, which should look like noise, without structure.

    Attributes
    ----------
    largest : float
        Largest absolute value.
    """

    def __init__(self) -> None:
        self._count = 0
        self._squares = self._products = self.largest = 0.0

    def add(self, left: NDArray[np.float64]) -> None:
        """Add a part, shape (y, x)."""
        if not left.size:
            return
        self._count += left.size
        self._squares += float((left**2).sum())
        self._products += float((left[:, 1:] * left[:, :-1]).sum() + (left[1:] * left[:-1]).sum()) / 2
        self.largest = max(self.largest, float(np.abs(left).max()))

    def summary(self) -> dict[str, float]:
        """Return the standard deviation, in the units of the image, and the correlation of neighbours."""
        mean_square = self._squares / max(1, self._count)
        return {
            "deviation": float(np.sqrt(mean_square)),
            "correlation": self._products / self._squares if self._squares > 0 else 0.0,
        }
