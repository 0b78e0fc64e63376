"""What optics and pixels do to an image: point-spread functions, blur and binning.

The operators are linear. Each has a ``forward``, and the ``adjoint`` that turns a residual of the data into a
correction of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft, optimize, special

WIDEST = 8.0  # standard deviation of a blur, in pixels of the camera
AIRY_WIDTH = float(np.sqrt(2) / (2 * np.pi))  # of the Gaussian nearest to a diffraction pattern, in wavelengths over NA

Shape = Literal["gaussian", "airy"]
Part = tuple[Shape, float, float]  # shape, width in pixels of the camera, share of the light
_Array = NDArray[np.float64]


def gaussian_sigma(wavelength: float, aperture: float, pixel: float) -> float:
    """Return the width of the Gaussian nearest to the point-spread function of a wide-field microscope.

    Parameters
    ----------
    wavelength : float
        Of the emitted light, in the unit of ``pixel``.
    aperture : float
        Numerical aperture of the objective.
    pixel : float
        Side of a pixel in the sample.

    Returns
    -------
    float
        Standard deviation in pixels.

    References
    ----------
    Zhang, Zerubia, Olivo-Marin (2007), Applied Optics 46, 1819: two-dimensional, paraxial.
    """
    _positive(wavelength=wavelength, aperture=aperture, pixel=pixel)
    return AIRY_WIDTH * wavelength / aperture / pixel


def gaussian_psf(sigma: float) -> _Array:
    """Return a Gaussian point-spread function, averaged over pixels, whose sum is 1.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels.

    Returns
    -------
    ndarray of float64
        Square with an odd side that reaches to 4 sigma.
    """
    _positive(sigma=sigma)
    radius = int(np.ceil(4 * sigma))
    profile = np.diff(special.erf((np.arange(-radius, radius + 2) - 0.5) / (sigma * np.sqrt(2))))
    psf = np.outer(profile, profile)
    return np.asarray(psf / psf.sum())


def airy_psf(wavelength: float, aperture: float, pixel: float, rings: int = 3) -> _Array:
    """Return the diffraction pattern of a circular aperture, averaged over pixels, whose sum is 1.

    Parameters
    ----------
    wavelength : float
        Of the emitted light, in the unit of ``pixel``.
    aperture : float
        Numerical aperture of the objective.
    pixel : float
        Side of a pixel in the sample.
    rings : int
        How many bright rings are kept around the central disc.

    Returns
    -------
    ndarray of float64
        Square with an odd side.
    """
    _positive(wavelength=wavelength, aperture=aperture, pixel=pixel)
    per_pixel = 2 * np.pi * aperture / wavelength * pixel
    radius = int(np.ceil(np.pi * (rings + 1.22) / per_pixel))  # dark rings lie about pi apart
    fine = 5  # samples along a pixel
    offset = (np.arange((2 * radius + 1) * fine) - (2 * radius + 1) * fine / 2 + 0.5) / fine
    v = np.maximum(np.hypot(offset[:, None], offset) * per_pixel, 1e-8)
    pattern = (2 * special.j1(v) / v) ** 2
    psf = pattern.reshape(2 * radius + 1, fine, 2 * radius + 1, fine).mean(axis=(1, 3))
    return np.asarray(psf / psf.sum())


@dataclass(frozen=True)
class PointSpread:
    """What a microscope makes of a point, on the pixels of its camera: one of the following, or nothing.

    Attributes
    ----------
    sigma : float
        Standard deviation of a Gaussian, in pixels of the camera; 0 for none.
    airy : (float, float, float), optional
        Wavelength, numerical aperture and pixel, as for `airy_psf`, instead of a Gaussian.
    parts : tuple of (str, float, float)
        Of a sum, such as `point_spread.measure_psf` measures: the shape of each part, ``"gaussian"`` or ``"airy"``,
        its width (that of the nearest Gaussian, in pixels of the camera), and its share.
    """

    sigma: float = 0.0
    airy: tuple[float, float, float] | None = None
    parts: tuple[Part, ...] = ()

    @property
    def finest(self) -> float:
        """Spatial frequency beyond which it passes nothing, in periods per pixel of the camera."""
        apertures = [width for shape, width, _ in self._shapes if shape == "airy"]
        return 2 * AIRY_WIDTH / min(apertures) if len(apertures) == len(self._shapes) else math.inf

    @property
    def gaussian(self) -> bool:
        """Whether it is a Gaussian, or a sum of such."""
        return all(shape == "gaussian" for shape, _, _ in self._shapes)

    @property
    def widest(self) -> float:
        """Standard deviation of the Gaussian that is nearest to its widest part, in pixels of the camera."""
        return max(width for _, width, _ in self._shapes)

    @property
    def width(self) -> float:
        """Standard deviation of the Gaussian that is nearest to it, in pixels of the camera."""
        if self.parts:
            return _nearest_gaussian(self.parts)
        return self.widest

    @property
    def _shapes(self) -> tuple[Part, ...]:
        if self.parts:
            return self.parts
        return (("gaussian", self.sigma, 1.0),) if self.airy is None else (("airy", gaussian_sigma(*self.airy), 1.0),)

    def kernel(self, factor: int = 1) -> _Array:
        """Return it on pixels that are finer than those of the camera by a factor.

        Returns
        -------
        ndarray of float64
            Square with an odd side, whose sum is 1.
        """
        if self.airy is not None:
            wavelength, aperture, pixel = self.airy
            return airy_psf(wavelength, aperture, pixel / factor)
        if self.parts:
            return _sum(self.parts, factor)
        return gaussian_psf(self.sigma * factor) if self.sigma else np.ones((1, 1))


def _sum(parts: tuple[Part, ...], factor: int) -> _Array:
    drawn = [share * _kernel_of(shape, width, factor) for shape, width, share in parts]
    side = max(len(one) for one in drawn)
    psf = np.sum([np.pad(one, (side - len(one)) // 2) for one in drawn], axis=0)
    return np.asarray(psf / psf.sum())


def _kernel_of(shape: Shape, width: float, factor: int) -> _Array:
    return gaussian_psf(width * factor) if shape == "gaussian" else airy_psf(width / AIRY_WIDTH, 1.0, 1 / factor)


def _nearest_gaussian(parts: tuple[Part, ...]) -> float:
    """Return the width of the Gaussian whose squared distance from a sum of such, over the plane, is the least."""
    variances, shares = np.array([(width**2, share) for _, width, share in parts]).T

    def distance(log_variance: float) -> float:
        variance = np.exp(log_variance)
        return float(1 / (4 * variance) - (shares / (variance + variances)).sum() / shares.sum())

    bounds = (np.log(variances.min()) - 1e-9, np.log(variances.max()) + 1e-9)
    return float(np.exp(optimize.minimize_scalar(distance, bounds=bounds, method="bounded").x / 2))


class Blur:
    """Convolution with a symmetric point-spread function; the image goes on beyond its borders as in a mirror.

    With mirrors at its borders a symmetric blur is diagonal in the discrete cosine transform and is its own adjoint,
    and unlike the usual circular one it does not carry light from one border to the opposite one.

    Parameters
    ----------
    psf : ndarray
        Point-spread function with odd sides that equals its mirror images.
    shape : (int, int)
        Shape of the images.
    """

    def __init__(self, psf: NDArray[np.floating], shape: tuple[int, int]) -> None:
        if psf.ndim != 2 or not all(side % 2 for side in psf.shape):
            raise ValueError(f"a point-spread function must have two odd sides, not shape {psf.shape}")
        if not (np.allclose(psf, psf[::-1], atol=1e-12) and np.allclose(psf, psf[:, ::-1], atol=1e-12)):
            raise ValueError("the point-spread function must equal its mirror images")
        self.psf = np.asarray(psf, dtype=np.float64)
        self.shape = shape

    @cached_property
    def transfer(self) -> _Array:
        """Factor by which each component of the cosine transform is multiplied."""
        waves = [
            np.cos(np.pi / length * np.outer(np.arange(length), np.arange(side) - side // 2))
            for length, side in zip(self.shape, self.psf.shape, strict=True)
        ]
        return np.asarray(waves[0] @ self.psf @ waves[1].T)

    def forward(self, image: NDArray[np.floating]) -> _Array:
        """Blur an image, or a stack of them along leading axes."""
        return self._multiplied(image, self.transfer)

    def adjoint(self, image: NDArray[np.floating]) -> _Array:
        """Apply the adjoint, which is the blur itself."""
        return self.forward(image)

    def wiener(self, image: NDArray[np.floating], noise_to_signal: float) -> _Array:
        """Undo the blur where signal exceeds noise.

        Parameters
        ----------
        image : ndarray
            Blurred image.
        noise_to_signal : float
            Ratio of the power of noise to that of the sharp image; not 0 where the blur removes a component altogether.
        """
        return self._multiplied(image, self.transfer / (self.transfer**2 + noise_to_signal))

    def _multiplied(self, image: NDArray[np.floating], factor: _Array) -> _Array:
        components = fft.dctn(np.asarray(image, dtype=np.float64), axes=(-2, -1), norm="ortho")
        return np.asarray(fft.idctn(components * factor, axes=(-2, -1), norm="ortho"))


class Binning:
    """Average over squares of pixels.

    Parameters
    ----------
    factor : int
        Side of a square.
    """

    def __init__(self, factor: int) -> None:
        if factor < 1:
            raise ValueError(f"a binning factor must be at least 1, not {factor}")
        self.factor = factor

    def forward(self, image: NDArray[np.floating]) -> _Array:
        """Bin the last two axes, whose lengths must be multiples of the factor."""
        *lead, height, width = image.shape
        n = self.factor
        if height % n or width % n:
            raise ValueError(f"an image of {height} x {width} pixels cannot be binned by {n}")
        squares = np.asarray(image, dtype=np.float64).reshape(*lead, height // n, n, width // n, n)
        return np.asarray(squares.mean(axis=(-3, -1)))

    def adjoint(self, image: NDArray[np.floating]) -> _Array:
        """Apply the adjoint: spread each value over its square."""
        return self.pseudo_inverse(image) / self.factor**2

    def pseudo_inverse(self, image: NDArray[np.floating]) -> _Array:
        """Return the smallest image that bins to this one: each value repeated over its square."""
        repeated = np.asarray(image, dtype=np.float64)
        for axis in (-2, -1):
            repeated = np.repeat(repeated, self.factor, axis=axis)
        return repeated


def _positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name} must be positive, not {number}")
