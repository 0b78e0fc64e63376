"""A mask as what a job reads, and how the images that are drawn under it look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels

from ...engine.request import Request, SynthesizeOptions
from ...errors import ImageError
from ..layers import Source
from ..looks import appearance
from ..view import axes_of, level_0, sizes_um

_COPIED = 2**26  # pixels: a larger mask is read from its layer, and must not be edited meanwhile


@dataclass(frozen=True)
class MaskSource(Source):
    """A mask, held as it was when the job was started, since it may be edited while the job runs.

    Attributes
    ----------
    style : Image, optional
        The image whose style is taken over; what is drawn is shown as it is shown.
    colours : bool
        Whether the model draws in colours.
    """

    style: Image | None = None
    colours: bool = False
    _reference: tuple[Any, str] | None = None  # pixels and axes of the image of the style
    _kind: str = "f4"

    lies_above: ClassVar[bool] = True

    @classmethod
    def of_mask(cls, layer: Labels, style: Image | None, *, colours: bool) -> MaskSource:
        """Take what a job needs from a mask and an image.

        Raises
        ------
        ImageError
            If the layer holds no labels.
        """
        if not isinstance(layer, Labels):
            raise ImageError(f"'{getattr(layer, 'name', layer)}' holds no labels. Choose a Labels layer as the mask.")
        array = level_0(layer)
        if isinstance(array, np.ndarray) and array.size <= _COPIED:
            array = array.copy()
        reference = None if style is None else (level_0(style), axes_of(style))
        kind = "u1" if colours else "f4"
        if reference is not None:
            kind = np.dtype(reference[0].dtype).str
        return cls(layer, array, axes_of(layer), layer.name, None, style, colours, reference, kind)

    @property
    def rgb(self) -> bool:
        """Whether what is drawn has colours."""
        return self.colours

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of what is drawn when it is saved: that of the image of the style."""
        return np.dtype(self._kind)

    def appearance(self) -> dict[str, Any]:
        """Return how an image that is drawn is shown: as that of the style, else between its two grey levels."""
        if self.style is not None and bool(self.style.rgb) == self.colours:
            return appearance(self.style)
        if self.colours:
            return {"rgb": True}
        return {"rgb": False, "colormap": "gray", "contrast_limits": SynthesizeOptions().levels}

    @property
    def limits(self) -> tuple[float, float]:
        """Grey levels that are shown as black and white."""
        if self.colours and np.dtype(self._kind).kind in "ui":
            return 0.0, float(np.iinfo(self._kind).max)
        dark, bright = (0.0, 1.0) if self.colours else self.appearance()["contrast_limits"]
        return float(dark), float(bright)

    @property
    def sizes_um(self) -> dict[str, float]:
        """Size of a pixel along Y and X in micrometres, where it is known."""
        return {axis: size for axis, size in sizes_um(self.layer, self.axes).items() if axis in "YX"}

    def completion(self) -> Callable[[Request], Request] | None:
        """Return what measures the style in the worker, for a request that does not have one yet."""
        return None if self._reference is None else partial(in_style, *self._reference)

    def changes(self, viewer: ViewerModel) -> list[str]:
        """Return what happened to the mask since the job was started, in sentences for the user."""
        if self.layer not in viewer.layers:
            return [f"'{self.name}' was removed while the image was drawn; it was kept where the mask had been."]
        now = level_0(self.layer)
        if tuple(now.shape) != tuple(self.array.shape):
            return [f"'{self.name}' has another size than when drawing began; the image shows it as it was."]
        return []  # edits are drawn when the image is there, see `following`


def in_style(array: Any, axes: str, request: Request) -> Request:
    """Return a request with the style and the grey levels of an image, unless it has a style already."""
    options = request.options
    assert isinstance(options, SynthesizeOptions)
    if options.style is not None:
        return request
    from ...tasks import reference_of

    known = reference_of(array, axes=axes)
    return request.model_copy(
        update={"options": options.model_copy(update={"style": known.style, "levels": known.levels})}
    )
