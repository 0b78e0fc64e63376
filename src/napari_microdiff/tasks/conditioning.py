"""What models are shown of an image, at work and in training alike."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional as F

from ..diffusion.denoiser import Condition
from ..imaging.between import ACROSS, SLICES, BetweenFilter
from ..imaging.spectrum import VECTOR_LENGTH
from ..imaging.wiener import RADIUS

SUPERRESOLVING_LENGTH = VECTOR_LENGTH + 3
NOISELESS = 1e-3  # normalised units; what is told where there is no noise
_BRIGHTEST = 3.0  # normalised units; specks beyond it would drown all else in a network that does not normalise
_AROUND = 7  # pixels across
_SLACK = 0.25  # of the range
_BESIDE = 2  # measured pixels to each side that tell the range of finer ones


def filtered(images: Tensor, kernel: NDArray[np.float32]) -> Tensor:
    """Filter images that are wider by the kernel's radius on each side than what is wanted, where they are.

    Parameters
    ----------
    images : Tensor of float32, shape (..., y + 2 radius, x + 2 radius)
    kernel : ndarray, shape ([count,] 2 radius + 1, 2 radius + 1)
        See `imaging.wiener.wiener_kernel`. If there are several, images have one channel.

    Returns
    -------
    Tensor, shape (..., y, x)
        With as many channels as there are kernels, if there are several.
    """
    height, width = images.shape[-2:]
    cut = kernel.shape[-1] - 1
    rows, columns = next_fast_len(height, real=True), next_fast_len(width, real=True)
    # Memory of its own, so that the result does not depend on where that of the images begins.
    padded = images.new_zeros(*images.shape[:-2], rows, columns)
    padded[..., :height, :width] = images
    transfer = torch.fft.rfft2(torch.from_numpy(kernel).to(images.device), s=(rows, columns))
    whole = torch.fft.irfft2(torch.fft.rfft2(padded) * transfer, s=(rows, columns))
    wanted: Tensor = whole[..., cut:height, cut:width]
    return wanted.contiguous()


def on_finer_pixels(images: Tensor, kernels: NDArray[np.float32]) -> Tensor:
    """Apply a filter of `imaging.finer` to images that are wider by `FINER_RADIUS` on each side than what is wanted.

    Parameters
    ----------
    images : Tensor of float32, shape (batch, 1, y + 2 FINER_RADIUS, x + 2 FINER_RADIUS)
    kernels : ndarray, shape (factor**2, 2 FINER_RADIUS + 1, 2 FINER_RADIUS + 1)

    Returns
    -------
    Tensor, shape (batch, 1, factor y, factor x)
    """
    return F.pixel_shuffle(filtered(images, kernels), round(len(kernels) ** 0.5))


def repeated(images: Tensor, factor: int) -> Tensor:
    """Repeat each pixel of images of shape (..., y, x) in a square."""
    return images.repeat_interleave(factor, dim=-2).repeat_interleave(factor, dim=-1)


def superresolving_vector(statistics: NDArray[np.float32], width: float, factor: int) -> NDArray[np.float32]:
    """Return the condition vector of a model that makes pixels finer.

    Parameters
    ----------
    statistics : ndarray, shape (VECTOR_LENGTH,)
        Of the recorded image.
    width : float
        Standard deviation of the point-spread function, in its pixels.
    factor : int
        Fine pixels along one of them.
    """
    told = [2 * np.log2(factor) - 3, 2 * width - 1.5, float(width == 0)]
    return np.concatenate([statistics, np.array(told, dtype=np.float32)])


def reflected(images: Tensor, radius: int = RADIUS) -> Tensor:
    """Return whole images wider by a radius on each side, as at their borders a filter sees them."""
    return F.pad(images, (radius,) * 4, mode="reflect")


def noisy_condition(noisy: Tensor, guess: Tensor, guess_error: Tensor, vector: Tensor) -> Condition:
    """Return the condition of a denoising model: the noisy image, its Wiener filter and its statistics.

    Parameters
    ----------
    noisy : Tensor, shape (batch, maps, y, x)
        In normalised units; the first map is the image, others are whatever else the model is shown.
    guess : Tensor, shape (batch, 1, y, x)
        In normalised units.
    guess_error : Tensor, shape (batch,)
        Error to be expected of the guess.
    vector : Tensor, shape (batch, VECTOR_LENGTH)
        See `imaging.spectrum.statistics_vector`.
    """
    maps = torch.cat([noisy[:, :1], guess, noisy[:, 1:]], dim=1)
    return Condition(maps=maps, vector=vector, guess=guess, guess_error=guess_error)


def between_rows(rows: Tensor, told: BetweenFilter) -> tuple[Tensor, Tensor]:
    """Return what a model that fills in rows is shown, and the guess that it begins with.

    Parameters
    ----------
    rows : Tensor, shape (batch, 1, count, x)
        Known rows, in normalised units; two or more.
    told : BetweenFilter
        From the spectrum of the normalised image.

    Returns
    -------
    shown : Tensor, shape (batch, 2, factor (count - 1) + 1, x)
        Interpolated between the known rows; and how unsure the guess is of each row, relative to the mean.
    guess : Tensor, shape (batch, 1, factor (count - 1) + 1, x)
        The filtered rows; known ones as they are.
    """
    factor, beyond = len(told.kernels) + 1, SLICES // 2 - 1
    # Beyond the first and the last slice the stack goes on as in a mirror.
    padded = F.pad(F.pad(rows, (ACROSS, ACROSS, 0, 0), mode="replicate"), (0, 0, beyond, beyond), mode="reflect")
    between = F.conv2d(padded, torch.from_numpy(told.kernels)[:, None].to(rows.device))
    part = torch.arange(1, factor, device=rows.device).view(1, -1, 1, 1) / factor
    linear = torch.lerp(rows[:, :, :-1], rows[:, :, 1:], part)
    unsure = torch.from_numpy(told.errors).view(1, -1, 1, 1).to(rows) / told.error
    guess, interpolated = (_interleaved(rows, values) for values in (between, linear))
    doubts = _interleaved(torch.zeros_like(rows), unsure.expand_as(between))
    return torch.cat([interpolated, doubts], dim=1), guess


def differences_beside(guesses: Tensor) -> Tensor:
    """Return by how much guesses of neighbouring planes differ from that of the plane in their middle.

    Which way structures go that cross a plane aslant can be told from its neighbours only.

    Parameters
    ----------
    guesses : Tensor, shape (1 + len(BESIDE), y, x)
        Of the plane itself, and of those that are as far from it as `BESIDE` says.

    Returns
    -------
    Tensor, shape (1, len(BESIDE), y, x)
    """
    return (guesses[1:] - guesses[:1])[None]


def _interleaved(rows: Tensor, between: Tensor) -> Tensor:
    """Put rows (batch, 1, count, x) and what is between them, (batch, factor - 1, count - 1, x), in order."""
    groups = torch.cat([rows[:, :, :-1], between], dim=1).transpose(1, 2).flatten(1, 2)
    return torch.cat([groups, rows[:, 0, -1:]], dim=1)[:, None]


def range_around(condition: Condition) -> tuple[Tensor, Tensor]:
    """Return the range of the noisy image around each pixel, and some more: the clean image does not leave it.

    Noise goes both ways, so that of a few dozen pixels of one brightness some are brighter and some are darker.

    Parameters
    ----------
    condition : Condition
        From `noisy_condition`.

    Returns
    -------
    low, high : Tensor, shape (batch, 1, y, x)
    """
    assert condition.maps is not None
    noisy = condition.maps[:, :1]
    high, low = _highest(noisy, _AROUND), -_highest(-noisy, _AROUND)
    slack = _SLACK * (high - low)
    return low - slack, high + slack


def range_between(condition: Condition, factor: int) -> tuple[Tensor, Tensor]:
    """Return the range of the slices around each pixel, and some more: what lies between them does not leave it.

    Parameters
    ----------
    condition : Condition
        From `noisy_condition`, of a plane across slices of which those between are interpolated.
    factor : int
        Pixels from one slice to the next.

    Returns
    -------
    low, high : Tensor, shape (batch, 1, y, x)
    """
    assert condition.maps is not None
    assert condition.guess_error is not None
    slices = condition.maps[:, :1]
    around = max(_AROUND, 2 * factor + 1)
    high, low = _highest(slices, around), -_highest(-slices, around)
    # Something is left open where all pixels around have one value.
    slack = _SLACK * (high - low) + condition.guess_error.view(-1, 1, 1, 1)
    return low - slack, high + slack


def range_of_sharp(measured: Tensor, error: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """Return how dark and how bright finer pixels may be, given what was measured around them.

    Of what is smaller than a pixel of the image the peak is lower there, by up to the square of the factor; few
    structures are so small.

    Parameters
    ----------
    measured : Tensor, shape (batch, 1, y, x)
    error : Tensor, shape (batch,)
        That is expected of a guess, so that something is left open where all pixels around have one value.
    factor : int
        Finer pixels along one of those that were measured.

    Returns
    -------
    low, high : Tensor, shape (batch, 1, factor y, factor x)
    """
    wider = F.pad(measured, (_BESIDE,) * 4, mode="replicate")
    high, low = (F.max_pool2d(sign * wider, 2 * _BESIDE + 1, stride=1) * sign for sign in (1, -1))
    slack = factor * (high - low + error.view(-1, 1, 1, 1))
    return repeated(low - slack, factor), repeated(high + slack, factor)


def _highest(image: Tensor, around: int) -> Tensor:
    """Return the maximum of the square around each pixel, of windows that grow by what is known of smaller ones.

    The square is ``around`` pixels across, an odd number.
    """
    image = F.pad(image, (around // 2,) * 4, value=-torch.inf)
    for axis in (-2, -1):
        known = 1
        while known < around:
            step = min(known, around - known)
            length = image.shape[axis] - step
            image = torch.maximum(image.narrow(axis, 0, length), image.narrow(axis, step, length))
            known += step
    return image


def object_condition(image: Tensor, strokes: Tensor | None = None) -> Condition:
    """Return the condition of a model that finds objects: the image and what a user drew.

    Parameters
    ----------
    image : Tensor, shape (batch, 1, y, x)
        In normalised units, with bright objects.
    strokes : Tensor, shape (batch, 3, y, x), optional
        1 where a stroke on an object, on the background or along a cut is; ``None`` for none.
    """
    if strokes is None:
        strokes = image.new_zeros(len(image), 3, *image.shape[2:])
    return Condition(maps=torch.cat([image.clamp(-_BRIGHTEST, _BRIGHTEST), strokes], dim=1))
