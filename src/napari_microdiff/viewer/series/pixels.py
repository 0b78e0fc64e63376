"""Small views of large images: the range of their values, and thumbnails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import MicrodiffError
from ...files import Picture, read_image
from ...files.series import Series

SIDE = 44  # of a thumbnail
_FINE = 2 * SIDE  # for screens with two pixels in one
_SAMPLED = 250_000  # pixels of which the range is taken
_RANGE = (0.1, 99.9)


def display_limits(picture: Picture) -> tuple[float, float] | None:
    """Return the values between which nearly all pixels of a grey image lie; None if it has no such range."""
    if picture.rgb:
        return None
    step = max(1, int(np.ceil((picture.array.size / _SAMPLED) ** (1 / picture.array.ndim))))
    return _range(np.asarray(picture.array[(slice(None, None, step),) * picture.array.ndim]))


def thumbnails(series: Series, names: list[str]) -> Iterator[dict[str, NDArray[np.uint8] | None]]:
    """Return a small picture (height, width, 3) of each image; None of those that cannot be read. Runs in a worker."""
    made: dict[str, NDArray[np.uint8] | None] = {}
    for name in names:
        try:
            made[name] = thumbnail(read_image(series.path(name)))
        except MicrodiffError:
            made[name] = None
    yield made


def thumbnail(picture: Picture) -> NDArray[np.uint8]:
    """Return a small picture of an image: the middle plane of a stack, the first of several channels."""
    index: list[Any] = []
    for letter, length in zip(picture.axes, picture.shape, strict=True):
        fine = slice(None, None, max(1, length // _FINE))
        index.append(fine if letter in "YX" else slice(0, 3) if letter == "S" else 0 if letter == "C" else length // 2)
    small = np.asarray(picture.array[tuple(index)])
    low, high = _range(small) or (0.0, 1.0)
    if picture.rgb and small.dtype == np.uint8:
        low, high = 0.0, 255.0
    grey = np.clip((np.nan_to_num(small.astype(np.float32)) - low) / (high - low), 0, 1)
    colours = grey if picture.rgb else np.repeat(grey[..., None], 3, axis=-1)
    return np.ascontiguousarray(np.rint(255 * colours).astype(np.uint8))


def _range(values: NDArray[Any]) -> tuple[float, float] | None:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    low, high = (float(value) for value in np.percentile(finite, _RANGE))
    if low == high:
        low, high = float(finite.min()), float(finite.max())
    return (low, high) if low < high else None
