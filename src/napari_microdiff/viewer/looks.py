"""How a result looks: like its source where it has the same units, else as what it shows asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from .objects import features_of

if TYPE_CHECKING:
    from .layers import LayerSource

# Depth in objects and contact between them: -1 is outside, 1 as deep, or as close, as can be.
DEPTH: dict[str, Any] = {
    "rgb": False,
    "colormap": "viridis",
    "contrast_limits": (-1.0, 1.0),
    "blending": "additive",
    "opacity": 0.7,
}


class LayerData(NamedTuple):
    """The pixels as napari can show them, the kind of layer, and what that is called with."""

    data: NDArray[Any]
    arguments: dict[str, Any]
    kind: type[Layer] = Image


def appearance(layer: Image) -> dict[str, Any]:
    """Return the arguments that make an array of the same units look like ``layer``."""
    same = {
        "blending": layer.blending,
        "opacity": layer.opacity,
        "interpolation2d": layer.interpolation2d,
        "interpolation3d": layer.interpolation3d,
        "rendering": layer.rendering,
        "attenuation": layer.attenuation,
        "iso_threshold": layer.iso_threshold,
        "depiction": layer.depiction,
    }
    if layer.rgb:
        return {**same, "rgb": True}
    limits = tuple(layer.contrast_limits)
    return {**same, "rgb": False, "colormap": layer.colormap, "contrast_limits": limits, "gamma": layer.gamma}


def cuts(
    layer: Image | Labels, start: tuple[float, ...] | None = None, stride: tuple[float, ...] | None = None
) -> dict[str, Any]:
    """Return the arguments that cut an array in 3D where a layer is cut, by planes that napari keeps in pixels.

    Parameters
    ----------
    layer : Image or Labels
        The layer that the array lies over.
    start, stride : tuple of float, optional
        Where it lies, see `layers.placement`.
    """
    first, step = _of_3d(start, 0), _of_3d(stride, 1)

    def moved(plane: Any) -> tuple[dict[str, Any], float]:
        position = (np.asarray(plane.position) - first) / step
        normal = np.asarray(plane.normal) * step
        return {**dict(plane), "position": tuple(position), "normal": tuple(normal)}, float(np.linalg.norm(normal))

    shown, step_across = moved(layer.plane)
    return {
        "experimental_clipping_planes": [moved(plane)[0] for plane in layer.experimental_clipping_planes],
        "plane": {**shown, "thickness": layer.plane.thickness / step_across},
    }


def _of_3d(numbers: tuple[float, ...] | None, missing: float) -> NDArray[np.float64]:
    """Return the numbers of the last three axes, which napari shows in 3D."""
    return np.array([missing, missing, missing, *(numbers or ())], dtype=float)[-3:]


def layer_data(
    output: str, array: NDArray[Any], source: LayerSource, objects: Mapping[str, NDArray[np.generic]]
) -> LayerData:
    """Return how one output of a result is shown.

    Parameters
    ----------
    output : str
        "mean", "sample", "uncertainty", "residual", "labels", "depth" or "contact".
    array : ndarray
        Its pixels.
    source : LayerSource
        What it was made from.
    objects : mapping of str to ndarray
        What is known of each object.
    """
    rgb = source.rgb
    if output == "labels":
        return LayerData(array, {"features": features_of(objects)}, Labels)
    if output in ("depth", "contact"):
        return LayerData(array, dict(DEPTH))
    if output == "uncertainty":
        grey = _over_samples(array) if rgb else array
        return LayerData(grey, _uncertainty_arguments(grey))
    if output == "residual":
        grey = array.mean(axis=-1) if rgb else array
        return LayerData(grey, _residual_arguments(grey))
    return LayerData(displayable(array, source.dtype) if rgb else array, source.appearance())


def _uncertainty_arguments(grey: NDArray[np.float32]) -> dict[str, Any]:
    step = max(1, round((grey.size / 1e6) ** (1 / grey.ndim)))
    high = float(np.percentile(grey[(slice(None, None, step),) * grey.ndim], 99)) if grey.size else 0.0
    return {
        "rgb": False,
        "colormap": "magma",
        "contrast_limits": (0.0, high if high > 0 else 1.0),
        "blending": "translucent",
    }


def _residual_arguments(grey: NDArray[np.float32]) -> dict[str, Any]:
    step = max(1, round((grey.size / 1e6) ** (1 / grey.ndim)))
    sizes = np.abs(grey[(slice(None, None, step),) * grey.ndim])
    high = float(np.percentile(sizes[np.isfinite(sizes)], 99.5)) if np.isfinite(sizes).any() else 0.0
    limits = (-high, high) if high > 0 else (-1.0, 1.0)
    return {"rgb": False, "colormap": "gray", "contrast_limits": limits, "blending": "translucent"}


def _over_samples(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one standard deviation per pixel for three colour samples: their root mean square."""
    return np.sqrt(np.mean(np.square(image[..., :3]), axis=-1)).astype(np.float32)


def displayable(image: NDArray[np.float32], dtype: Any) -> NDArray[Any]:
    """Return colours in the type of the source, as napari shows RGB only in integers or between 0 and 1."""
    dtype = np.dtype(dtype)
    if dtype.kind in "ui":
        info = np.iinfo(dtype)
        return np.clip(np.rint(image), info.min, info.max).astype(dtype)
    return np.clip(image, 0, 1)
