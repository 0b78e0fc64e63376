"""A plane at another magnification, computed where it is read.

A network knows objects of one size; images come in all. To magnify a whole image first would take as much memory again,
so that this is a view: any window of it is computed from the pixels around, and is the same whatever the window.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


class _Plane(Protocol):
    """What can be sliced and has a shape."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, index: Any, /) -> Any: ...


_TRUNCATE = 4.0  # standard deviations at which the filter before shrinking ends


class Part:
    """A part of a plane in the coordinates of the plane; what lies outside it continues its border.

    Parameters
    ----------
    pixels : ndarray, shape (y, x)
        The part.
    origin : (int, int)
        Where its first pixel lies in the plane.
    shape : (int, int)
        Shape of the whole plane.
    """

    def __init__(self, pixels: NDArray[np.generic], origin: tuple[int, ...], shape: tuple[int, ...]) -> None:
        self._pixels, self._origin, self.shape = pixels, origin, shape

    def __getitem__(self, window: tuple[slice, ...]) -> NDArray[np.generic]:
        """Return a window of the plane, given by two slices with bounds."""
        rows, columns = (
            np.clip(np.arange(part.start, part.stop) - first, 0, length - 1)
            for part, first, length in zip(window, self._origin, self._pixels.shape, strict=True)
        )
        return self._pixels[np.ix_(rows, columns)]


class Resized:
    """A plane with another number of pixels over the same field.

    Interpolation is linear, between the centres of pixels; what is shrunk is blurred before, so that no noise and no
    pattern is folded in.

    Parameters
    ----------
    plane : array-like, shape (y, x)
        Anything that can be sliced.
    shape : (int, int)
        Pixels along y and x.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, plane: _Plane, shape: tuple[int, int]) -> None:
        if min(shape) < 1:
            raise ValueError(f"a plane cannot be resized to {shape}")
        self._plane = plane
        self.shape = tuple(int(n) for n in shape)
        self._steps = [old / new for old, new in zip(plane.shape, self.shape, strict=True)]

    def __getitem__(self, window: tuple[slice, ...]) -> NDArray[np.float32]:
        """Compute a window, given by two slices without a step."""
        spans = [part.indices(n)[:2] for part, n in zip(window, self.shape, strict=True)]
        places = [
            (np.arange(start, max(start, stop)) + 0.5) * step - 0.5
            for (start, stop), step in zip(spans, self._steps, strict=True)
        ]
        if min(len(part) for part in places) == 0:
            return np.zeros(tuple(len(part) for part in places), dtype=np.float32)
        # The convention of scikit-image: half of what a pixel grows by.
        sigmas = [max(0.0, (step - 1) / 2) for step in self._steps]
        needed = [_needed(part, sigma, n) for part, sigma, n in zip(places, sigmas, self._plane.shape, strict=True)]
        pixels = np.asarray(self._plane[tuple(slice(*span) for span in needed)], dtype=np.float32)
        if any(sigmas):
            pixels = ndimage.gaussian_filter(pixels, sigmas, mode="nearest", truncate=_TRUNCATE)
        for axis, (part, (first, _)) in enumerate(zip(places, needed, strict=True)):
            pixels = _interpolated(pixels, part - first, axis)
        return pixels


def _needed(places: NDArray[np.floating], sigma: float, length: int) -> tuple[int, int]:
    """Return the span of pixels that the values at some places depend on."""
    margin = int(_TRUNCATE * sigma + 0.5) + 1
    return max(0, int(np.floor(places[0])) - margin), min(length, int(np.ceil(places[-1])) + margin + 1)


def _interpolated(pixels: NDArray[np.float32], places: NDArray[np.floating], axis: int) -> NDArray[np.float32]:
    last = pixels.shape[axis] - 1
    places = places.clip(0, last)
    below = np.minimum(places.astype(np.intp), max(last - 1, 0))
    share = (places - below).astype(np.float32)
    share = share.reshape([-1 if a == axis else 1 for a in range(pixels.ndim)])
    low, high = (np.take(pixels, np.minimum(below + k, last), axis=axis) for k in (0, 1))
    return np.asarray(low + share * (high - low), dtype=np.float32)


def resized(plane: NDArray[np.generic], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return a plane with another number of pixels over the same field; see `Resized`."""
    return Resized(plane, shape)[:, :]
