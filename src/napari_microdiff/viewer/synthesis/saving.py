"""Kept images and their masks as pairs on the disk, in the background."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...engine.events import Progress
from ..words import count
from . import words

if TYPE_CHECKING:
    from ...tasks.variations import Variation

_HOW = {"chosen": "by hand"}


def save_pairs(
    folder: Path,
    variations: Sequence[Variation],
    mask: NDArray[Any],
    name: str,
    style: str | None,
    dtype: np.dtype[Any],
    sizes_um: dict[str, float],
) -> Iterator[Progress | str]:
    """Add pairs to a set, which is begun if there is none.

    Parameters
    ----------
    folder : Path
        Of the set.
    variations : sequence of Variation
        The images.
    mask : ndarray
        What all of them were drawn under.
    name, style : str
        Of the layers of the mask and of the style.
    dtype : dtype
        That images are written in.
    sizes_um : dict
        Size of a pixel.

    Yields
    ------
    Progress, str
        How far it is, and in the end what was done, in words.

    Raises
    ------
    FileError
        If the folder holds something else or cannot be written; pairs that were written stay.
    """
    from ...files.convert import convert
    from ...files.pair_set import Pair, PairSet
    from ...tasks.pairs import facts_of

    pairs = PairSet(folder, "microdiff", _HOW)
    for number, variation in enumerate(variations):
        yield Progress(number, len(variations))
        result = variation.result
        assert result.sample is not None
        axes = result.request.axes or ""
        flat = tuple(slice(None) if letter in "YX" else 0 for letter in axes)
        image = convert(result.sample[flat], dtype)
        labels: NDArray[Any] = mask[flat]
        facts = facts_of(result, name, variation.scores, [name], style)
        pairs.add(Pair(image, labels, facts, sizes_um))
    yield words.SAVED.format(f"{count(len(variations), 'pair')} saved; there are {pairs.accepted}", folder.name)
