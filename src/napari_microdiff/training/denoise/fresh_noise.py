"""Fresh noise like that of an image, of which only what a model takes away is known.

What is taken away lacks noise of low frequencies, since a denoiser cannot tell it from structure and leaves it in the
image. A network that learned from such noise would take the low frequencies of the image's own for structure, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...imaging.quality import residual_whiteness
from ...imaging.spectrum import CENTRES, measure_spectrum

WHITE = 0.15  # correlation of neighbours up to which noise passes for white
_FARTHEST = 6.0  # standard deviations; what lies farther out was structure
QUIET_SHARE = 0.25  # of windows, in which what was taken away is noise; elsewhere it is structure, too
_WINDOW = 16
_Plane = NDArray[np.float32]


@dataclass(frozen=True)
class FreshNoise:
    """Draws noise of mean 0 and standard deviation 1.

    Attributes
    ----------
    values : ndarray of float32, shape (count,)
        Of single pixels, from which white noise is drawn.
    powers : ndarray of float64, shape (BANDS,), or None
        Of noise that neighbours share; ``None`` if it is white.
    agreement : float
        How far neighbours agreed in all that was taken away: 0 if that is white noise and nothing else.
    """

    values: _Plane
    powers: NDArray[np.float64] | None
    agreement: float

    @classmethod
    def like(cls, taken_away: Sequence[NDArray[np.floating]]) -> FreshNoise:
        """Learn from what was taken away.

        Parameters
        ----------
        taken_away : sequence of ndarray, each of shape (y, x)
            Over the standard deviation that the noise has at each pixel.
        """
        agreement = max(residual_whiteness(plane) for plane in taken_away)
        values = np.concatenate([plane.ravel() for plane in taken_away]).astype(np.float32)
        values = values - np.median(values)
        values = values[np.abs(values) <= _FARTHEST * max(float(np.median(np.abs(values))) / 0.6745, 1e-6)]
        values = (values - values.mean()) / max(float(values.std()), 1e-6)
        if residual_whiteness(_quiet_windows(taken_away)) <= WHITE:
            return cls(values, None, agreement)
        powers = measure_spectrum(np.stack(taken_away)).powers
        # Noise that neighbours share is strongest at low frequencies, of which a part was not taken away.
        return cls(values, np.maximum.accumulate(powers[::-1])[::-1], agreement)

    def draw(self, shape: tuple[int, int], rng: np.random.Generator) -> _Plane:
        """Draw noise of this shape."""
        if self.powers is None:
            return np.asarray(self.values[rng.integers(len(self.values), size=shape)])
        fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
        amplitude = np.sqrt(np.interp(np.hypot(fy, fx), CENTRES, self.powers))
        drawn = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(shape)) * amplitude, shape)
        return np.asarray((drawn - drawn.mean()) / max(float(drawn.std()), 1e-6), np.float32)


def windows_of(planes: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
    """Cut planes into the windows whose variances tell how quiet they are, shape (count, side, side)."""
    windows = []
    for plane in planes:
        height, width = (n // _WINDOW for n in plane.shape)
        whole = plane[: height * _WINDOW, : width * _WINDOW].reshape(height, _WINDOW, width, _WINDOW)
        windows.append(whole.swapaxes(1, 2).reshape(-1, _WINDOW, _WINDOW))
    return np.concatenate(windows)


def _quiet_windows(planes: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
    every = windows_of(planes)
    loudness = every.var(axis=(1, 2))
    return np.asarray(every[loudness <= np.quantile(loudness, QUIET_SHARE)])
