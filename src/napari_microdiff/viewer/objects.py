"""Objects as a Labels layer: what is known of each, and colours that show how sure the model is.

All but `import_tables` runs on the GUI thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap, label_colormap
from numpy.typing import NDArray

AUTO = "auto"  # the state of an object that is as the model made it
_COLOURS = 49  # of napari's own label colours
# From doubtful to sure; told apart by people who see red and green alike, and doubtful is what strikes the eye.
_DOUBTFUL, _SURE = np.array([1.0, 0.55, 0.1]), np.array([0.3, 0.55, 1.0])
_UNKNOWN = np.array([0.6, 0.6, 0.6])
_LOWEST = 0.5  # confidence that is as doubtful as can be
_NAME = "napari-microdiff confidence"  # of the colours
_BEFORE: WeakKeyDictionary[Labels, Any] = WeakKeyDictionary()  # the colours of layers that are coloured by it now


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
    """Colour objects from orange (doubtful) to blue (sure), or as they were before."""
    coloured = is_coloured_by_confidence(layer)
    if on:
        if not coloured:
            _BEFORE[behind_proxy(layer)] = layer.colormap
        layer.colormap = _confidence_colours(layer)
    elif coloured:
        layer.colormap = _BEFORE.pop(layer, label_colormap(_COLOURS))


def behind_proxy(layer: Labels) -> Labels:
    """Return a layer itself, to remember something of it: the proxies that napari gives to plugins come and go."""
    found: Labels = getattr(layer, "__wrapped__", layer)
    return found


def is_coloured_by_confidence(layer: Labels) -> bool:
    """Whether `colour_by_confidence` was switched on."""
    return bool(layer.colormap.name == _NAME)  # for others give objects colours, too


def _confidence_colours(layer: Labels) -> DirectLabelColormap:
    labels = layer.features["index"].to_numpy()
    confidence = layer.features["confidence"].to_numpy(dtype=float)
    share = np.clip((confidence - _LOWEST) / (1 - _LOWEST), 0, 1)[:, None]
    colours = np.where(np.isfinite(share), _DOUBTFUL + np.nan_to_num(share) * (_SURE - _DOUBTFUL), _UNKNOWN)
    opaque = np.concatenate([colours, np.ones((len(colours), 1))], axis=1)
    known = dict(zip(labels.tolist(), opaque, strict=True))
    colours_of = {**known, 0: np.zeros(4), None: np.array([*_UNKNOWN, 1.0])}
    return DirectLabelColormap(color_dict=colours_of, name=_NAME)
