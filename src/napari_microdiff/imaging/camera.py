"""The noise of a camera, and the transform that makes it the same everywhere.

A camera turns photons into grey levels, ``y = gain * Poisson(photons) + offset + read_noise * Normal``. Its variance
thus grows with its mean, ``variance = gain * (mean - offset) + read_noise**2``, a straight line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ImageError


@dataclass(frozen=True)
class Camera:
    """Poisson-Gaussian noise.

    Attributes
    ----------
    gain : float
        Grey levels per photon; 0 is a camera without photon noise.
    offset : float
        Grey level in the dark.
    read_noise : float
        Standard deviation in the dark, in grey levels.

    Notes
    -----
    One image tells only the line of variance against mean, not all three numbers: an offset and some read noise can
    stand for each other. Whatever depends on the line alone, as everything here does but `simulate`, is unaffected.
    """

    gain: float
    offset: float = 0.0
    read_noise: float = 0.0

    def __post_init__(self) -> None:
        """Refuse numbers that no camera has."""
        if not np.isfinite([self.gain, self.offset, self.read_noise]).all() or self.gain < 0 or self.read_noise < 0:
            raise ValueError(f"gain and read noise must be finite and not negative, offset must be finite: {self}")

    def variance(self, mean: ArrayLike) -> NDArray[np.float64]:
        """Return the variance of pixels of this mean, both in grey levels; never negative."""
        line = self.gain * (np.asarray(mean, dtype=np.float64) - self.offset) + self.read_noise**2
        return np.maximum(line, 0.0)

    def noise(self, mean: ArrayLike) -> NDArray[np.float64]:
        """Return the standard deviation of pixels of this mean, both in grey levels."""
        return np.sqrt(self.variance(mean))


def simulate(
    photons: NDArray[np.floating],
    camera: Camera,
    rng: np.random.Generator,
    *,
    quantise: bool = False,
    saturation: float | None = None,
) -> NDArray[np.float64]:
    """Expose a camera to a clean image.

    Parameters
    ----------
    photons : ndarray
        Expected number of photons in each pixel, not negative.
    camera : Camera
        The camera; its gain must not be 0.
    rng : numpy.random.Generator
        Source of the noise.
    quantise : bool
        Round to whole grey levels.
    saturation : float, optional
        Largest grey level of the converter, which then also cuts at 0.

    Returns
    -------
    ndarray of float64
        Noisy image in grey levels. The clean image in the same units is ``camera.gain * photons + camera.offset``.
    """
    if camera.gain == 0:
        raise ValueError("a camera of gain 0 does not see photons")
    image = camera.gain * rng.poisson(photons) + camera.offset
    if camera.read_noise > 0:
        image = image + camera.read_noise * rng.standard_normal(image.shape)
    if quantise:
        image = np.round(image)
    if saturation is not None:
        image = np.clip(image, 0, saturation)
    return np.asarray(image, dtype=np.float64)


def stabilise(image: ArrayLike, camera: Camera) -> NDArray[np.float64]:
    """Transform an image so that its noise has a standard deviation of 1 at every brightness.

    This is the generalised Anscombe transform, shifted to be 0 at ``camera.offset``. The shift is what lets it turn
    smoothly into ``(image - offset) / read_noise`` as the gain goes to 0.

    Parameters
    ----------
    image : array-like
        Noisy image in grey levels.
    camera : Camera
        Its noise.

    Returns
    -------
    ndarray of float64
        The stabilised image.

    Raises
    ------
    ImageError
        If the camera has no noise, so that there is nothing to stabilise.

    References
    ----------
    Starck, Murtagh, Bijaoui (1998), Image Processing and Data Analysis, section 2.5.
    """
    level = np.asarray(image, dtype=np.float64) - camera.offset
    floor = _floor(camera)
    if camera.gain > 0:  # the transform is constant below the level at which its root would be negative
        level = np.maximum(level, -floor / camera.gain)
    # 2/gain (sqrt(gain level + floor) - sqrt(floor)), written so that a small gain loses no digits
    root = np.sqrt(floor)
    return np.asarray(2 * level / (np.sqrt(np.maximum(camera.gain * level + floor, 0)) + root))


def destabilise(stabilised: ArrayLike, camera: Camera) -> NDArray[np.float64]:
    """Undo `stabilise` without bias, for an image whose noise has been removed.

    The mean of stabilised noisy pixels is not the stabilised mean, so the algebraic inverse would darken the image.
    This is the closed form of the exact unbiased inverse, true to about 0.03 photons. A standard deviation ``s`` of
    the stabilised image is ``s * camera.noise(destabilise(...))`` in grey levels.

    Parameters
    ----------
    stabilised : array-like
        Denoised version of the result of `stabilise`.
    camera : Camera
        The camera given to `stabilise`.

    Returns
    -------
    ndarray of float64
        Image in grey levels. It is not cut at ``camera.offset``: of an estimated camera the offset may not be where
        no light is.

    Raises
    ------
    ImageError
        If the camera has no noise.

    References
    ----------
    Makitalo, Foi (2011), IEEE Trans. Image Process. 20, 2697; (2013), IEEE Trans. Image Process. 22, 91.
    """
    h = np.asarray(stabilised, dtype=np.float64)
    root = np.sqrt(_floor(camera))
    if camera.gain == 0:
        return np.asarray(h * root + camera.offset)
    # With the unshifted value D = h + 2 root / gain the published form is
    # gain (D^2/4 + sqrt(3/2)/(4 D) - 11/(8 D^2) + 5 sqrt(3/2)/(8 D^3) - 1/8) - read_noise^2/gain + offset;
    # the large terms that cancel are taken out by hand. The form ends where D is that of no light and no read noise.
    lowest = 2 * np.sqrt(3 / 8)
    h = np.maximum(h, lowest - 2 * root / camera.gain)
    unshifted = h + 2 * root / camera.gain
    half = np.sqrt(3 / 2)
    bias = 1 / 4 + half / (4 * unshifted) - 11 / (8 * unshifted**2) + 5 * half / (8 * unshifted**3)
    return np.asarray(camera.gain * (h**2 / 4 + bias) + h * root + camera.offset)


def _floor(camera: Camera) -> float:
    floor = 3 / 8 * camera.gain**2 + camera.read_noise**2
    if floor <= 0:
        raise ImageError(
            "No noise was found in this image, so its variance cannot be stabilised. "
            "Choose a model that takes the image as its condition, or give the noise level yourself."
        )
    return floor
