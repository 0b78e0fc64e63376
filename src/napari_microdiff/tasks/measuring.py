"""What the microscope would have measured of an image, and how an image is brought in line with what it measured."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..imaging.optics import PointSpread
from .conditioning import filtered, repeated

_RIDGE = 1e-5  # of the power that passes; what passes less cannot be brought back from rounded numbers
_ROUNDS, _PASSES = 3, 4  # of correcting without noise: with what is left over anew, and in one inverse
_REACH, _REACH_MIXED, _REACH_AIRY = 21, 55, 100  # widths of the point-spread function
_SIDE, _FAR = 256, 1e-3  # measured pixels, and share of a response that does not count any more


class Measuring:
    """Blur and binning on tensors of shape (..., y, x), whose images go on beyond their borders as in a mirror.

    With mirrors at the borders ``A A'`` (blur and binning after their adjoint) is diagonal in the cosine transform of
    the measured image, so that its inverse is exact however wide the blur is.

    Parameters
    ----------
    psf : PointSpread
        Of the optics.
    factor : int
        Pixels of the sharp image along one of the measured image.

    Attributes
    ----------
    limit : float
        Spatial frequency, in periods per pixel of the sharp image, beyond which the image can show nothing: that of its
        pixels, or that of the aperture if it is lower.
    blurs : int
        How far the point-spread function reaches, in pixels of the sharp image.
    reach : int
        How far, in the same, `correction` looks without noise for a result that is right to a thousandth.
    """

    def __init__(self, psf: PointSpread, factor: int) -> None:
        self.factor = factor
        self._kernel = psf.kernel(factor).astype(np.float32)
        self._square = _squared(psf, factor)
        self.blurs = len(self._kernel) // 2
        # Where an aperture's transfer function ends at once, its inverse dies away much more slowly: one pass must do.
        self._passes = _PASSES if self.blurs and math.isinf(psf.finest) else 1
        widths = _REACH if psf.gaussian else _REACH_MIXED if math.isinf(psf.finest) else _REACH_AIRY
        self.limit = min(0.5, psf.finest) / factor
        self.reach = math.ceil(widths * psf.widest * factor)

    def reach_under(self, ridge: float) -> int:
        """Return how far `correction` looks with a ridge, which no inverse passes beyond; see `reach`."""
        passed = _transfer(self._square, _SIDE, _SIDE)
        response = torch.fft.irfft2(1 / (passed + self._at_least(ridge)), s=(_SIDE, _SIDE)).abs()
        near = torch.nonzero(response > _FAR * response.max())
        farthest = int(torch.minimum(near, _SIDE - near).max())
        return min(self.reach, (farthest + 1) * self.factor + 2 * self.blurs)

    def forward(self, sharp: Tensor) -> Tensor:
        """Return what is measured of a sharp image, whose sides are multiples of the factor."""
        lead = sharp.shape[:-2]
        images = self._blurred(sharp).reshape(-1, 1, *sharp.shape[-2:])
        return F.avg_pool2d(images, self.factor).reshape(*lead, *(n // self.factor for n in sharp.shape[-2:]))

    def adjoint(self, measured: Tensor) -> Tensor:
        """Apply the adjoint."""
        return self._blurred(repeated(measured, self.factor) / self.factor**2)

    def pseudo_inverse(self, measured: Tensor, ridge: float = 0.0) -> Tensor:
        """Return the smallest image of which this is measured, but for what hardly passes.

        ``A' (A A' + ridge)^-1``, where the ridge is at least as large as rounded numbers ask for. Without a ridge, what
        that smallest one holds back is brought in again and again (iterated Tikhonov regularisation), in closed form.
        """
        height, width = measured.shape[-2:]
        doubled = measured[..., _mirror(height, 0, height), :][..., _mirror(width, 0, width)]
        passed = _transfer(self._square, 2 * height, 2 * width).to(measured.device)
        solved = torch.fft.irfft2(torch.fft.rfft2(doubled) * self._inverse(passed, ridge), s=(2 * height, 2 * width))
        return self.adjoint(solved[..., :height, :width])

    def correction(self, sharp: Tensor, measured: Tensor, ridge: float = 0.0) -> Tensor:
        """Return what has to be added to an image so that this is measured of it.

        Under noise, the ridge is the noise's variance over that of what the image may be off by.
        """
        added = torch.zeros_like(sharp)
        for _ in range(_ROUNDS if self.blurs and not ridge else 1):  # again, for what was rounded
            added = added + self.pseudo_inverse(measured - self.forward(sharp + added), ridge)
        return added

    def _inverse(self, passed: Tensor, ridge: float) -> Tensor:
        least = self._at_least(ridge)
        held_back = least / (passed + least)
        return sum(held_back**n for n in range(1 if ridge else self._passes)) / (passed + least)

    def _at_least(self, ridge: float) -> float:
        return max(ridge, _RIDGE * float(self._square.sum()))

    def _blurred(self, image: Tensor) -> Tensor:
        radius = self.blurs
        if not radius:
            return image
        height, width = image.shape[-2:]
        wider = image[..., _mirror(height, radius, radius), :][..., _mirror(width, radius, radius)]
        return filtered(wider, self._kernel)


def _mirror(length: int, before: int, after: int) -> Tensor:
    """Return indices from ``-before`` to ``length + after``, mirrored at the edges of the first and the last pixel."""
    place = torch.arange(-before, length + after) % (2 * length)
    return torch.minimum(place, 2 * length - 1 - place)


def _squared(psf: PointSpread, factor: int) -> NDArray[np.float32]:
    """Return the kernel of ``A A'`` on measured pixels, with an odd side."""
    from scipy import signal  # takes a fifth as long to import as all the rest, torch included

    box = np.full((factor, factor), 1 / factor**2)
    once = signal.fftconvolve(psf.kernel(factor), box)
    twice = signal.fftconvolve(once, once[::-1, ::-1])
    middle = len(twice) // 2
    count = middle // factor
    at = middle + factor * np.arange(-count, count + 1)
    return np.asarray(twice[np.ix_(at, at)], dtype=np.float32)


def _transfer(kernel: NDArray[np.float32], height: int, width: int) -> Tensor:
    """Return the factors of frequencies of an even, periodic image."""
    return _cached(kernel.tobytes(), len(kernel), height, width)


@lru_cache(maxsize=32)
def _cached(kernel: bytes, side: int, height: int, width: int) -> Tensor:
    values = np.frombuffer(kernel, dtype=np.float32).reshape(side, side).astype(np.float64)
    at = np.arange(side) - side // 2
    rows = np.cos(2 * np.pi * np.outer(np.arange(height) / height, at))
    columns = np.cos(2 * np.pi * np.outer(np.arange(width // 2 + 1) / width, at))
    passed = np.maximum(rows @ values @ columns.T, 0)
    return torch.from_numpy(passed.astype(np.float32))
