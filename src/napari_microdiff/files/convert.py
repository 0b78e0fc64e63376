"""From computed pixels back to the type of the input."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW_LEVELS = 16  # between which whole numbers would be steps
# How far grey levels reach below and above those that are named, in parts of the span between them: the background
# scatters, and a few objects are brighter than most.
_BELOW, _ABOVE = 0.25, 1.0
_DEVIATIONS = 4  # of the camera's noise
_BLOCK = 2**20  # pixels that are converted at once, so that no second copy of a large plane is made


def convert(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return ``values`` as ``dtype``: rounded for integers, clipped to the range of the type.

    Parameters
    ----------
    values : ndarray
        Real numbers of any type.
    dtype : dtype
        A real or boolean type. Values above one half are true.

    Returns
    -------
    ndarray
        Same shape; NaN becomes 0 in types that have none.
    """
    if values.dtype == dtype:
        return values
    result = np.empty(values.shape, dtype)
    rows = max(1, _BLOCK // max(1, int(np.prod(values.shape[1:]))))
    for start in range(0, len(values), rows):
        block = slice(start, start + rows)
        result[block] = _convert_block(np.asarray(values[block], np.float64), dtype)
    return result


def type_for(levels: tuple[float, float], *, ends: bool = False, noise: float = 0.0) -> np.dtype[Any]:
    """Return the smallest type that holds an image whose background and bright objects have such grey levels, about.

    Parameters
    ----------
    levels : (float, float)
    ends : bool
        Whether they end there, as colours do at white; else they reach beyond.
    noise : float
        Standard deviation of what a camera adds, in grey levels.
    """
    dark, bright = levels
    span = 0.0 if ends else bright - dark
    lowest, highest = dark - _BELOW * span - _DEVIATIONS * noise, bright + _ABOVE * span + _DEVIATIONS * noise
    return _whole_numbers(lowest, highest) if bright - dark >= FEW_LEVELS else np.dtype(np.float32)


def _whole_numbers(lowest: float, highest: float) -> np.dtype[Any]:
    for kind in (np.uint8, np.uint16):
        if lowest >= 0 and highest <= np.iinfo(kind).max:
            return np.dtype(kind)
    return np.dtype(np.float32)


def _convert_block(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "b":
        return values > 0.5
    if dtype.kind == "f":
        limit = float(np.finfo(dtype).max)
        return np.clip(values, -limit, limit)
    limits = np.iinfo(dtype)
    low, high = float(limits.min), float(limits.max)
    if int(high) > limits.max:  # 2**63 - 1 is not a double; the next one above it would overflow
        high = float(np.nextafter(high, 0))
    return np.clip(np.rint(np.nan_to_num(values, nan=0.0, posinf=high, neginf=low)), low, high)
