"""The image behind a mask: what of it is kept, and the noise over it from which drawing may begin.

To keep the background of a real image and to replace its objects is to know some of its pixels: those that are kept are
given to the model at every step (see `diffusion.guidance.known_pixels`), so that what is drawn fits to them. To begin
from the image under some noise instead of from noise alone keeps what is larger than that noise (Meng et al. 2022,
arXiv:2108.01073).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..diffusion.noise import Stream, antithetic, positional_noise
from ..engine.tiles import Box, Tile, read_window
from ..errors import ImageError
from ..imaging.axes import PlaneIndex, Sliceable, region_slices
from ..imaging.intensity import Normalization
from .base import Image, PlaneView, Source


@dataclass(frozen=True)
class ImageBehind:
    """An image behind a mask.

    Attributes
    ----------
    image : array-like
        In grey levels, with the axes of the mask; colours last.
    kept : array-like, optional
        With the axes of the mask; where it is not zero the image is kept within the region too, and not only outside.
    source : Source
        The mask, and the region that is drawn.
    levels : Normalization
        From grey levels to what the model knows.
    """

    image: Sliceable
    kept: Sliceable | None
    source: Source
    levels: Normalization

    @classmethod
    def checked(
        cls, image: Sliceable, kept: Sliceable | None, source: Source, levels: Normalization, channels: int
    ) -> ImageBehind:
        """Return it, or raise ImageError if image or kept pixels do not lie under the mask."""
        wanted = source.shape + ((channels,) if channels > 1 else ())
        if tuple(image.shape) != wanted:
            raise ImageError(
                f"The image behind is of the shape {tuple(image.shape)}, but for this mask and model it has to be of "
                f"{wanted}. Choose an image that lies under the mask pixel by pixel."
            )
        if kept is not None and tuple(kept.shape) != source.shape:
            raise ImageError(
                f"What is kept of the image behind is of the shape {tuple(kept.shape)}, but the mask is of "
                f"{source.shape}. Give one value for each pixel of the mask."
            )
        return cls(image, kept, source, levels)

    def known(self, index: PlaneIndex, tile: Tile) -> tuple[Tensor, Tensor]:
        """Return the normalised pixels in the window of a tile, and 1 where they are kept; for a batch of one."""
        pixels = read_window(_Normalised(self, index), ((0, self._channels(index)), *tile.window))
        kept = read_window(_Kept(self, index), tile.window)
        return torch.from_numpy(np.ascontiguousarray(pixels))[None], torch.from_numpy(kept)[None, None]

    def noisy(self, index: PlaneIndex, sigma: float, *, seed: int, sample: int) -> Callable[[Tile], Image]:
        """Return what gives the pixels in a tile's window under noise of that level, of which every sample has its own.

        Samples 0 and 1, 2 and 3 and so on have the same of opposite sign, as everywhere.
        """
        pair, sign = antithetic(sample)
        view = _Normalised(self, index, sign * sigma, seed, Stream.START + pair)

        def start_at(tile: Tile) -> Image:
            return np.ascontiguousarray(read_window(view, ((0, self._channels(index)), *tile.window)))

        return start_at

    def pixels(self, index: PlaneIndex, box: Box) -> Image:
        """Return the image in a box of a plane as it is, float32 of shape (channels, y, x)."""
        part = self._view(index)[(*region_slices(box), *self._colours(index))]
        return np.asarray(np.moveaxis(part, -1, 0) if self._colours(index) else part[None], dtype=np.float32)

    def kept_in(self, index: PlaneIndex, box: Box) -> NDArray[np.bool_]:
        """Return which pixels of a box of a plane are kept."""
        return _Kept(self, index)[region_slices(box)] > 0

    def _view(self, index: PlaneIndex) -> PlaneView:
        shape = (*self.source.plane_shape, *self.image.shape[len(index) :])
        return PlaneView(self.image, (*index, *self._colours(index)), shape)

    def _colours(self, index: PlaneIndex) -> tuple[slice, ...]:
        return tuple(slice(None) for _ in self.image.shape[len(index) :])

    def _channels(self, index: PlaneIndex) -> int:
        return int(np.prod(self.image.shape[len(index) :], dtype=int))


@dataclass(frozen=True)
class _Normalised:
    """A plane of the image in normalised units, channels first, with noise over it."""

    behind: ImageBehind
    index: PlaneIndex
    sigma: float = 0.0
    seed: int = 0
    stream: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.behind._channels(self.index), *self.behind.source.plane_shape)

    def __getitem__(self, part: tuple[slice, ...]) -> Image:
        channels, *spans = part
        box = [(span.start, span.stop) for span in spans]
        pixels = self.behind.levels.apply(self.behind.pixels(self.index, tuple(box)))[channels]
        if not self.sigma:
            return pixels
        start, stop = zip(*box, strict=True)
        first = self.behind.source.plane_number(self.index) * self.shape[0]
        numbers = range(first + channels.start, first + channels.stop)
        noise = [positional_noise(self.seed, self.stream, number, start, stop) for number in numbers]
        return np.asarray(pixels + np.float32(self.sigma) * np.stack(noise))


@dataclass(frozen=True)
class _Kept:
    """A plane that is 1 where the image is kept, outside of the region and where the user says, and 0 elsewhere."""

    behind: ImageBehind
    index: PlaneIndex

    @property
    def shape(self) -> tuple[int, ...]:
        return self.behind.source.plane_shape

    def __getitem__(self, part: tuple[slice, ...]) -> Image:
        box = (here for here in self.index if isinstance(here, slice))
        inside = [
            (np.arange(here.start, here.stop) >= span.start) & (np.arange(here.start, here.stop) < span.stop)
            for here, span in zip(part, box, strict=True)
        ]
        kept = ~np.logical_and.outer(*inside)
        if self.behind.kept is not None:
            kept |= PlaneView(self.behind.kept, self.index, self.shape)[part] != 0
        return np.asarray(kept, dtype=np.float32)
