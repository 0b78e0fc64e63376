"""The affine map between an image's own units and the range that networks are trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Percentiles of the *smoothed* image: those of a noisy image would follow its noise instead of its content.
_LOW, _HIGH = 1.0, 99.8
_SMOOTHING = 2.0


@dataclass(frozen=True)
class Normalization:
    """Affine map ``(image - offset) / scale``.

    Attributes
    ----------
    offset, scale : float
        In the units of the image; the map takes ``offset - scale`` to -1 and ``offset + scale`` to 1.
    """

    offset: float
    scale: float

    @classmethod
    def fit(cls, blocks: NDArray[np.floating]) -> Normalization:
        """Find the map that takes the content of an image, but not its noise, to about -1 to 1.

        Parameters
        ----------
        blocks : ndarray, shape (count, y, x)
            Parts of the image, spread over all of it.
        """
        smooth = ndimage.gaussian_filter(blocks.astype(np.float32), (0, _SMOOTHING, _SMOOTHING), mode="reflect")
        low, high = (float(v) for v in np.percentile(smooth, (_LOW, _HIGH)))
        half = (high - low) / 2
        # A constant image has no scale of its own; any will do, as long as it can be undone.
        scale = half if half > 1e-6 * max(abs(low), abs(high), 1e-30) else max(abs(high), 1.0)
        return cls(offset=(low + high) / 2, scale=scale)

    def apply(self, image: NDArray[np.generic]) -> NDArray[np.float32]:
        """Map an image to normalised units (float32)."""
        return ((image.astype(np.float64) - self.offset) / self.scale).astype(np.float32)

    def undo(self, image: NDArray[np.floating]) -> NDArray[np.float32]:
        """Map normalised values back to the units of the image (float32)."""
        levels = image * np.float32(self.scale)
        levels += np.float32(self.offset)
        return levels.astype(np.float32, copy=False)
