"""How good an estimate is: against the truth, against a second exposure, and against its own stated uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.metrics import structural_similarity

_Array = NDArray[np.float64]
_Image = NDArray[np.generic]


def affine_fit(estimate: _Image, truth: _Image) -> _Array:
    """Return ``scale * estimate + shift``, the one nearest to the truth in the least-squares sense.

    Microscope images are often stretched one by one, so that two exposures of one scene have no common units.

    Parameters
    ----------
    estimate, truth : ndarray
        Of the same shape.
    """
    fitted, goal = _pair(estimate, truth)
    centred = fitted - fitted.mean()
    power = float((centred**2).mean())
    scale = float((centred * (goal - goal.mean())).mean()) / power if power > 0 else 0.0
    return np.asarray(scale * centred + goal.mean())


def psnr(truth: _Image, estimate: _Image, *, affine: bool = True) -> float:
    """Return the peak signal-to-noise ratio in decibel over the range of the truth (largest minus smallest value).

    Parameters
    ----------
    truth, estimate : ndarray
        Of the same shape.
    affine : bool
        Fit scale and shift of the estimate first.

    Returns
    -------
    float
        Infinite if both are equal, and nan if the truth is constant and the estimate is not.
    """
    estimate, truth = _pair(affine_fit(estimate, truth) if affine else estimate, truth)
    error = float(np.sqrt(((estimate - truth) ** 2).mean()))
    if error == 0:
        return float("inf")
    span = float(np.ptp(truth))
    return float(20 * np.log10(span / error)) if span > 0 else float("nan")


def ssim(truth: _Image, estimate: _Image, *, affine: bool = True) -> float:
    """Return the structural similarity of two planes with the Gaussian window of the original paper.

    Parameters
    ----------
    truth, estimate : ndarray, shape (y, x)
        At least 11 pixels wide.
    affine : bool
        Fit scale and shift of the estimate first.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli (2004), IEEE Trans. Image Process. 13, 600.
    """
    estimate, truth = _pair(affine_fit(estimate, truth) if affine else estimate, truth)
    return float(
        structural_similarity(
            truth,
            estimate,
            data_range=float(np.ptp(truth)),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def fourier_ring_correlation(first: _Image, second: _Image) -> tuple[_Array, _Array]:
    """Correlate two images of one scene with independent noise, ring by ring of spatial frequency.

    Parameters
    ----------
    first, second : ndarray, shape (y, x) or (z, y, x)
        Of the same shape. In volumes the rings are shells.

    Returns
    -------
    frequencies : ndarray
        Middle of each ring in periods per pixel, up to 0.5.
    values : ndarray
        Correlation in each ring, at most 1.

    References
    ----------
    Nieuwenhuizen et al. (2013), Nature Methods 10, 557.
    """
    spectra = [np.fft.fftn(_windowed(image)) for image in _pair(first, second)]
    ring, number = _rings(spectra[0].shape)
    cross, *powers = (
        np.bincount(ring, part.real.ravel(), number + 1)[1:number]
        for part in (spectra[0] * spectra[1].conj(), np.abs(spectra[0]) ** 2, np.abs(spectra[1]) ** 2)
    )
    scale = np.sqrt(powers[0] * powers[1])
    values = np.divide(cross, scale, out=np.zeros_like(cross), where=scale > 0)
    return (np.arange(1, number) + 0.5) / number / 2, values


def resolution(
    frequencies: NDArray[np.floating], values: NDArray[np.floating], *, pixel: float = 1.0, threshold: float = 1 / 7
) -> float:
    """Return the finest period at which two images still agree.

    Parameters
    ----------
    frequencies, values : ndarray
        From `fourier_ring_correlation`; averaged over three rings before they are compared with the threshold.
    pixel : float
        Side of a pixel, in the unit of the result.
    threshold : float
        Correlation below which nothing is resolved.

    Returns
    -------
    float
        Period in the unit of ``pixel``: two pixels if the correlation never falls below the threshold, infinite if
        it starts below.
    """
    smooth = ndimage.uniform_filter1d(np.asarray(values, dtype=np.float64), 3, mode="nearest")
    below = np.flatnonzero(smooth < threshold)
    if below.size == 0:
        return 2.0 * pixel
    end = int(below[0])
    if end == 0:
        return float("inf")
    share = (smooth[end - 1] - threshold) / (smooth[end - 1] - smooth[end])
    crossing = frequencies[end - 1] + share * (frequencies[end] - frequencies[end - 1])
    return float(pixel / crossing)


@dataclass(frozen=True)
class Calibration:
    """How large errors are where an uncertainty says they are large.

    Attributes
    ----------
    predicted, error : ndarray
        Root mean square of the predicted sigma and of the error in each bin, from the least to the most uncertain.
    slope, intercept : float
        Line of error against predicted sigma, least squares with equal weight for each bin. A calibrated uncertainty
        has slope 1 and intercept 0. The slope is nan if the uncertainty is the same everywhere.
    ratio : float
        Slope of the line through the origin: how many times larger errors are than predicted.
    """

    predicted: _Array
    error: _Array
    slope: float
    intercept: float
    ratio: float


def calibration(error: _Image, sigma: _Image, bins: int = 20) -> Calibration:
    """Compare errors with their predicted standard deviation, in bins of equally many pixels.

    Parameters
    ----------
    error : ndarray
        Estimate minus truth.
    sigma : ndarray
        Predicted standard deviation of the estimate, of the same shape and unit.
    bins : int
        Number of bins.

    Raises
    ------
    ValueError
        If the shapes differ or there are fewer pixels than bins.
    """
    errors, sigmas = _pair(error, sigma)
    if errors.size < bins:
        raise ValueError(f"{errors.size} pixels cannot fill {bins} bins")
    order = np.argsort(sigmas, axis=None, kind="stable")
    predicted, actual = (
        np.sqrt([(part**2).mean() for part in np.array_split(values.ravel()[order], bins)])
        for values in (sigmas, errors)
    )
    centred = predicted - predicted.mean()
    spread = float((centred**2).sum())
    # A spread of rounding errors only is no spread.
    flat = spread <= 1e-20 * float((predicted**2).sum())
    slope = float("nan") if flat else float((centred * actual).sum()) / spread
    power = float((predicted**2).sum())
    return Calibration(
        predicted=predicted,
        error=actual,
        slope=slope,
        intercept=float(actual.mean() - slope * predicted.mean()),
        ratio=float((predicted * actual).sum()) / power if power > 0 else float("nan"),
    )


def residual_whiteness(residual: _Image) -> float:
    """Return the correlation of a residual between neighbouring pixels: 0 for what is nothing but white noise.

    Parameters
    ----------
    residual : ndarray, shape (..., y, x)
        Noisy image minus estimate, ideally divided by the standard deviation of the noise.

    Returns
    -------
    float
        Correlation with the next pixel along y or along x, whichever is larger in magnitude. Well above 0: structure
        was removed along with the noise, or the noise is itself correlated. Below 0: noise was left in the estimate.
        In N pixels of white noise it scatters by about 1 / sqrt(N). 0 for a constant residual.
    """
    centred = np.asarray(residual, dtype=np.float64)
    centred = centred - centred.mean()
    power = float((centred**2).mean())
    if power == 0:
        return 0.0
    pairs = [(centred[..., 1:, :], centred[..., :-1, :]), (centred[..., 1:], centred[..., :-1])]
    values = [float((a * b).mean()) / power for a, b in pairs if a.size]
    return max(values, key=abs, default=0.0)


def high_frequency_energy(truth: _Image, estimate: _Image, *, above: float = 0.25) -> float:
    """Return the power of an estimate at high spatial frequencies as a ratio to that of the truth.

    Parameters
    ----------
    truth, estimate : ndarray, shape (y, x)
        In the same units; fit them with `affine_fit` if they are not.
    above : float
        Lowest frequency that counts, in periods per pixel; the highest is 0.5.

    Returns
    -------
    float
        1 if the estimate is as sharp as the truth, less if it is blurred, more if it is noisy or invents detail.
        Noise in the truth counts as sharpness, so ``above`` should lie within the band of the optics.
    """
    powers = []
    for image in _pair(truth, estimate):
        spectrum = np.abs(np.fft.fftn(_windowed(image))) ** 2
        radius = _radius(spectrum.shape)
        powers.append(float(spectrum[(radius >= above) & (radius <= 0.5)].sum()))
    return powers[1] / powers[0] if powers[0] > 0 else float("nan")


def _pair(first: _Image, second: _Image) -> tuple[_Array, _Array]:
    if first.shape != second.shape:
        raise ValueError(f"images of shapes {first.shape} and {second.shape} cannot be compared")
    return np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)


def _windowed(image: _Array) -> _Array:
    """Fade the image to 0 at its borders, whose jumps would else look like fine detail."""
    if image.ndim not in (2, 3):
        raise ValueError(f"one plane or one volume is needed, not shape {image.shape}")
    window = reduce(np.multiply.outer, (np.hanning(side + 2)[1:-1] for side in image.shape))
    return np.asarray((image - image.mean()) * window)


def _radius(shape: tuple[int, ...]) -> _Array:
    grids = np.meshgrid(*(np.fft.fftfreq(side) for side in shape), indexing="ij", sparse=True)
    return np.asarray(np.sqrt(sum(grid**2 for grid in grids)))


def _rings(shape: tuple[int, ...]) -> tuple[NDArray[np.intp], int]:
    """Return the ring of each component, as wide as the lowest frequency of the short side, and their number."""
    number = max(min(shape) // 2, 1)
    ring = np.minimum((_radius(shape) * 2 * number).astype(np.intp), number)
    return ring.ravel(), number
