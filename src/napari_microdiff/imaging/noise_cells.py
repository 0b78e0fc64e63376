"""Cells of an image: what each tells of brightness and noise, and which of them to go by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]

SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0]) / np.sqrt(6)  # along both axes: the filter of Immerkaer (1996)
_CELL = 8
_LEAST = 0.125  # of the values of a cell


@dataclass(frozen=True)
class Cells:
    """Statistics of cells: mean, noise variance, shares of pixels at the lowest, next and highest value."""

    structured: bool  # whether structure may have raised some of the variances
    freedom: float  # degrees of freedom of each variance, were the noise Gaussian
    mean: _Array
    variance: _Array
    lowest: _Array
    second: _Array
    highest: _Array

    def where(self, chosen: NDArray[np.bool_ | np.intp]) -> Cells:
        """Return some of the cells."""
        parts = (self.mean, self.variance, self.lowest, self.second, self.highest)
        return Cells(self.structured, self.freedom, *(part[chosen] for part in parts))


def cells_of(
    means: _Array, variances: _Array, pixels: _Array, border: int, freedom: float | None, *, along: int = 2
) -> Cells:
    """Average over cells.

    Parameters
    ----------
    means, variances : ndarray of float64, shape (block, y, x)
        Of each pixel; nan where there is none.
    pixels : ndarray, shape (block, frame, y, x)
        Those to be looked at for clipping, mapped to 0 to 1.
    border : int
        Pixels at each side that are left out.
    freedom : float or None
        Degrees of freedom of each of the variances; ``None`` if they are squares of what was filtered.
    along : int
        Along how many axes that was.
    """
    cell = min(_CELL, *(side - 2 * border for side in means.shape[1:]))
    if cell < 1:
        return Cells(False, 1.0, *[np.empty(0)] * 5)
    above = pixels[pixels > 0]
    second = above.min() if above.size else 0.0
    clipped = [np.where(np.isnan(means), np.nan, (pixels == value).mean(axis=1)) for value in (0.0, second, 1.0)]
    averages = [_average(part, cell, border) for part in (means, variances, *clipped)]
    there = _average(np.isfinite(variances).astype(np.float64), cell, border)  # as a share of all values
    kept = _measurable(there)
    share = float(there[kept].mean()) if kept.any() else 1.0
    structured = freedom is None
    of_all = _filter_freedom(cell, along) if freedom is None else freedom * cell**2
    return Cells(structured, of_all * share, *averages).where(kept)


def _average(blocks: _Array, cell: int, border: int) -> _Array:
    """Return the mean of each cell over the values that there are."""
    rows, columns = ((side - 2 * border) // cell for side in blocks.shape[1:])
    inner = blocks[:, border : border + rows * cell, border : border + columns * cell]
    cells = inner.reshape(-1, rows, cell, columns, cell)
    there = np.isfinite(cells)
    share = there.mean(axis=(2, 4))
    filled = cells if there.all() else np.where(there, cells, 0)
    return np.asarray((filled.mean(axis=(2, 4)) / np.where(share > 0, share, np.nan)).ravel())


def _measurable(share: _Array) -> NDArray[np.bool_]:
    """Return which cells to go by: those without a gap, or, where there are hardly any, those with enough values."""
    whole = share == 1
    return whole if _are_enough(whole) else share >= _LEAST


@lru_cache
def _filter_freedom(cell: int, along: int = 2) -> float:
    """Degrees of freedom of the mean square of filtered white noise over a cell, whose pixels are correlated.

    The filter goes along both axes, or along one.
    """
    correlation = np.correlate(SECOND_DIFFERENCE, SECOND_DIFFERENCE, "full")
    lag = np.abs(np.arange(-2, 3))
    correlated = float((np.maximum(1 - lag / cell, 0) * correlation**2).sum())
    return float((cell / correlated) ** along * cell ** (2 - along))


def unclipped(cells: Cells) -> Cells:
    """Leave out cells at the ends of the range of grey levels, where the noise is cut off."""
    kept = cells.highest <= 0.02
    # In an image of single photons 0 is an honest value: most of its pixels above 0 hold one photon, so they share
    # the second level. Of clipped noise only few do.
    part = (cells.lowest > 0.3) & (cells.lowest < 0.9)
    single = cells.second[part].sum() > 0.3 * (1 - cells.lowest[part]).sum() if part.any() else False
    if not single:
        kept &= cells.lowest <= 0.02
    return cells.where(kept) if _are_enough(kept) else cells


def _are_enough(kept: NDArray[np.bool_]) -> bool:
    return bool(kept.sum() >= max(64, 0.05 * kept.size))
