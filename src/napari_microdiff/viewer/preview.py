"""A result while it forms: one layer that lies over the source and fills up."""

from __future__ import annotations

from math import ceil, prod
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from ..engine.events import Preview
from ..engine.request import Span
from ..imaging.lattice import Finer
from .layers import KEY, LayerSource, ResultLayer, over, put, spans_of

PLANE_SIDE = 1024  # pixels of a preview plane: a larger one costs more to show than it tells
BUDGET = 2**26  # pixels in all
AS_MANY = Finer()
_SHOWN_ALIKE = ("mean", "sample", "labels")  # outputs that look as the preview does
_PLACE = ("scale", "translate", "rotate", "shear", "affine")
_WORDS = ("units", "axis_labels")
_CUTS = ("experimental_clipping_planes", "plane")
_FORMING = "napari-microdiff forming"  # in the metadata of a layer that is not a result yet


class LivePreview:
    """Shows the previews of one job in one layer, coarser than the image if that is large.

    What is not computed yet is transparent, so that the source shows through. In the end the layer turns into the
    result, since napari takes several tenths of a second to remove one and to add another.

    Parameters
    ----------
    viewer : ViewerModel
        Where to show them.
    source : LayerSource
        What is being worked on.
    region : tuple of (start, stop)
        The part that is being computed, one pair per axis of the array.
    objects : bool
        Whether the result is a Labels layer. Previews tell how deep in an object each pixel lies, and all that lies in
        one has the same label as long as it forms.
    finer : Finer
        How the pixels of the result lie on those of the source.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        source: LayerSource,
        region: tuple[Span, ...],
        *,
        objects: bool = False,
        finer: Finer = AS_MANY,
    ) -> None:
        self._viewer = viewer
        self._source = source
        self._objects = objects
        self._rgb = source.rgb and not objects
        self._finer = finer
        self._starts, stops = spans_of(finer.region(region, source.axes), source.layer.ndim)
        lengths = stops - self._starts
        self._strides = _strides(lengths, source.axes)
        self._shape = tuple(int(n) for n in -(-lengths // self._strides))
        self.layer: Image | Labels | None = None

    def show(self, previews: list[Preview]) -> None:
        """Draw the newest estimates."""
        if self.layer is None:
            self._add(previews)
            return
        if self.layer not in self._viewer.layers:
            return  # the user has put it away
        for preview in previews:
            self._draw(self.layer.data, preview)
        self.layer.refresh(thumbnail=False, highlight=False, extent=False)

    def remove(self) -> None:
        """Take the layer away."""
        if self.layer is not None and self.layer in self._viewer.layers:
            self._viewer.layers.remove(self.layer)
        self.layer = None

    def become(self, result: ResultLayer) -> Layer | None:
        """Turn the preview into the result.

        Returns None if there is no preview to turn, or it is of another kind than the result.
        """
        layer = self.layer
        alike = (result.kind is Labels) == self._objects and result.output in _SHOWN_ALIKE
        if layer is None or layer not in self._viewer.layers or not alike:
            return None
        self.layer = None
        # Each of these draws the layer anew, so the place changes while there are few pixels, and only where it does.
        for name in _PLACE:
            new = result.arguments[name]
            if not np.array_equal(np.asarray(getattr(layer, name)), np.asarray(new)):
                setattr(layer, name, new)
        for name in _WORDS:
            if getattr(layer, name) != result.arguments[name]:
                setattr(layer, name, result.arguments[name])
        layer.data = result.data
        if self._rgb:
            _limit_as_new(layer)
        layer.editable = True
        for name in (*_CUTS, "name", "metadata", *(("features",) if self._objects else ())):
            setattr(layer, name, result.arguments[name])
        return layer

    def _add(self, previews: list[Preview]) -> None:
        source = self._source.layer
        canvas = self._blank()
        for preview in previews:
            self._draw(canvas, preview)
        # A coarse pixel spans several pixels of the source: its centre is the middle of theirs.
        middle = self._starts + (self._strides - 1) / 2
        axes = self._source.axes[: source.ndim]
        start = self._finer.centres(middle, axes)
        span = tuple(self._strides * self._finer.strides(axes))
        arguments = {
            "name": f"{source.name} (forming)",
            "metadata": {_FORMING: True},
            **over(source, start, span),
        }
        look = {} if self._objects else self._source.appearance()
        layer = Labels(canvas, **arguments) if self._objects else Image(canvas, **arguments, **look)
        layer.editable = False  # what is painted on it would be lost
        selected = list(self._viewer.layers.selection)
        put(self._viewer, self._source, layer)
        self.layer = layer
        self._viewer.layers.selection = selected  # the user goes on with what was selected

    def _blank(self) -> NDArray[Any]:
        if self._objects:
            return np.zeros(self._shape, np.int32)
        if self._rgb:
            return np.zeros((*self._shape, 4), np.float32)
        return np.full(self._shape, np.nan, np.float32)

    def _draw(self, canvas: NDArray[Any], preview: Preview) -> None:
        starts, stops = spans_of(preview.region, len(self._shape))
        # The pixels of the preview that fall on the coarse grid.
        first = -(-(starts - self._starts) // self._strides)
        last = -(-(stops - self._starts) // self._strides)
        offsets = self._starts + first * self._strides - starts
        taken = tuple(slice(int(o), None, int(k)) for o, k in zip(offsets, self._strides, strict=True))
        target = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        pixels = preview.image[taken]
        if self._rgb:
            full = np.iinfo(self._source.dtype).max if self._source.dtype.kind in "ui" else 1
            told = len(preview.region) == preview.image.ndim  # a mask has no axis of colours that could tell which
            samples = slice(*preview.region[-1]) if told else slice(0, 3)
            canvas[(*target, samples)] = np.clip(pixels / full, 0, 1)
            canvas[(*target, 3)] = 1
        else:
            canvas[target] = pixels > 0 if self._objects else pixels


def _limit_as_new(layer: Image) -> None:
    """Give a layer in colours the limits of a new one; those of the floats that formed would show integers white."""
    layer.reset_contrast_limits("data")
    layer.contrast_limits_range = layer.contrast_limits


def is_ours(layer: Layer) -> bool:
    """Whether a layer is a result, or is to be one."""
    return is_forming(layer) or KEY in layer.metadata


def is_forming(layer: Layer) -> bool:
    """Whether a layer shows a result that is not there yet."""
    return _FORMING in layer.metadata


def _strides(lengths: NDArray[np.int_], axes: str) -> NDArray[np.int_]:
    """Return how many pixels one preview pixel spans, per axis: 1 but for Y and X."""
    plane = np.array([letter in "YX" for letter in axes.removesuffix("S")])
    stride = max(1, ceil(max(lengths[plane]) / PLANE_SIDE))
    others = prod(int(n) for n in lengths[~plane])
    while others * prod(-(-int(n) // stride) for n in lengths[plane]) > BUDGET:
        stride += 1
    return np.where(plane, stride, 1)
