"""What in an image is none of it: hot and dead pixels of the camera, blank margins, burnt-in bars.

One pixel can be hundreds of times as bright as all else, and the margin of a stitched or turned image is often black
where the camera's black is a hundred grey levels. Then these are what range, noise and spectrum seem to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_USUAL = 99.5  # percentile of how far pixels lie from their neighbours, up to which hot ones do not matter
_FAR = 10.0  # times as far; 28 standard deviations of Gaussian noise
_SPREAD = 0.1  # of how far it stands out; a point seen through optics is spread more over its neighbours
_POINTS, _POINTS_PER_HOT = 3, 0.2  # hot pixels beside each other are fewer
_BRIGHTER = 3.0  # than points that lie between pixels; in the middle of one, such a point has up to twice as much there
_BLANK_GAP, _GAP = 0.5, 4.0  # of the range of all others: between them and one value, and between them and a few pixels
_FEW = 0.01  # of all pixels
_BLANK = 16  # pixels of one value, at least
_MOST_OF = 0.998  # of the others, whose range it is
_DISTINCT = 8  # values, fewer of which are no range
_MOST_GROUPS = 4


@dataclass(frozen=True)
class Faults:
    """How to tell what is none of an image.

    Attributes
    ----------
    stands_out : float
        By how much a hot or dead pixel stands out of its eight neighbours, at least.
    low, high : float
        The image lies between them.
    below, above : float
        What is beyond at either end is taken for these, the least and the most that was seen of the image itself.

    All in the units of the image, and infinite where nothing was found.
    """

    stands_out: float = np.inf
    low: float = -np.inf
    high: float = np.inf
    below: float = -np.inf
    above: float = np.inf

    @classmethod
    def of(cls, blocks: NDArray[np.floating]) -> Faults:
        """Look for faults in parts of an image, shape (count, y, x), all finite.

        A pixel is hot, or dead, if it stands far out of all its neighbours, while these hardly differ: a point is
        spread over its neighbours by the optics. Where pixels are coarser than these, a point in the middle of one is
        not; but then others lie between pixels, and what is not far brighter than these is no hot pixel. Blank is a
        value that is far from all others, and beyond the range are a few pixels of values very far from all others.
        """
        stands_out = _hot_limit(blocks)
        return cls(stands_out, *_range_of(_without_hot(blocks, stands_out)))

    @property
    def any_hot(self) -> bool:
        """Whether there are hot or dead pixels."""
        return bool(np.isfinite(self.stands_out))

    @property
    def any_beyond(self) -> bool:
        """Whether there are values beyond the range of the image."""
        return bool(np.isfinite([self.low, self.high]).any())

    def mended(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return an image, shape (..., y, x), without what is none of it.

        Hot pixels, and lines one pixel wide of what is beyond the range, have the median of their neighbours; where
        more is beyond, it has the end of the range.
        """
        planes = pixels.reshape(-1, *pixels.shape[-2:])
        mended = _without_hot(planes, self.stands_out)
        if self.any_beyond:
            out = self._out(mended)
            thin = _thin(out)
            bounded = np.where(mended < self.low, self.below, np.where(mended > self.high, self.above, mended))
            bounded[thin] = np.nanmedian([part[thin] for part in _neighbours(_padded(mended, out))], axis=0)
            mended = bounded.astype(pixels.dtype, copy=False)
        return mended.reshape(pixels.shape)

    def beyond(self, pixels: NDArray[Any]) -> NDArray[np.bool_]:
        """Return where an image, shape (..., y, x), is beyond its range over more than a line."""
        out = self._out(_without_hot(pixels.reshape(-1, *pixels.shape[-2:]), self.stands_out))
        return np.asarray((out & ~_thin(out)).reshape(pixels.shape))

    def _out(self, planes: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray((planes < self.low) | (planes > self.high))


class _Around(NamedTuple):
    """Of the eight neighbours of each pixel."""

    lowest: NDArray[np.floating]
    highest: NDArray[np.floating]
    sum: NDArray[np.floating]

    @classmethod
    def of(cls, padded: NDArray[np.floating]) -> _Around:
        return cls(*(_joined(padded, join) for join in (np.minimum, np.maximum, np.add)))

    def stands_out(self, planes: NDArray[Any], limit: float) -> NDArray[np.bool_]:
        """Return which pixels stand out by more than a limit of neighbours that hardly differ."""
        out = np.maximum(planes - self.highest, self.lowest - planes)
        return np.asarray((out > limit) & (self.highest - self.lowest <= _SPREAD * out + limit / _FAR))


def _joined(padded: NDArray[np.floating], join: np.ufunc) -> NDArray[np.floating]:
    rows = join(join(padded[:, :, :-2], padded[:, :, 1:-1]), padded[:, :, 2:])
    joined = join(rows[:, :-2], rows[:, 2:])
    join(joined, padded[:, 1:-1, :-2], out=joined)
    return np.asarray(join(joined, padded[:, 1:-1, 2:], out=joined))


def _hot_limit(blocks: NDArray[np.floating]) -> float:
    if min(blocks.shape[1:]) < 3:
        return np.inf
    around = _Around.of(_padded(blocks))
    # Without the extremes the mean of its neighbours does not feel that one of them is hot.
    mean = (around.sum - around.lowest - around.highest) / 6
    usual = float(np.percentile(np.abs(blocks - mean), _USUAL))
    limit = _FAR * usual
    if not usual:
        return np.inf
    hot = around.stands_out(blocks, limit)
    limit = max(limit, _BRIGHTER * _points_between((blocks - mean)[~hot], limit, int(hot.sum())))
    return limit if around.stands_out(blocks, limit).any() else np.inf


def _points_between(brighter: NDArray[np.floating], limit: float, hot: int) -> float:
    """Return by how much points that lie between pixels are brighter than what is around them, 0 if there are none.

    Parameters
    ----------
    brighter : ndarray
        By how much all pixels are that are not taken for hot.
    limit : float
        From which on they count.
    hot : int
        How many pixels are taken for hot.
    """
    points = np.sort(brighter[brighter > limit])[::-1]
    enough = max(_POINTS, int(np.ceil(_POINTS_PER_HOT * hot)))
    return float(points[enough - 1]) if points.size >= enough else 0.0


def _without_hot(planes: NDArray[Any], limit: float) -> NDArray[Any]:
    if not np.isfinite(limit) or min(planes.shape[1:]) < 2:
        return planes
    padded = _padded(planes)
    hot = _Around.of(padded).stands_out(padded[:, 1:-1, 1:-1], limit)
    mended = planes.copy()
    mended[hot] = np.median([part[hot] for part in _neighbours(padded)], axis=0).astype(planes.dtype)
    return mended


def _thin(out: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which of the pixels lie between two others, one on either side."""
    if min(out.shape[1:]) < 2:
        return np.zeros_like(out)
    inside = np.pad(~out, ((0, 0), (1, 1), (1, 1)), mode="reflect")
    up_and_down = inside[:, :-2, 1:-1] & inside[:, 2:, 1:-1]
    left_and_right = inside[:, 1:-1, :-2] & inside[:, 1:-1, 2:]
    return np.asarray(out & (up_and_down | left_and_right))


def _padded(planes: NDArray[Any], without: NDArray[np.bool_] | None = None) -> NDArray[np.floating]:
    numbers = planes if planes.dtype.kind == "f" else planes.astype(np.float64)
    if without is not None:
        numbers = np.where(without, np.nan, numbers)
    return np.pad(numbers, ((0, 0), (1, 1), (1, 1)), mode="reflect")


def _neighbours(padded: NDArray[np.floating]) -> list[NDArray[np.floating]]:
    """Return for each pixel its eight neighbours, as views."""
    height, width = (n - 2 for n in padded.shape[1:])
    shifts = [(y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    return [padded[:, y : y + height, x : x + width] for y, x in shifts]


def _range_of(blocks: NDArray[np.floating]) -> tuple[float, float, float, float]:
    """Return between which values the image lies, and its least and most; infinite where nothing is beyond."""
    ends = blocks[(blocks == blocks.min()) | (blocks == blocks.max())]
    values = np.sort(np.concatenate([blocks[:, ::2, ::2].ravel(), ends]))
    first, last = 0, len(values) - 1
    for _ in range(_MOST_GROUPS):
        place = first + int(np.argmax(np.diff(values[first : last + 1]))) if last > first else last
        if place == last:
            break
        if _is_apart(values[first : place + 1], values[place + 1 : last + 1], len(values)):
            first = place + 1
        elif _is_apart(-values[last:place:-1], -values[first : place + 1][::-1], len(values)):
            last = place
        else:
            break
    if first == 0 and last == len(values) - 1:
        return -np.inf, np.inf, -np.inf, np.inf
    low = values[first - 1 : first + 1].mean() if first else -np.inf
    high = values[last : last + 2].mean() if last < len(values) - 1 else np.inf
    return float(low), float(high), float(values[first]), float(values[last])


def _is_apart(below: NDArray[np.floating], above: NDArray[np.floating], count: int) -> bool:
    """Whether sorted values are none of the image that the values above them are of."""
    gap, span = above[0] - below[-1], above[int(_MOST_OF * (len(above) - 1))] - above[0]
    if span <= 0 or np.unique(above[:: max(1, len(above) // 1000)]).size < _DISTINCT:
        return False
    blank = below[0] == below[-1] and len(below) >= _BLANK
    return bool((blank and gap > _BLANK_GAP * span) or (len(below) < _FEW * count and gap > _GAP * span))
