"""Objects as a Labels layer: what is known of each, and colours that show how sure the model is.

All but `import_tables` runs on the GUI thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap, label_colormap
from numpy.typing import NDArray

AUTO = "auto"  # the state of an object that is as the model made it
_COLOURS = 49  # of napari's own label colours
# From doubtful to sure; told apart by people who see red and green alike, and doubtful is what strikes the eye.
_DOUBTFUL, _SURE = np.array([1.0, 0.55, 0.1]), np.array([0.3, 0.55, 1.0])
_UNKNOWN = np.array([0.6, 0.6, 0.6])
_LOWEST = 0.5  # confidence that is as doubtful as can be


def import_tables() -> None:
    """Import what napari keeps the features of a layer in.

    For workers: napari imports it with the first Labels layer, on the GUI thread, and half a second goes by.
    """
    import_module("pandas")


def features_of(objects: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[Any]]:
    """Return the columns of a Labels layer's features, one row per object; ``index`` is the label."""
    labels = np.asarray(objects["label"])
    return {
        "index": labels,
        "area": np.asarray(objects["area"]),
        "confidence": np.asarray(objects["confidence"]),
        "state": np.full(len(labels), AUTO, dtype=object),
    }


def has_confidence(layer: Labels) -> bool:
    """Whether anything is known of how sure the model is of the objects of a layer."""
    confidence = layer.features.get("confidence")
    return confidence is not None and confidence.dtype.kind == "f" and bool(np.isfinite(confidence).any())


def colour_by_confidence(layer: Labels, on: bool) -> None:
    """Colour objects from orange (doubtful) to blue (sure), or each in a colour of its own again."""
    layer.colormap = _confidence_colours(layer) if on else _own_colours()


def is_coloured_by_confidence(layer: Labels) -> bool:
    """Whether `colour_by_confidence` was switched on."""
    return isinstance(layer.colormap, DirectLabelColormap)


def _own_colours() -> CyclicLabelColormap:
    return label_colormap(_COLOURS)


def _confidence_colours(layer: Labels) -> DirectLabelColormap:
    labels = layer.features["index"].to_numpy()
    confidence = layer.features["confidence"].to_numpy(dtype=float)
    share = np.clip((confidence - _LOWEST) / (1 - _LOWEST), 0, 1)[:, None]
    colours = np.where(np.isfinite(share), _DOUBTFUL + np.nan_to_num(share) * (_SURE - _DOUBTFUL), _UNKNOWN)
    opaque = np.concatenate([colours, np.ones((len(colours), 1))], axis=1)
    known = dict(zip(labels.tolist(), opaque, strict=True))
    return DirectLabelColormap(color_dict={**known, 0: np.zeros(4), None: np.array([*_UNKNOWN, 1.0])})
