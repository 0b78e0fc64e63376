"""The damaged pixels of an image: where they are, and the smooth guess of what lies there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..engine.tiles import Box, Tile, grown, read_window
from ..errors import ImageError
from ..imaging.axes import PlaneIndex, Sliceable, full_region, planes, region_slices
from ..imaging.holes import RIM, fill_smoothly
from ..imaging.intensity import Normalization
from .base import Image, Source, box_of, check_finite
from .statistics import channel_axis

_SIDE, _PLANES = 256, 8  # pixels along a side of a plane, and planes, that the mean of an image is told from


@dataclass(frozen=True)
class Damage:
    """Damaged pixels of a source.

    Attributes
    ----------
    source : Source
        The image.
    mask : array-like
        Not zero where it is damaged; with the axes of the image, or with those of its planes only.
    """

    source: Source
    mask: Sliceable

    @classmethod
    def checked(cls, source: Source, mask: Sliceable) -> Damage:
        """Return it, or raise ImageError if the mask does not lie on the image, or has no damage at all.

        A mask may be of the image, of all its planes, or, in colours, of the image without these.
        """
        colours = source.axes.find("S")
        without = tuple(n for axis, n in enumerate(source.shape) if axis != colours)
        if colours >= 0 and tuple(mask.shape) == without != source.plane_shape:
            mask = np.broadcast_to(np.expand_dims(np.asarray(mask), colours), source.shape)
        if tuple(mask.shape) not in (source.shape, source.plane_shape):
            raise ImageError(
                f"The mask is of the shape {tuple(mask.shape)}, but the image is of {source.shape}. Paint the damaged "
                "pixels in a mask that lies on the image pixel by pixel."
            )
        damage = cls(source, mask)
        if not damage.any():
            raise ImageError(
                "The mask is zero everywhere, so that nothing is damaged. Give one that is not zero where pixels are "
                "damaged."
            )
        return damage

    def any(self) -> bool:
        """Whether anything is damaged, be it outside of the region."""
        if tuple(self.mask.shape) == self.source.plane_shape:
            return bool(np.asarray(self.mask).any())
        every = planes(self.source.axes, self.source.shape, full_region(self.source.shape))
        return any(self.in_plane(index).any() for index in every)

    def in_plane(self, index: PlaneIndex) -> NDArray[np.bool_]:
        """Return which pixels of a whole plane are damaged."""
        if tuple(self.mask.shape) == self.source.plane_shape:
            part: tuple[Any, ...] = (slice(None), slice(None))
        else:
            part = tuple(slice(None) if isinstance(i, slice) else i for i in index)
        return np.asarray(np.asarray(self.mask[part]) != 0)

    def lost_planes(self) -> list[PlaneIndex]:
        """Return the planes of the region without any sound pixel."""
        every = planes(self.source.axes, self.source.shape, self.source.region)
        if tuple(self.mask.shape) == self.source.plane_shape:
            return list(every) if np.asarray(self.mask).all() else []
        return [index for index in every if self.in_plane(index).all()]

    def count(self, without: Collection[PlaneIndex] = ()) -> int:
        """Return how many pixels of the region are damaged, those of some planes left out; colours count once."""
        region = list(self.source.region)
        if (colours := self.source.axes.find("S")) >= 0:
            region[colours] = (region[colours][0], region[colours][0] + 1)
        counted = (p for p in planes(self.source.axes, self.source.shape, tuple(region)) if p not in without)
        return sum(int(self.in_plane(index)[region_slices(box_of(index))].sum()) for index in counted)

    def level(self, index: PlaneIndex) -> float:
        """Return the mean of some sound pixels of the channel of a plane; 0 if it has none."""
        return _Sound(self).mean(index)

    def sound(self) -> Source:
        """Return the source with other pixels, of the middle of their kind, in place of the damaged ones."""
        return Source(_Sound(self), self.source.axes, self.source.region)

    def without(self) -> Source:
        """Return the source with nan, in floating point, in place of the damaged pixels."""
        return Source(_Without(self), self.source.axes, self.source.region)


class _Sound:
    """An array whose damaged pixels are replaced, part by part, by the mean of the others.

    Where a part has no others it is the mean over the image, lest this be taken for darker or brighter than it is.
    """

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._means: dict[int | None, float] = {}
        self.shape = damage.source.shape
        self.dtype = damage.source.array.dtype

    def __getitem__(self, part: Any) -> NDArray[Any]:
        pixels, gone = self._read(part if isinstance(part, tuple) else (part,))
        if gone.any() and not gone.all():
            pixels[gone] = pixels[~gone].mean()
        elif gone.any():
            pixels[gone] = self.mean(part if isinstance(part, tuple) else (part,))
        return pixels

    def mean(self, part: tuple[Any, ...]) -> float:
        """Return the mean of some sound pixels of the channel of a part; 0 if it has none."""
        axes = self._damage.source.axes
        at = channel_axis(axes)
        one = at is not None and at < len(part) and isinstance(part[at], int | np.integer)
        channel = int(part[at]) if at is not None and one else None
        if channel not in self._means:
            some = tuple(slice(None, None, max(1, n // (_SIDE if a in "YX" else _PLANES))) for a, n in self._spans())
            here = some if at is None or channel is None else (*some[:at], channel, *some[at + 1 :])
            pixels, gone = self._read(here)
            self._means[channel] = float(pixels[~gone].mean()) if not gone.all() else 0.0
        return self._means[channel]

    def _spans(self) -> zip[tuple[str, int]]:
        return zip(self._damage.source.axes, self.shape, strict=True)

    def _read(self, part: tuple[Any, ...]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return pixels, and which of them are damaged."""
        pixels = np.array(self._damage.source.array[part])
        mask = self._damage.mask
        if tuple(mask.shape) != self.shape:
            axes = self._damage.source.axes
            whole = [*part, *[slice(None)] * (len(axes) - len(part))]
            inside = tuple(p for p, letter in zip(whole, axes, strict=True) if letter in "YX")
            # Of the axes that are left, those that the mask does not have.
            left = [letter for p, letter in zip(whole, axes, strict=True) if not isinstance(p, int | np.integer)]
            others = tuple(at for at, letter in enumerate(left) if letter not in "YX")
            gone = np.broadcast_to(np.expand_dims(np.asarray(mask[inside]) != 0, others), pixels.shape)
        else:
            gone = np.asarray(mask[part]) != 0
        return pixels, np.asarray(gone)


class _Without(_Sound):
    """The same with nan in place of damaged pixels."""

    def __getitem__(self, part: Any) -> NDArray[Any]:
        pixels, gone = self._read(part if isinstance(part, tuple) else (part,))
        return np.where(gone, np.nan, pixels)


class DamagedPlane:
    """One plane in normalised units, in which every hole was filled on its own, whatever part is read.

    Parameters
    ----------
    damage : Damage
        Of the source.
    index : tuple
        Of the plane.
    normalization : Normalization
        To normalised units.
    """

    def __init__(self, damage: Damage, index: PlaneIndex, normalization: Normalization) -> None:
        self._view = damage.source.plane(index)
        self._normalization = normalization
        self.mask = damage.in_plane(index)
        # Where all of a plane is lost, it is taken to be as bright as the others.
        self._level = damage.level(index) if self.mask.all() else normalization.offset
        self._filled: dict[int, Image] = {}

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole plane."""
        return self._view.shape

    @cached_property
    def _holes(self) -> tuple[NDArray[np.int32], list[tuple[slice, slice]]]:
        labels, _ = ndimage.label(self.mask, structure=np.ones((3, 3)))
        return labels, ndimage.find_objects(labels)

    def box(self, region: Box) -> Box | None:
        """Return the smallest box that holds all damaged pixels of a region; None if there are none."""
        inside = self.mask[tuple(slice(*span) for span in region)]
        if not inside.any():
            return None
        spans = []
        for axis, (start, _) in enumerate(region):
            found = np.flatnonzero(inside.any(axis=1 - axis))
            spans.append((start + int(found[0]), start + int(found[-1]) + 1))
        return tuple(spans)

    def __getitem__(self, part: tuple[slice, ...]) -> Image:
        pixels = self._known(part)
        labels, boxes = self._holes
        for number in np.unique(labels[part]):
            if number:
                self._paste(pixels, part, int(number), boxes[number - 1])
        return pixels

    def _known(self, part: tuple[slice, ...]) -> Image:
        pixels = np.array(self._view.array[self._full(part)], dtype=np.float64)
        pixels[self.mask[part]] = self._level
        check_finite(pixels)
        return self._normalization.apply(pixels)

    def _full(self, part: tuple[slice, ...]) -> tuple[Any, ...]:
        inside = iter(part)
        return tuple(next(inside) if isinstance(i, slice) else i for i in self._view.index)

    def _paste(self, pixels: Image, part: tuple[slice, ...], number: int, box: tuple[slice, slice]) -> None:
        if number not in self._filled:
            spans = grown(tuple((b.start, b.stop) for b in box), self.shape, (RIM, RIM))
            around = tuple(slice(*span) for span in spans)
            known, gone = self._known(around), self.mask[around]
            filled = known if gone.all() else fill_smoothly(known, gone)
            inner = tuple(slice(b.start - a.start, b.stop - a.start) for b, a in zip(box, around, strict=True))
            self._filled[number] = filled[inner]
        here = [slice(max(b.start, p.start), min(b.stop, p.stop)) for b, p in zip(box, part, strict=True)]
        target = tuple(slice(h.start - p.start, h.stop - p.start) for h, p in zip(here, part, strict=True))
        source = tuple(slice(h.start - b.start, h.stop - b.start) for h, b in zip(here, box, strict=True))
        mine = self._holes[0][tuple(here)] == number
        pixels[target][mine] = self._filled[number][source][mine]

    def guess(self, tile: Tile) -> Image:
        """Return the filled plane in a tile's window."""
        return read_window(self, tile.window)

    def known(self, tile: Tile) -> Image:
        """Return 1 where pixels in a tile's window are sound."""
        return np.asarray(~read_window(self.mask, tile.window), dtype=np.float32)
