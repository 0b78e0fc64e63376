"""How the pixels of a result lie on those of the image that it was made from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .axes import Region

_SQUARE = 0.01  # share by which the sides of a pixel may differ
_OBLONG = 0.02  # share by which they differ of a pixel that makes no cube


@dataclass(frozen=True)
class Finer:
    """How the pixels of a result lie on those of its image.

    Attributes
    ----------
    factor : int
        Pixels of the result along one of the image.
    along : str
        The axes for which this holds; along all others there are as many.
    between : bool
        Whether the pixels of the image stay where they are and others are put between them, instead of each being cut
        into several.
    """

    factor: int = 1
    along: str = "YX"
    between: bool = False

    def region(self, region: Region, axes: str) -> Region:
        """Return a region of the image in pixels of the result."""
        factor = self.factor
        spans = []
        for (start, stop), letter in zip(region, axes, strict=True):
            if letter not in self.along:
                spans.append((start, stop))
            elif self.between:
                spans.append((start * factor, (stop - 1) * factor + 1))
            else:
                spans.append((start * factor, stop * factor))
        return tuple(spans)

    def strides(self, axes: str) -> tuple[float, ...]:
        """Return how many pixels of the image one of the result spans, per axis."""
        return tuple(1 / self.factor if letter in self.along else 1.0 for letter in axes)

    def sizes(self, sizes: Mapping[str, float]) -> dict[str, float]:
        """Return the size of a pixel of the result from that of the image, by axis."""
        return {letter: size / (self.factor if letter in self.along else 1) for letter, size in sizes.items()}

    def centres(self, pixels: Sequence[float], axes: str) -> tuple[float, ...]:
        """Return where in the image, in its pixels, the centre of a pixel of the result lies; one number per axis."""
        lies = zip(pixels, self.strides(axes), strict=True)
        return tuple(at * stride + (0 if self.between else (stride - 1) / 2) for at, stride in lies)


def slice_distance(sizes: Mapping[str, float]) -> int | None:
    """Return the distance of slices in pixels, to the nearest whole number; None if the sizes do not tell it.

    Parameters
    ----------
    sizes : mapping of str to float
        Of a pixel along Z, Y and X, in one unit.
    """
    if not all(sizes.get(letter, 0) > 0 for letter in "ZYX"):
        return None
    return max(1, round(sizes["Z"] / math.sqrt(sizes["Y"] * sizes["X"])))


def magnified(region: Region, axes: str, factor: int) -> Region:
    """Return a region in pixels that are finer along Y and X by a factor."""
    return Finer(factor).region(region, axes)


def square_pixel(sizes: Mapping[str, float]) -> float | None:
    """Return the side of a pixel from its sizes along Y and X; ``None`` if they are not told or it is no square."""
    height, width = sizes.get("Y"), sizes.get("X")
    return height if height and width and abs(height / width - 1) < _SQUARE else None


def is_oblong(sizes: Mapping[str, float]) -> bool:
    """Return whether the sizes of a pixel along Y and X are told and so different that no voxel of it is a cube."""
    height, width = sizes.get("Y"), sizes.get("X")
    return bool(height and width and max(height, width) / min(height, width) - 1 > _OBLONG)
