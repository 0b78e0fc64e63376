"""What synthesis takes over from a reference image: its style, and its grey levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..engine.request import Request
from ..imaging.axes import Sliceable
from ..imaging.blocks import sample_blocks
from ..imaging.faults import Faults
from ..imaging.intensity import Normalization
from ..imaging.style import style_vector
from .base import Source, check_finite, open_source
from .statistics import channel_view

_BLOCKS, _BLOCK_SIDE = 24, 192


@dataclass(frozen=True)
class Reference:
    """The style of an image, ready for `engine.request.SynthesizeOptions`.

    Attributes
    ----------
    style : tuple of float
        See `imaging.style.style_vector`.
    levels : (float, float)
        Grey levels that its content lies between.
    """

    style: tuple[float, ...]
    levels: tuple[float, float]


def reference_of(image: Sliceable, *, axes: str | None = None) -> Reference:
    """Measure the style of an image, from blocks that are spread over all of it.

    Parameters
    ----------
    image : array-like
        Any real type, two to six axes. In colours all of them count; of several channels the first does.
    axes : str, optional
        One letter per axis; ``None`` guesses from the shape.

    Raises
    ------
    ImageError, RequestError
        If the image is unusable or the axes do not fit it.
    """
    blocks = _blocks(image, axes)
    normalization = Normalization.fit(blocks.reshape(-1, *blocks.shape[2:]))
    dark, bright = (normalization.offset + sign * normalization.scale for sign in (-1, 1))
    return Reference(_style(blocks, normalization), (dark, bright))


def style_between(image: Sliceable, levels: tuple[float, float], *, axes: str | None = None) -> tuple[float, ...]:
    """Measure the style of an image in the units of a reference, whose grey levels are given.

    Raises
    ------
    ImageError, RequestError
        As of `reference_of`.
    """
    return _style(_blocks(image, axes), between(levels))


def between(levels: tuple[float, float]) -> Normalization:
    """Return the map that takes these grey levels to -1 and 1."""
    dark, bright = levels
    return Normalization((dark + bright) / 2, (bright - dark) / 2)


def _style(blocks: NDArray[np.float64], normalization: Normalization) -> tuple[float, ...]:
    return tuple(float(value) for value in style_vector(normalization.apply(blocks)))


def _blocks(image: Sliceable, axes: str | None) -> NDArray[np.float64]:
    """Return blocks of shape (count, channels, y, x)."""
    source = open_source(Request(axes=axes), image)
    blocks = np.stack([_blocks_of(source, position) for position in _channels(source)], axis=1)
    check_finite(blocks)
    for channel in range(blocks.shape[1]):
        blocks[:, channel] = Faults.of(blocks[:, channel]).mended(blocks[:, channel])
    return blocks


def _channels(source: Source) -> list[int | None]:
    if "S" in source.axes:
        return list(range(source.shape[source.axes.index("S")]))
    return [0] if "C" in source.axes else [None]


def _blocks_of(source: Source, position: int | None) -> NDArray[np.float64]:
    view, axes = channel_view(source, position)
    return sample_blocks(view, axes, count=_BLOCKS, size=_BLOCK_SIDE)
