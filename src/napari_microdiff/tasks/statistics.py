"""What is measured on a whole image before any part of it is processed: range, noise, spectrum, likeness."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from ..imaging.axes import PlaneIndex, Sliceable, full_region, planes
from ..imaging.blocks import raw_blocks
from ..imaging.camera import Camera
from ..imaging.faults import Faults
from ..imaging.intensity import Normalization
from ..imaging.noise import NO_NOISE, measure_noise
from ..imaging.spectrum import Spectrum, measure_spectrum, statistics_vector
from ..imaging.telling import telling_blocks
from ..imaging.texture import texture_vector
from ..imaging.wiener import wiener_error, wiener_kernel
from .base import Source, check_finite

_BLOCKS, _BLOCK_SIDE = 24, 192
_ROWS = 512  # read at once, so that memory stays bounded
_NO_FAULTS = Faults()
_LEAST_NOISE = 0.25  # of the noise over all of an image
_LEAST_CONTRAST = 1e-5  # of the largest value
_ROUNDING = 1e-6  # of the range of an image; less noise than this is what arithmetic leaves behind


@dataclass(frozen=True)
class Statistics:
    """Of one channel.

    Attributes
    ----------
    normalization : Normalization
        Map to the range that networks are trained on.
    noise_level : float
        Standard deviation of the noise, in the units of the image.
    spectrum : Spectrum
        Of the normalised image.
    texture : ndarray of float32, shape (TEXTURE_LENGTH,)
        What the image shows; see `imaging.texture`.
    constant : bool
        Whether all pixels are equal.
    faults : Faults
        What is none of the image; all else is measured without it.
    camera : Camera
        How the noise depends on brightness, in the units of the image.
    """

    normalization: Normalization
    noise_level: float
    spectrum: Spectrum
    texture: NDArray[np.float32]
    constant: bool
    faults: Faults = _NO_FAULTS
    camera: Camera = NO_NOISE.camera

    def noise_at(self, bright: NDArray[np.floating], noise_level: float | None = None) -> NDArray[np.float64]:
        """Return the noise of pixels of this brightness, in the units of the image.

        Parameters
        ----------
        bright : ndarray
            In the units of the image.
        noise_level : float, optional
            The noise over all of the image, if it is another one than was measured.
        """
        level = self.noise_level if noise_level is None else noise_level
        if not self.noise_level:
            return np.full(bright.shape, level, dtype=np.float64)
        # The darkest pixels have some noise, too, whatever a line through all cells says.
        usual = np.maximum(self.camera.noise(bright), _LEAST_NOISE * self.noise_level)
        return np.asarray(usual * (level / self.noise_level))

    def vector(self, noise_level: float | None = None) -> NDArray[np.float32]:
        """Return the condition vector, for another noise level (in the units of the image) if one is given."""
        return self.vector_at(self.floor(noise_level))

    def vector_at(self, floor: float) -> NDArray[np.float32]:
        """Return the condition vector for a noise level in normalised units."""
        return statistics_vector(self.spectrum, floor)

    def wiener(self, noise_level: float | None = None) -> NDArray[np.float32]:
        """Return the kernel of the image's Wiener filter, for another noise level if one is given."""
        return wiener_kernel(self.spectrum.powers, self.floor(noise_level))

    def guess_error(self, noise_level: float | None = None) -> float:
        """Return the error to be expected of that filter, in normalised units."""
        return wiener_error(self.spectrum.powers, self.floor(noise_level))

    def floor(self, noise_level: float | None) -> float:
        """Return the noise level in normalised units; that of the spectrum unless another one is given."""
        if noise_level is None:
            return self.spectrum.floor()
        if self.noise_level == 0:
            return noise_level / self.normalization.scale
        return self.spectrum.floor() * noise_level / self.noise_level


@dataclass(frozen=True)
class _Channel:
    """An array with one of its axes fixed, without reading it."""

    array: Sliceable
    axis: int
    position: int

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(n for axis, n in enumerate(self.array.shape) if axis != self.axis)

    @property
    def dtype(self) -> Any:
        return self.array.dtype

    def __getitem__(self, index: Any) -> Any:
        full = list(index)
        full.insert(self.axis, self.position)
        return self.array[tuple(full)]


def channel_axis(axes: str) -> int | None:
    """Return the axis along which images have nothing in common, if there is one."""
    return next((axes.index(letter) for letter in "CS" if letter in axes), None)


def channel_view(source: Source, position: int | None) -> tuple[Sliceable, str]:
    """Return one channel of a source and its axes."""
    axis = channel_axis(source.axes)
    if axis is None or position is None:
        return source.array, source.axes
    return _Channel(source.array, axis, position), source.axes[:axis] + source.axes[axis + 1 :]


def measure_channel(source: Source, position: int | None) -> Statistics:
    """Measure one channel of an image, from blocks that are spread over all of it.

    Blocks in which nothing has changed since they were last measured are not measured again, so that one view after
    the other of an image is shown without delay.

    Raises
    ------
    ImageError
        If pixels are not finite, or differ by next to nothing of their size.
    """
    view, axes = channel_view(source, position)
    spread, fine = telling_blocks(view, axes, count=_BLOCKS, size=_BLOCK_SIDE), raw_blocks(view, axes)
    seen = _fingerprint(spread, fine)
    known = _KNOWN.get(seen)
    if known is not None:
        return known
    blocks = spread.astype(np.float64)
    check_finite(blocks)
    flat = bool(np.ptp(blocks) == 0)
    constant = flat and _is_constant(view, axes)
    faults = Faults.of(blocks)
    beyond = faults.beyond(blocks)
    blocks, fine = faults.mended(blocks), faults.mended(fine)
    _check_contrast(blocks)
    normalization = Normalization.fit(blocks)
    normal = normalization.apply(blocks)
    noise = NO_NOISE if constant else measure_noise(fine.astype(np.float64))
    if noise.sigma < _ROUNDING * normalization.scale:
        noise = NO_NOISE
    # The border of a margin is none of what the image shows.
    shown = np.where(beyond, np.median(normal[~beyond]), normal) if beyond.any() else normal
    spectrum, texture = measure_spectrum(normal), texture_vector(shown)
    measured = Statistics(normalization, noise.sigma, spectrum, texture, constant, faults, noise.camera)
    if not flat:  # what was found then depends on all of the image
        _KNOWN.put(seen, measured)
    return measured


def _check_contrast(blocks: NDArray[np.float64]) -> None:
    low, high = float(blocks.min()), float(blocks.max())
    if 0 < high - low < _LEAST_CONTRAST * max(abs(low), abs(high)):
        raise ImageError(
            f"The image's values, {low:.9g} to {high:.9g}, differ by too little of their size for the 32-bit numbers "
            f"of a result to tell them apart. Subtract {low:.9g} from all of them, and try again."
        )


def _fingerprint(*arrays: NDArray[Any]) -> bytes:
    digest = blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


class _Known:
    """The statistics that were used last, by the fingerprint of what they were measured on; for several threads."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._kept: OrderedDict[bytes, Statistics] = OrderedDict()

    def get(self, seen: bytes) -> Statistics | None:
        with self._lock:
            if seen in self._kept:
                self._kept.move_to_end(seen)
            return self._kept.get(seen)

    def put(self, seen: bytes, measured: Statistics) -> None:
        with self._lock:
            self._kept[seen] = measured
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_KNOWN = _Known(most=64)


def _is_constant(view: Sliceable, axes: str) -> bool:
    """Look at every pixel, until one differs; a sparse image may be empty wherever blocks were taken from."""
    row_axis = min(axes.index("Y"), axes.index("X"))
    first = None
    for start in range(0, view.shape[row_axis], _ROWS):
        region = list(full_region(view.shape))
        region[row_axis] = (start, min(start + _ROWS, view.shape[row_axis]))
        for index in planes(axes, view.shape, tuple(region)):
            part = np.asarray(view[index])
            first = part.flat[0] if first is None else first
            if (part != first).any():
                return False
    return True


def tell_of_channels(source: Source, measured: Sequence[Statistics], notices: list[str]) -> None:
    """Say that each channel is worked on by itself where that will surprise: of colours, and of channels all the same.

    Parameters
    ----------
    measured : sequence of Statistics
        Of all channels.
    notices : list of str
        What is said is added here.
    """
    told = {(s.normalization, s.noise_level, s.spectrum.powers.tobytes()) for s in measured}
    if "S" in source.axes:
        notices.append(
            "The colours of the image are worked on one by one, as grey images, which are all that the model knows. If "
            "the image is grey, make one channel of it first: its samples would come out tinted."
        )
    elif len(measured) > 1 and len(told) == 1:
        notices.append(
            f"The {len(measured)} channels of the image look the same, as those of a grey image that was saved in "
            "colours. Each is worked on by itself, and its samples differ. Keep one channel."
        )


def positions(source: Source) -> Sequence[int | None]:
    """Return the channels that a source's region touches; ``[None]`` if it has no channel axis."""
    axis = channel_axis(source.axes)
    return [None] if axis is None else list(range(*source.region[axis]))


def position_of(source: Source, index: PlaneIndex) -> int | None:
    """Return the channel that a plane belongs to; None if there is no channel axis."""
    axis = channel_axis(source.axes)
    position = None if axis is None else index[axis]
    assert not isinstance(position, slice)
    return position
