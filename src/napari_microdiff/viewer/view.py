"""What of an image is on screen, and what the image is, in words and in letters."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import Camera, ViewerModel
from napari.layers import Image, Labels, Layer

from ..engine.request import Span
from ..imaging.axes import AXIS_NAMES, guess_axes

VIEW_SIDE = 1024  # pixels: more is not needed to judge, and one preview stays near a second on a laptop


def camera(viewer: ViewerModel) -> Camera:
    """Return the camera; napari 0.9 moved it."""
    return getattr(viewer, "scene", viewer).camera


def has_colours(layer: Layer) -> bool:
    """Return whether the last axis of a layer's array holds the colours of each pixel."""
    return isinstance(layer, Image) and bool(layer.rgb)


def level_0(layer: Image | Labels) -> Any:
    """Return the array of a layer, in full resolution if it has several levels."""
    return layer.data[0] if layer.multiscale else layer.data


def axes_of(layer: Image | Labels) -> str:
    """Return one letter per axis of the layer's array, from its axis labels if these say it, else from the shape."""
    samples = "S" if has_colours(layer) else ""
    letters = "".join(str(label) for label in layer.axis_labels).upper() + samples
    if (
        len(letters) == layer.ndim + len(samples) == len(set(letters))
        and set(letters) <= set(AXIS_NAMES)
        and letters.removesuffix("S").endswith("YX")
    ):
        return letters
    return guess_axes(level_0(layer).shape, rgb=has_colours(layer))


def describe(layer: Image | Labels) -> str:
    """Return one line on an image or a mask: shape, type and pixel size."""
    array = level_0(layer)
    words = [" × ".join(str(n) for n in array.shape[: layer.ndim])]
    if has_colours(layer):
        words.append("RGBA" if array.shape[-1] == 4 else "RGB")
    words.append(str(array.dtype))
    size = pixel_size(layer)
    if size:
        words.append(size)
    return ", ".join(words)


def pixel_size(layer: Image | Labels) -> str:
    """Return the pixel size of the last two axes in words, or nothing if it is not known."""
    height, width = (abs(float(s)) for s in layer.scale[-2:])  # a layer may be mirrored
    unit = f"{layer.units[-1]:~P}".replace("\u03bc", "\u00b5")  # pint writes micro as the Greek letter from 0.26
    if unit in ("px", "pixel", ""):
        return "" if height == width == 1 else f"pixel {height:.4g} × {width:.4g}, no unit"
    if np.isclose(height, width):
        return f"{width:.4g} {unit}"
    return f"{height:.4g} × {width:.4g} {unit}"


def sizes_um(layer: Image | Labels, axes: str) -> dict[str, float]:
    """Return the size of a pixel along Z, Y and X in micrometres, where the layer has units of length."""
    sizes: dict[str, float] = {}
    for letter, scale, unit in zip(axes, layer.scale, layer.units, strict=False):
        if letter in "ZYX" and unit.is_compatible_with("micrometer"):
            sizes[letter] = float((abs(float(scale)) * unit).to("micrometer").magnitude)
    return sizes


def shown_plane(viewer: ViewerModel, layer: Image | Labels) -> tuple[Any, ...]:
    """Return the index of the plane of a layer that is shown: a number for each axis but Y, X and colours."""
    here = [*np.asarray(layer.world_to_data(viewer.dims.point)), *([0] if has_colours(layer) else [])]
    return tuple(
        slice(None) if letter in "YXS" else int(np.clip(round(float(at)), 0, n - 1))
        for letter, at, n in zip(axes_of(layer), here, level_0(layer).shape, strict=True)
    )


def visible_region(
    viewer: ViewerModel, layer: Image | Labels, axes: str, side: int = VIEW_SIDE
) -> tuple[Span, ...] | None:
    """Return the part of an image that is on screen, one plane of it.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that shows the image.
    layer : Image or Labels
        The image.
    axes : str
        One letter per axis of its array.
    side : int
        Largest height and width in pixels; the middle of what is visible is kept.

    Returns
    -------
    tuple of (start, stop) or None
        One span per axis of the array in full resolution. Y and X are what is visible, the colour samples of RGB are
        kept, every other axis is the one step that is shown. ``None`` if the image is out of view.
    """
    shape = level_0(layer).shape
    first = viewer.dims.ndim - layer.ndim
    shown = {axis - first for axis in viewer.dims.displayed}
    here = np.asarray(layer.world_to_data(viewer.dims.point))
    corners = _corners(layer) if viewer.dims.ndisplay == 2 else None
    if viewer.dims.ndisplay == 2 and _is_away(viewer, layer):
        return None
    region: list[Span] = []
    for axis, (letter, length) in enumerate(zip(axes, shape, strict=True)):
        if letter == "S":
            region.append((0, length))
        elif letter not in "YX":
            step = round(float(here[axis]))
            if not 0 <= step < length:
                return None  # the slider is where other layers still have planes
            region.append((step, step + 1))
        elif corners is not None and axis in shown:
            start, stop = max(0, int(corners[0, axis])), min(length, int(corners[1, axis]))
            if stop <= start:
                return None
            region.append(middle(start, stop, side))
        else:
            region.append(middle(0, length, side))
    return tuple(region)


def _is_away(viewer: ViewerModel, layer: Image | Labels) -> bool:
    """Return whether nothing of an image is on screen.

    napari brings the corners of the canvas into the image. So they meet at its border where it is out of view, and also
    where nothing was drawn yet or that border fills the screen; but then the middle of the screen lies in the image.
    """
    first, shape = viewer.dims.ndim - layer.ndim, level_0(layer).shape
    level = layer.data[layer.data_level].shape if layer.multiscale else shape
    point = list(viewer.dims.point)
    for axis, at in zip(viewer.dims.displayed, camera(viewer).center[-2:], strict=True):
        point[axis] = at
    middle_of_screen = np.asarray(layer.world_to_data(point))
    low, high = np.asarray(layer.corner_pixels)
    # Of a single pixel, both ends always meet.
    shown = [axis - first for axis in viewer.dims.displayed if axis >= first and level[axis - first] > 1]
    return any(low[axis] == high[axis] and not -1 < middle_of_screen[axis] < shape[axis] for axis in shown)


def _corners(layer: Image | Labels) -> np.ndarray | None:
    """Return the corners of the canvas in pixels of full resolution, or None if nothing was drawn yet."""
    corners = np.asarray(layer.corner_pixels, dtype=float)
    if not corners.any():
        return None
    if layer.multiscale:
        corners = corners * np.asarray(layer.downsample_factors)[layer.data_level][: layer.ndim]
    return np.stack([np.floor(corners[0]), np.ceil(corners[1]) + 1])


def middle(start: int, stop: int, side: int) -> Span:
    """Return the middle of a span, of at most so many pixels."""
    if stop - start <= side:
        return start, stop
    start += (stop - start - side) // 2
    return start, start + side
