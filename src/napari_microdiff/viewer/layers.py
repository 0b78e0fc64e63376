"""Results as new layers that lie where they belong, look like their source and remember how they were made.

All of it runs on the GUI thread.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from napari.utils.transforms import Affine
from numpy.typing import NDArray

from ..engine.events import Result
from ..engine.record import KEY, record
from ..engine.request import Request, Span
from ..errors import ImageError
from .looks import appearance, cuts, layer_data
from .view import axes_of, has_colours, level_0

Completion: TypeAlias = Callable[[Request], tuple[Request, dict[str, Any]]]

EDITED = "'{}' was edited while the job ran; run it again to include the changes."
_SAMPLED = 4096  # pixels that are compared to notice that an image was edited in place


@dataclass(frozen=True)
class LayerSource:
    """What a job reads: the layer is held as an object, never by its name.

    Attributes
    ----------
    layer : Image or Labels
        The layer; its place and its name may change while the job runs.
    array : array
        Its pixels in full resolution when the job was started.
    axes : str
        One letter per axis of ``array``.
    name : str
        Its name when the job was started.
    """

    layer: Image | Labels
    array: Any
    axes: str
    name: str
    _pixels: NDArray[Any] | None = None

    lies_above: ClassVar[bool] = False  # whether what is made from it is laid below it

    @classmethod
    def of(cls, layer: Image) -> LayerSource:
        """Take what a job needs from a layer.

        Raises
        ------
        ImageError
            If it is not an image layer or its axes cannot be told.
        """
        if not isinstance(layer, Image):
            raise ImageError(
                f"'{getattr(layer, 'name', layer)}' is not an image layer. Choose the image that it was made from."
            )
        array = level_0(layer)
        return cls(layer, array, axes_of(layer), layer.name, _some_pixels(array))

    @property
    def beside(self) -> dict[str, Layer]:
        """Other layers that are read, by what the functions in Python call them."""
        return {}

    @property
    def names_beside(self) -> dict[str, str]:
        """Names of these, by what request files call them."""
        words = {"objects": "objects_behind"}
        return {words.get(word, word): other.name for word, other in self.beside.items()}

    @property
    def rgb(self) -> bool:
        """Whether what is made from it has colours, where these are not told by what it shows."""
        return has_colours(self.layer)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of pixels in the same units."""
        return np.dtype(self.array.dtype)

    def appearance(self) -> dict[str, Any]:
        """Return the arguments that make an array of the same units look like it."""
        return appearance(self.layer)

    def completion(self) -> Completion | None:
        """Return what the worker calls to learn what other layers have to say; None if these say nothing.

        It takes the request and returns it as it is to be carried out, with further arguments of `tasks.run`.
        """
        return None

    def changes(self, viewer: ViewerModel) -> list[str]:
        """Return what happened to the source since the job was started, in sentences for the user."""
        if self.layer not in viewer.layers:
            return [f"'{self.name}' was removed while the job ran; the result was kept where the image had been."]
        now = level_0(self.layer)
        if tuple(now.shape) != tuple(self.array.shape):
            return [f"'{self.name}' has another size than when the job was started; the result shows it as it was."]
        before = self._pixels
        edited = now is not self.array or (before is not None and not _same(before, _some_pixels(self.array)))
        if edited:
            return [EDITED.format(self.name)]
        return []


def _some_pixels(array: Any) -> NDArray[Any] | None:
    """Return a thin sample of the pixels of an array in memory; others are too slow to look at."""
    if not isinstance(array, np.ndarray) or isinstance(array, np.memmap) or array.size == 0:
        return None
    step = max(1, round((array.size / _SAMPLED) ** (1 / array.ndim)))
    return array[(slice(None, None, step),) * array.ndim].copy()


def _same(a: NDArray[Any], b: NDArray[Any] | None) -> bool:
    return b is not None and a.shape == b.shape and bool(np.all((a == b) | ((a != a) & (b != b))))


def put(viewer: ViewerModel, source: LayerSource, layer: Layer) -> None:
    """Add a layer on top of all, or below its source if that is to be seen on it."""
    if source.lies_above and source.layer in viewer.layers:
        viewer.layers.insert(viewer.layers.index(source.layer), layer)
    else:
        viewer.add_layer(layer)


def placement(
    layer: Image | Labels, start: tuple[float, ...] | None = None, stride: tuple[float, ...] | None = None
) -> dict[str, Any]:
    """Return the arguments that lay an array over a part of a layer.

    Parameters
    ----------
    layer : Image or Labels
        The layer to lie over.
    start : tuple of float, optional
        Pixel of the layer, one number per dimension, at which the centre of the array's first pixel lies.
    stride : tuple of float, optional
        How many pixels of the layer one pixel of the array spans.
    """
    scale = np.asarray(layer.scale, dtype=float)
    translate = np.asarray(layer.translate, dtype=float)
    if start is not None:
        # A layer maps pixels by affine * (rotate * shear * scale * p + translate): the offset goes into translate.
        within = Affine(scale=scale, rotate=layer.rotate, shear=layer.shear, translate=np.zeros_like(scale))
        translate = translate + np.asarray(within(np.asarray(start, dtype=float)))
    if stride is not None:
        scale = scale * np.asarray(stride, dtype=float)
    return {
        "scale": scale,
        "translate": translate,
        "rotate": np.array(layer.rotate),
        "shear": np.array(layer.shear),
        "affine": np.array(layer.affine.affine_matrix),
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }


@dataclass(frozen=True)
class ResultLayer:
    """A layer to be: what ``kind`` is called with."""

    output: str
    data: NDArray[Any]
    arguments: dict[str, Any]
    kind: type[Layer] = Image

    def make(self) -> Layer:
        """Return a new layer."""
        return self.kind(self.data, **self.arguments)


# What follows the name of the source in that of the layer; ``{}`` is the verb of the panel.
_NAMES = {
    "mean": "{}",
    "sample": "{} (sample)",
    "uncertainty": "uncertainty",
    "residual": "left over",
    "labels": "{}",
    "depth": "depth in {}",
    "contact": "contact of {}",
}
# Where a task calls them otherwise.
_DRAWN = {"sample": "{}", "mean": "{} (mean)"}
_NAMES_OF = {"synthesize": _DRAWN, "isotropic": _DRAWN, "repair": _DRAWN}


def result_layers(
    viewer: ViewerModel, source: LayerSource, result: Result, made: str = "denoised"
) -> list[ResultLayer]:
    """Return the layers of a result from the lowest up: what is measured on, then hidden what would cover it.

    Name and place are those of the source now, if it is still there.
    """
    layer = source.layer
    name = layer.name if layer in viewer.layers else source.name
    first = tuple(start for start, _ in result.region)[: layer.ndim]
    finer, axes = result.request.finer, source.axes[: layer.ndim]
    stride = finer.strides(axes)
    starts = finer.centres([start for start, _ in finer.region(tuple(result.region)[: layer.ndim], axes)], axes)
    whole = tuple((0, n) for n in source.array.shape)[: layer.ndim]
    part = tuple(result.region)[: layer.ndim] != whole
    where = over(layer, starts if any(starts) else None, stride if finer.factor > 1 else None)
    on_the_pixels = over(layer, first if any(first) else None)
    layers = []
    names = {**_NAMES, **_NAMES_OF.get(result.request.task, {})}
    for output, array in arrays_of(result).items():
        shown = layer_data(output, array, source, result.objects)
        arguments = {
            "name": f"{name} {names[output].format(made)}{' (view)' if part else ''}",
            "metadata": {**layer.metadata, KEY: json.dumps(record(result, output, source.name, source.names_beside))},
            "visible": not layers,
            **(on_the_pixels if output == "residual" else where),
            **shown.arguments,
        }
        layers.append(ResultLayer(output, shown.data, arguments, shown.kind))
    return layers


def over(layer: Image | Labels, *where: tuple[float, ...] | None) -> dict[str, Any]:
    """Return the arguments by which an array lies over a layer and is cut where that is; see `placement`."""
    return {**placement(layer, *where), **cuts(layer, *where)}


def arrays_of(result: Result) -> dict[str, NDArray[Any]]:
    """Return what was made by the name of its layer, the one that is shown first."""
    maps = {} if result.maps is None else dict(zip(("depth", "contact"), result.maps, strict=True))
    wanted = result.labels is not None and "labels" in result.request.outputs
    labels = {"labels": result.labels} if wanted else {}
    images = result.images()
    if result.request.task in _NAMES_OF:  # there is nothing to measure: the image is what was asked for
        images = dict(sorted(images.items(), key=lambda item: item[0] != "sample"))
    return {**labels, **images, **maps}


def recall(layer: Layer) -> dict[str, Any] | None:
    """Return what a layer that was made here remembers: request, report, source, output and region."""
    text = layer.metadata.get(KEY)
    if text is None:
        return None
    memory: dict[str, Any] = json.loads(text)
    memory["request"] = Request.model_validate(memory["request"])
    return memory


def spans_of(region: tuple[Span, ...], ndim: int) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return the starts and stops of the spatial axes of a region."""
    spans = np.asarray(region)[:ndim]
    return spans[:, 0], spans[:, 1]
