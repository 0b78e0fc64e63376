"""Measure the noise of an image from the image itself.

The image is cut into cells of 8 x 8 pixels. Each gives its mean and, through a filter that smooth structure does not
pass, the variance of its noise. The straight line through the lower edge of these pairs is the camera: structure can
only add to the variance, so the cells with least of it tell the noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize, special

from ..errors import ImageError
from .axes import Sliceable
from .blocks import block_slices, sample_blocks
from .camera import Camera
from .noise_cells import SECOND_DIFFERENCE, Cells, cells_of, unclipped

_Array = NDArray[np.float64]

_BINS = 16
_FEWEST = 4  # cells in a bin
_QUANTILE, _TOP = 0.25, 0.9  # where a bin's lower edge is read, and up to where its cells are then averaged
_LINE_ERROR = 0.02  # relative; a bin of very many cells is not trusted beyond this
_MOST_FRAMES = 32


def estimate_camera(image: Sliceable, axes: str | None = None) -> Camera:
    """Measure gain and read noise from one image.

    Noise is taken to be independent from pixel to pixel; images that were resampled, compressed or filtered seem
    less noisy than they are. Cells in which the image is clipped at its darkest or brightest level are left out,
    unless there are hardly any others. So are those with pixels that are not finite; where every other line is lost,
    differences along the lines tell the noise.

    Parameters
    ----------
    image : array-like
        Anything that can be sliced; parts of it are read (see `sample_blocks`). Channels should be measured one by one.
    axes : str, optional
        One letter per axis; ``None`` guesses from the shape.

    Returns
    -------
    Camera
        In the units of the image. The line of variance against mean is what was measured: where it reaches zero at a
        positive grey level that is the ``offset``, else the offset is 0 and the rest is read noise. An image without
        noise, or under 3 pixels, has neither gain nor read noise.

    Raises
    ------
    ImageError
        If the image is empty, has no finite pixel, or has a range that float64 cannot hold.
    RequestError
        If the axes do not fit the image.

    References
    ----------
    Foi, Trimeche, Katkovnik, Egiazarian (2008), IEEE Trans. Image Process. 17, 1737, for the model. The filter is
    that of Immerkaer (1996), Comput. Vis. Image Underst. 64, 300.
    """
    return measure_noise(sample_blocks(image, axes)).camera


def noise_sigma(image: Sliceable, axes: str | None = None) -> float:
    """Measure the standard deviation of the noise of one image: root mean square over all of it.

    Parameters
    ----------
    image : array-like
        As for `estimate_camera`, which says what is assumed and raised.
    axes : str, optional
        One letter per axis; ``None`` guesses from the shape.

    Returns
    -------
    float
        In the units of the image; 0 for an image without noise.
    """
    return measure_noise(sample_blocks(image, axes)).sigma


class Noise(NamedTuple):
    """The noise of an image: root mean square over all of it, and how it depends on brightness."""

    sigma: float
    camera: Camera


NO_NOISE = Noise(0.0, Camera(gain=0.0))


def measure_noise(blocks: NDArray[np.float64]) -> Noise:
    """Measure noise as `noise_sigma` and `estimate_camera` do, of an image of which these are the blocks.

    Parameters
    ----------
    blocks : ndarray of float64, shape (count, y, x)
        See `imaging.blocks.sample_blocks`.
    """
    return _noise_of(*_measure(blocks))


def estimate_camera_from_frames(frames: Sliceable) -> Camera:
    """Measure gain and read noise from repeated frames of the same scene.

    Nothing but noise, and slow changes of overall brightness, may differ between one frame and the next. Structure
    does no harm, so this is better than a single image where there is a choice.

    Parameters
    ----------
    frames : array-like, shape (frames, y, x)
        At least 2 frames; the first 32 are used.

    Returns
    -------
    Camera
        As of `estimate_camera`.

    Raises
    ------
    ImageError
        If there are fewer than 2 frames, no finite pixel, or a range that float64 cannot hold.
    """
    if len(frames.shape) != 3 or frames.shape[0] < 2:
        raise ImageError(
            f"At least two frames of one scene are needed to compare them, as axes TYX, not shape {frames.shape}. "
            "Measure the camera from a single image instead."
        )
    spots = block_slices(frames.shape[1:], size=128)
    blocks = np.stack([np.asarray(frames[(slice(_MOST_FRAMES), *spot)], dtype=np.float64) for spot in spots])
    scaled, low, span = _scaled(np.ascontiguousarray(blocks))
    steps = np.diff(scaled, axis=1)
    steps -= np.nan_to_num(np.nanmedian(steps, axis=(0, 2, 3), keepdims=True))
    number = scaled.shape[1]
    # Degrees of freedom of a variance from successive differences (von Neumann 1941).
    freedom = 2 * (number - 1) ** 2 / (3 * number - 4)
    cells = cells_of(scaled.mean(axis=1), (steps**2).mean(axis=1) / 2, scaled, 0, freedom)
    return _noise_of(cells, low, span).camera


def _measure(blocks: _Array) -> tuple[Cells, float, float]:
    scaled, low, span = _scaled(blocks)
    for axes in ((1, 2), (2,), (1,)):  # where lines are lost, the others may be measured along themselves
        high_pass = scaled
        for axis in axes:
            high_pass = ndimage.convolve1d(high_pass, SECOND_DIFFERENCE, axis=axis)
        cells = cells_of(scaled, high_pass**2, scaled[:, None], 1, None, along=len(axes))
        if len(cells.mean):
            break
    return cells, low, span


def _scaled(blocks: _Array) -> tuple[_Array, float, float]:
    """Map the range of the image to 0 to 1, so that squares neither overflow nor vanish; not finite becomes nan."""
    finite = np.isfinite(blocks)
    if not finite.any():
        raise ImageError("The image has no finite pixel. Choose one that has.")
    low, high = (float(end(blocks[finite])) for end in (np.min, np.max))
    span = high - low
    if not np.isfinite(span):
        raise ImageError(f"The image's range, {low:g} to {high:g}, is too large to compute with. Rescale it.")
    return np.where(finite, (np.where(finite, blocks, low) - low) / (span or 1.0), np.nan), low, span


def _bins(cells: Cells) -> tuple[_Array, _Array, _Array]:
    """Return mean, lower edge of the noise variance and number of the cells of similar mean."""
    shares = np.linspace(0, 1, _BINS + 1)
    # Equal widths alone would waste the cells of a dark image, equal counts its few bright ones.
    equal_width = cells.mean.min() + shares * np.ptp(cells.mean)
    edges = np.union1d(equal_width, np.quantile(cells.mean, shares))
    places = np.clip(np.searchsorted(edges, cells.mean, side="right") - 1, 0, max(edges.size - 2, 0))
    groups = [np.flatnonzero(places == place) for place in np.unique(places)]
    groups = [group for group in groups if group.size >= _FEWEST] or [np.arange(cells.mean.size)]
    variances = [_noise_variance(cells.where(group)) for group in groups]
    return (
        np.array([cells.mean[g].mean() for g in groups]),
        np.array(variances),
        np.array([float(g.size) for g in groups]),
    )


def _noise_variance(cells: Cells) -> float:
    """Return the noise variance of cells of one mean, some of which may hold structure too."""
    half = cells.freedom / 2
    edge = float(np.quantile(cells.variance, _QUANTILE)) * half / float(special.gammaincinv(half, _QUANTILE))
    # With very few photons the variances do not follow the gamma distribution, and noise outweighs structure anyway.
    if not cells.structured or edge <= 0 or cells.lowest.mean() > 0.3:
        return float(cells.variance.mean())
    top = float(special.gammaincinv(half, _TOP)) / half
    share = float(special.gammainc(half + 1, top * half)) / _TOP  # mean of what is under the top, of unit variance
    for _ in range(5):
        under = cells.variance <= max(edge * top, cells.variance.min())
        edge = float(cells.variance[under].mean()) / share
    return edge


def _line(cells: Cells) -> tuple[float, float]:
    """Fit slope >= 0 and intercept of the noise variance against the mean."""
    mean, variance, number = _bins(cells)
    floor = 1e-3 * variance.max()
    if floor <= 0:
        return 0.0, 0.0
    error = np.sqrt(2 / (cells.freedom * number) + _LINE_ERROR**2)
    design = np.stack([mean - mean.min(), np.ones_like(mean)], axis=1)
    fitted, trust = np.maximum(variance, floor), np.ones_like(mean)
    for _ in range(30):
        weight = trust / (error * fitted)
        (slope, start), _ = optimize.nnls(design * weight[:, None], variance * weight)
        fitted = np.maximum(design @ (slope, start), floor)
        residual = (variance - fitted) / (error * fitted)
        scale = 1.5 * max(1.4826 * float(np.median(np.abs(residual))), 1.0)
        trust = np.where(residual > 0, 1 / np.hypot(1, residual / scale), 1.0)  # structure lifts bins, never lowers
    return float(slope), float(start - slope * mean.min())


def _noise_of(cells: Cells, low: float, span: float) -> Noise:
    if not len(cells.mean):
        return NO_NOISE
    slope, intercept = _line(unclipped(cells))
    # In units of the span, since the squares of large grey levels could overflow.
    sigma = span * float(np.sqrt(np.maximum(slope * cells.mean + intercept, 0).mean()))
    return Noise(sigma, _camera_of(slope, intercept, low, span))


def _camera_of(slope: float, intercept: float, low: float, span: float) -> Camera:
    if slope * 1e6 < abs(intercept):
        return Camera(gain=0.0, read_noise=span * float(np.sqrt(max(intercept, 0.0))))
    if slope == 0:
        return Camera(gain=0.0)
    dark = low - span * (intercept / slope)  # grey level at which the line reaches zero
    if dark > 0:
        return Camera(gain=slope * span, offset=dark)
    return Camera(gain=slope * span, read_noise=float(np.sqrt(slope * span) * np.sqrt(-dark)))
