"""What synthesis takes over from a reference image: its style, and its grey levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..engine.request import Request
from ..imaging.axes import Sliceable
from ..imaging.blocks import sample_blocks
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
    source = open_source(Request(axes=axes), image)
    blocks = np.stack([_blocks(source, position) for position in _channels(source)], axis=1)
    check_finite(blocks)
    normalization = Normalization.fit(blocks.reshape(-1, *blocks.shape[2:]))
    style = style_vector(normalization.apply(blocks))
    dark, bright = (normalization.offset + sign * normalization.scale for sign in (-1, 1))
    return Reference(tuple(float(value) for value in style), (dark, bright))


def _channels(source: Source) -> list[int | None]:
    if "S" in source.axes:
        return list(range(source.shape[source.axes.index("S")]))
    return [0] if "C" in source.axes else [None]


def _blocks(source: Source, position: int | None) -> np.ndarray:
    view, axes = channel_view(source, position)
    return sample_blocks(view, axes, count=_BLOCKS, size=_BLOCK_SIDE)
