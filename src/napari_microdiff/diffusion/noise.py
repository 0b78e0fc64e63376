"""Noise that belongs to positions: a function of the seed and of where a pixel is, not of who asks or in what order.

A counter-based generator (Philox; Salmon et al. 2011) is keyed by the seed and set to the block of pixels, so that the
same noise comes out whatever the tiles, the device or the number of workers, and a part can be computed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from itertools import product

import numpy as np
from numpy.typing import NDArray

BLOCK = 64
_BITS = 32


class Stream(IntEnum):
    """Streams of noise that no sampler uses; the samplers' own are numbered from 0 and do not come this far."""

    PHOTONS = 2**40  # of a camera over a drawn image
    READ = 2**40 + 1  # of the same
    START = 2**40 + 2  # over what sampling begins with; a stream for each pair of samples from here on
    RECORDED = 2**41  # over repaired pixels


def antithetic(sample: int) -> tuple[int, float]:
    """Return the number of a sample's pair and the sign of its noise, in which alone the samples of a pair differ."""
    pair, second = divmod(sample, 2)
    return pair, -1.0 if second else 1.0


def _block(seed: int, stream: int, plane: int, corner: tuple[int, ...]) -> NDArray[np.float32]:
    *depth, row, column = corner
    counter = [0, (row << _BITS) | column, depth[0] if depth else 0, plane]
    bits = np.random.Philox(key=[seed, stream], counter=counter)
    return np.random.Generator(bits).standard_normal((BLOCK, BLOCK), dtype=np.float32)


def positional_noise(
    seed: int, stream: int, plane: int, start: Sequence[int], stop: Sequence[int]
) -> NDArray[np.float32]:
    """Return unit normal noise of the box from ``start`` to ``stop``.

    Parameters
    ----------
    seed : int
        From 0 to 2**63 - 1.
    stream : int
        Tells apart independent draws at one position, such as steps and samples.
    plane : int
        Number of the plane (or volume) within the array: time point, channel and so on.
    start, stop : sequence of int
        Two (y, x) or three (z, y, x) coordinates; ``start`` at least 0.

    Returns
    -------
    ndarray of float32
        Shape ``stop - start``.
    """
    shape = tuple(b - a for a, b in zip(start, stop, strict=True))
    noise = np.empty(shape, dtype=np.float32)
    # Blocks are squares in y and x, and single planes in z.
    sizes = (*([1] * (len(shape) - 2)), BLOCK, BLOCK)
    spans = [range(a // size, -(-b // size)) for a, b, size in zip(start, stop, sizes, strict=True)]
    for corner in product(*spans):
        low = [max(c * size, a) for c, size, a in zip(corner, sizes, start, strict=True)]
        high = [min((c + 1) * size, b) for c, size, b in zip(corner, sizes, stop, strict=True)]
        into = tuple(slice(lo - a, hi - a) for lo, hi, a in zip(low, high, start, strict=True))
        out_of = tuple(
            slice(lo - c * BLOCK, hi - c * BLOCK) for lo, hi, c in zip(low[-2:], high[-2:], corner[-2:], strict=True)
        )
        noise[into] = _block(seed, stream, plane, corner)[out_of]
    return noise
