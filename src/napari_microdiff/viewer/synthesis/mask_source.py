"""A mask as what a job reads, and how the images that are drawn under it look."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer

from ...engine.options import SynthesizeOptions
from ...engine.request import Request
from ...errors import ImageError
from ...imaging.changes import changed_box
from ...imaging.mask_edits import background
from ..layers import Completion, LayerSource
from ..looks import appearance
from ..view import axes_of, level_0, sizes_um

_COPIED = 2**26  # pixels: a larger mask is read from its layer, and must not be edited meanwhile


@dataclass(frozen=True, eq=False)
class Others:
    """Pixels of other layers.

    Attributes
    ----------
    reference : (array, axes), optional
        The image whose style is taken over.
    behind, objects : array, optional
        The image behind, and its objects.
    """

    reference: tuple[Any, str] | None = None
    behind: Any = None
    objects: Any = None


@dataclass(frozen=True)
class MaskSource(LayerSource):
    """A mask, held as it was when the job was started, since it may be edited while the job runs.

    Attributes
    ----------
    style : Image, optional
        The image whose style is taken over; what is drawn is shown as it is shown.
    behind, objects : Image, Labels, optional
        The image behind, and its objects.
    colours : bool
        Whether the model draws in colours.
    others : Others
        What the worker reads of other layers.
    followed : bool
        Whether edits of the mask are drawn as soon as the image is there, see `following`.
    """

    style: Image | None = None
    behind: Image | None = None
    objects: Labels | None = None
    colours: bool = False
    others: Others = field(default_factory=Others)
    followed: bool = False
    _kind: str = "f4"

    lies_above: ClassVar[bool] = True

    @classmethod
    def of_mask(
        cls,
        layer: Labels,
        style: Image | None,
        *,
        colours: bool,
        behind: Image | None = None,
        objects: Labels | None = None,
        followed: bool = False,
    ) -> MaskSource:
        """Take what a job needs from a mask and other layers.

        Parameters
        ----------
        layer : Labels
            The mask.
        style, behind : Image, optional
            The image whose style is taken over, by default that of the image behind; and that image.
        objects : Labels, optional
            The objects of the image behind, whose background is kept.
        colours, followed : bool
            See the attributes.

        Raises
        ------
        ImageError
            If the layer holds no labels.
        """
        if not isinstance(layer, Labels):
            raise ImageError(f"'{getattr(layer, 'name', layer)}' holds no labels. Choose a Labels layer as the mask.")
        style = behind if style is None else style
        array = level_0(layer)
        if isinstance(array, np.ndarray) and array.size <= _COPIED:
            array = array.copy()
        kind = "u1" if colours else "f4"
        if style is not None:
            kind = np.dtype(level_0(style).dtype).str
        others = Others(
            reference=None if style is None else (level_0(style), axes_of(style)),
            behind=None if behind is None else level_0(behind),
            objects=None if objects is None else level_0(objects),
        )
        layers = {"style": style, "behind": behind, "objects": objects}
        how = {"colours": colours, "others": others, "followed": followed, "_kind": kind}
        return cls(layer, array, axes_of(layer), layer.name, **layers, **how)

    @property
    def beside(self) -> dict[str, Layer]:
        """The image behind and its objects; the style is said in numbers."""
        others = {"behind": self.behind, "objects": None if self.behind is None else self.objects}
        return {name: layer for name, layer in others.items() if layer is not None}

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

    def completion(self) -> Completion | None:
        """Return what measures the style, and what gives the image behind."""
        others = self.others
        if others.reference is None and others.behind is None:
            return None
        return partial(complete, others, self.array, self.axes)

    def changes(self, viewer: ViewerModel) -> list[str]:
        """Return what happened to the mask since the job was started, in sentences for the user."""
        if self.layer not in viewer.layers:
            return [f"'{self.name}' was removed while the image was drawn; it was kept where the mask had been."]
        now = level_0(self.layer)
        if tuple(now.shape) != tuple(self.array.shape):
            return [f"'{self.name}' has another size than when drawing began; the image shows it as it was."]
        edited = not self.followed and isinstance(now, np.ndarray) and changed_box(np.asarray(self.array), now)
        if edited:
            return [f"'{self.name}' was edited while the image was drawn, which shows it as it was. Run it again."]
        return []


def complete(others: Others, mask: Any, axes: str, request: Request) -> tuple[Request, dict[str, Any]]:
    """Return a request with the style and the grey levels of an image, and what lies behind; in the worker.

    A request that has a style already keeps it.
    """
    options = request.options
    assert isinstance(options, SynthesizeOptions)
    if others.reference is not None and options.style is None:
        from ...tasks import reference_of

        array, of_image = others.reference
        known = reference_of(array, axes=of_image)
        options = options.model_copy(update={"style": known.style, "levels": known.levels})
        request = request.model_copy(update={"options": options})
    if others.behind is None:
        return request, {}
    kept = None if others.objects is None else background(others.objects, mask, axes)
    return request, {"behind": others.behind, "kept": kept}
