"""Where an object is: on screen, and around it. All of it runs on the GUI thread."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from numpy.typing import NDArray

from ..view import camera

_WANTED = 5.0  # views an object is smaller than the view; it is left where between these two
_LEAST, _MOST = 3.0, 9.0
_GAP = 1.0  # pixels between an object and the frame around it

NOT_ON_PLANES = "Objects are corrected on planes of height and width. Go back to the 2-D display of them first."


def look_at(viewer: ViewerModel, layer: Labels, box: tuple[slice, ...]) -> None:
    """Go to an object: its plane, its place, and nearer or further if it is too small or too large to be judged."""
    middle = np.array([(side.start + side.stop - 1) / 2 for side in box])
    first = viewer.dims.ndim - layer.ndim
    world = layer.data_to_world(np.round(middle))
    shown = [axis for axis in viewer.dims.displayed if axis >= first]
    for axis in range(first, viewer.dims.ndim):
        if axis not in shown:
            viewer.dims.set_point(axis, float(world[axis - first]))
    exact = layer.data_to_world(middle)
    centre = list(camera(viewer).center)
    for place, axis in zip(range(-len(shown), 0), shown, strict=True):
        centre[place] = float(exact[axis - first])
    camera(viewer).center = tuple(centre)
    visible = np.diff(np.asarray(layer.corner_pixels, dtype=float), axis=0)[0]
    sizes = np.array([side.stop - side.start for side in box], dtype=float)
    ratios = [visible[a - first] / sizes[a - first] for a in shown if visible[a - first] > 0]
    if ratios and not _LEAST <= min(ratios) <= _MOST:
        camera(viewer).zoom *= min(ratios) / _WANTED


def shows_planes(viewer: ViewerModel, layer: Labels) -> bool:
    """Whether planes of the last two axes of a layer are shown, on which objects are corrected."""
    last = {viewer.dims.ndim - 1, viewer.dims.ndim - 2}
    return viewer.dims.ndisplay == 2 and layer.ndim >= 2 and set(viewer.dims.displayed) == last


def pixel_of(viewer: ViewerModel, layer: Labels, box: tuple[slice, ...], label: int) -> tuple[int, ...] | None:
    """Return a pixel of an object on the plane that is shown, or None if it is not on it."""
    corners = corners_of(viewer, layer, box)
    if corners is None:
        return None
    first = viewer.dims.ndim - layer.ndim
    shown = [axis - first for axis in viewer.dims.displayed[-2:]]
    here = tuple(
        side if axis in shown else slice(int(c), int(c) + 1)
        for axis, (side, c) in enumerate(zip(box, corners[0], strict=True))
    )
    places = np.argwhere(np.asarray(layer.data[here]) == label)
    if not len(places):
        return None
    return tuple(int(p) + side.start for p, side in zip(places[len(places) // 2], here, strict=True))


def corners_of(viewer: ViewerModel, layer: Labels, box: tuple[slice, ...]) -> NDArray[np.float64] | None:
    """Return the corners of a frame around an object on the plane that is shown, or None if it is not on it.

    Returns
    -------
    ndarray, shape (4, axes), or None
        In pixels of the layer.
    """
    first = viewer.dims.ndim - layer.ndim
    down, right = (axis - first for axis in viewer.dims.displayed[-2:])
    if down < 0 or right < 0:
        return None
    here = np.round(np.asarray(layer.world_to_data(viewer.dims.point)))
    others = [axis for axis in range(layer.ndim) if axis not in (down, right)]
    if any(not box[axis].start <= here[axis] < box[axis].stop for axis in others):
        return None
    corners = np.tile(here, (4, 1)).astype(float)
    top, bottom = box[down].start - 0.5 - _GAP, box[down].stop - 0.5 + _GAP
    left, far = box[right].start - 0.5 - _GAP, box[right].stop - 0.5 + _GAP
    corners[:, down] = top, top, bottom, bottom
    corners[:, right] = left, far, far, left
    return corners
