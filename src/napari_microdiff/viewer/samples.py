"""Sample data for napari's menu: scikit-image's bundled images made noisy, and simulated ones.

Each comes with what it would be without noise, as a hidden layer below it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging.samples import SAMPLES, noisy_sample
from ..imaging.tissue import tissue_volume

LayerData = tuple[NDArray[Any], dict[str, Any], str]

# Micrometres along each axis, of the samples that have a size.
_SLICES_UM = 0.01
_PIXEL_UM = {"filaments": (0.1, 0.1), "nuclei": (0.3, 0.3), "nuclei-stack": (0.6, 0.3, 0.3)}


def noisy_cell() -> list[LayerData]:
    """Return a floating cell, uint8."""
    return _layers("cell")


def noisy_tissue() -> list[LayerData]:
    """Return stained tissue in colour, uint8."""
    return _layers("tissue")


def simulated_filaments() -> list[LayerData]:
    """Return filaments and vesicles, uint16."""
    return _layers("filaments")


def simulated_nuclei() -> list[LayerData]:
    """Return nuclei, uint16."""
    return _layers("nuclei")


def simulated_stack() -> list[LayerData]:
    """Return a z-stack of nuclei, uint16."""
    return _layers("nuclei-stack")


def simulated_slices() -> list[LayerData]:
    """Return slices of tissue, 5 pixels apart, uint8; the volume that they are from lies below."""
    volume = tissue_volume()
    told = {"units": ("micrometer",) * 3, "axis_labels": tuple("zyx"), "contrast_limits": (0, 255)}
    apart = 5
    return [
        (volume, {"name": "tissue slices (truth)", "visible": False, "scale": (_SLICES_UM,) * 3, **told}, "image"),
        (
            volume[::apart],
            {"name": "tissue slices", "scale": (apart * _SLICES_UM, _SLICES_UM, _SLICES_UM), **told},
            "image",
        ),
    ]


def _layers(name: str) -> list[LayerData]:
    noisy, truth = noisy_sample(name)
    axes = SAMPLES[name].axes
    shared: dict[str, Any] = {"rgb": "S" in axes}
    if "S" in axes:
        truth = np.clip(np.rint(truth), 0, 255).astype(np.uint8)  # as napari shows colours
    else:
        low, high = np.percentile(noisy, (0.5, 99.9))
        shared["contrast_limits"] = (float(low), float(high))
    if name in _PIXEL_UM:
        shared["scale"] = _PIXEL_UM[name]
        shared["units"] = ("micrometer",) * len(axes)
        shared["axis_labels"] = tuple(axes.lower())
    return [
        (truth, {"name": f"{name} (truth)", "visible": False, **shared}, "image"),
        (noisy, {"name": name, **shared}, "image"),
    ]
