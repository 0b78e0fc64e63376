"""How large the voxels of a stack are, for all that its layer and its file tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from napari.layers import Image

from ..imaging.lattice import is_oblong, slice_distance
from . import view
from .recorded_optics import OpticsReader, sizes_of_file


@dataclass(frozen=True)
class Voxels:
    """What is told of the voxels of a stack.

    Attributes
    ----------
    sizes : mapping of str to float
        Along Z, Y and X, in one unit; empty if nothing tells them.
    teller : str
        Who tells them: the ``"scale"`` of the layer or its ``"file"``.
    """

    sizes: Mapping[str, float] = field(default_factory=dict)
    teller: str = "scale"

    @property
    def distance(self) -> int | None:
        """How far apart slices are, in pixels."""
        return slice_distance(self.sizes)

    @property
    def oblong(self) -> bool:
        """Whether pixels are told to be no squares."""
        return is_oblong(self.sizes)


def told_voxels(layer: Image, file: OpticsReader) -> Voxels:
    """Return what a layer tells of its voxels, or its file if the layer does not."""
    sizes = view.sizes_um(layer, view.axes_of(layer))
    if sizes:
        return Voxels(sizes)
    of_file = Voxels({} if file.told is None else sizes_of_file(layer, file.told, "ZYX"), "file")
    return of_file if of_file.distance is not None or file.reading else _scaled(layer, file)


def _scaled(layer: Image, file: OpticsReader) -> Voxels:
    """Return the proportions of voxels by a scale without units, unless the file contradicts them.

    A scale that is the same along all axes is what napari gives to layers of which nothing is known.
    """
    sizes = {letter: abs(float(scale)) for letter, scale in zip(view.axes_of(layer), layer.scale, strict=False)}
    scaled = Voxels({letter: sizes.get(letter, 0.0) for letter in "ZYX"})
    is_told = np.isclose(scaled.sizes["Y"], scaled.sizes["X"]) and not np.isclose(scaled.sizes["Z"], scaled.sizes["Y"])
    recorded = None if file.told is None else slice_distance(file.told.pixel_size_um)
    return scaled if is_told and recorded in (None, scaled.distance) else Voxels()
