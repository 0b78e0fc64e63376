"""A copy in memory of objects that cannot be written where they are: on disk, computed when asked for, or read-only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from ..layers import placement


def unfit(layer: Labels) -> str:
    """Return why the objects of a layer cannot be corrected in place, or nothing if they can."""
    data = layer.data
    if layer.multiscale or not isinstance(data, np.ndarray) or not data.flags.writeable:
        return f"'{layer.name}' cannot be written in place."
    return ""


def pixels(data: Any) -> Iterator[NDArray[np.integer]]:
    """Read all labels of a layer's data; for a worker."""
    yield np.array(data)


def copy_of(layer: Labels, labels: NDArray[np.integer]) -> Labels:
    """Return a layer that lies where another does, with the same colours and all that is known of its objects."""
    return Labels(
        labels,
        name=f"{layer.name} (corrected)",
        features=layer.features,
        metadata=dict(layer.metadata),
        colormap=layer.colormap,
        **placement(layer),
    )
