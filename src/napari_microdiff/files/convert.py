"""From computed pixels back to the type of the input."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FEW_LEVELS = 16  # between which whole numbers would be steps
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


def type_for(levels: tuple[float, float]) -> np.dtype[Any]:
    """Return the smallest type that holds an image whose background and bright objects have such grey levels."""
    dark, bright = levels
    for kind in (np.uint8, np.uint16):
        if dark >= 0 and bright <= np.iinfo(kind).max and bright - dark >= _FEW_LEVELS:
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
