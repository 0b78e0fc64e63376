"""The mode Repair of the Super-resolve panel: what it has beyond the anatomy that all panels share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray
from qtpy.QtWidgets import QCheckBox, QPushButton, QWidget

from ..engine.options import RepairOptions
from ..engine.request import Request
from ..errors import ImageError
from . import words
from .choices import LayerChoice
from .layers import EDITED, Completion, LayerSource, placement
from .layout import Rows
from .panel import Panel
from .parts import Line
from .view import has_colours, level_0

_MASK_TIP = "The Labels layer in which the damaged pixels are painted, with any label."
_NEW_TIP = "Add an empty layer over the image to paint in. Hold space to move the view while you paint."
_NOISY_TIP = (
    "The noise of the camera, as measured in the sound pixels, is added to what is drawn,\n"
    "so that it does not stand out. The mean never has it."
)
_NOT_CHOSEN = "choose what is damaged"
_GONE = (
    "The layer '{}', which said what was damaged, is not there any more. Open it again and choose it at Damage, or "
    "paint anew."
)
_BRUSH = 0.03  # of the shorter side of the image
_COMPARED = 2**26  # pixels of a mask; more take too long to look at while the viewer waits


@dataclass(frozen=True)
class DamagedSource(LayerSource):
    """An image, and where it is damaged.

    Attributes
    ----------
    damaged : array
        Not zero there. In memory it is what was painted when the job was started; on disk it is read plane by plane.
    mask : Labels
        Where it was painted.
    """

    damaged: Any = None
    mask: Labels | None = None

    @property
    def beside(self) -> dict[str, Layer]:
        """The layer that says where it is damaged."""
        return {} if self.mask is None else {"damaged": self.mask}

    def completion(self) -> Completion:
        """Return what gives the damaged pixels to the worker, and there finds out whether there are any."""
        return lambda request: (request, {"damaged": self._checked()})

    def changes(self, viewer: ViewerModel) -> list[str]:
        """Return what happened to image and mask since the job was started, in sentences for the user."""
        edited = self.mask in viewer.layers and self._painted_over()
        return [*super().changes(viewer), *([EDITED.format(self.mask.name)] if edited else [])]

    def _painted_over(self) -> bool:
        now, then = level_0(self.mask), self.damaged
        if not isinstance(then, np.ndarray) or not isinstance(now, np.ndarray):
            return now is not then  # on disk it would take long to find out more
        if now.size > _COMPARED:
            return False
        # The smallest stroke counts. Plane by plane, since a whole stack would take as much memory once more.
        return now.shape != then.shape or any(((a != 0) != b).any() for a, b in zip(now, then, strict=True))

    def _checked(self) -> Any:
        planes = [self.damaged] if self.damaged.ndim == 2 else (self.damaged[n] for n in range(self.damaged.shape[0]))
        if not any(np.asarray(plane).any() for plane in planes):
            raise ImageError("Nothing is painted over the image. Paint over what is damaged first.")
        return self.damaged


class RepairPanel(Panel):
    """Draw what may lie under damaged pixels that were painted over."""

    task = "repair"
    doing = "Repairing"
    made = "repaired"
    compares = False
    detail_tip = words.DETAIL_REPAIRED_TIP
    detail_least = "Fast"
    outputs = words.REPAIRED
    details = ({"steps": 8}, {"steps": 12}, {"steps": 20}, {"steps": 40})
    detail_at_first = 1

    def add_rows(self, rows: Rows) -> None:
        """Add which layer says what is damaged."""
        self.mask = LayerChoice(self.viewer, Labels, _MASK_TIP)
        self._gone = ""  # the layer that said what was damaged, of a result that is to be made again
        self.new_mask = QPushButton("Paint damaged pixels")
        self.new_mask.setToolTip(_NEW_TIP)
        self.new_mask.clicked.connect(self.add_mask)
        self.mask_line = Line(self.viewer)
        rows.add("Damage", self.mask, self.mask_line, self.new_mask)
        self.mask.changed.connect(self._mask_changed)

    def add_mask(self) -> None:
        """Add an empty layer over the image, ready to be painted in."""
        layer = self.image.layer
        if layer is None:
            return
        shape = level_0(layer).shape
        shape = shape[:-1] if has_colours(layer) else shape
        mask = Labels(np.zeros(shape, np.uint8), name=f"{layer.name} damage", **placement(layer))
        self.viewer.add_layer(mask)
        self.viewer.layers.selection.active = mask
        mask.brush_size = max(3, round(_BRUSH * min(shape[-2:])))
        mask.mode = "paint"
        self.mask.choose(mask)

    def source_of(self, layer: Any) -> DamagedSource:
        """Take image and damaged pixels.

        Raises
        ------
        ImageError
            If nothing is painted, or the layer does not lie on the image pixel by pixel.
        """
        if self.mask.layer is None:
            raise ImageError("Nothing says which pixels are damaged. Click 'Paint damaged pixels' and paint over them.")
        return self._damaged(layer, self.mask.layer)

    def source_again(self, source: LayerSource) -> LayerSource:
        """Take image and damaged pixels as they are now; those of then where the user has put the layers away."""
        there = [layer in self.viewer.layers for layer in (source.layer, *source.beside.values())]
        return self._damaged(source.layer, source.beside["damaged"]) if all(there) else source

    def _damaged(self, layer: Any, mask: Any) -> DamagedSource:
        source = LayerSource.of(layer)
        damaged = level_0(mask)
        shape = source.array.shape[:-1] if source.rgb else source.array.shape
        if tuple(damaged.shape) not in (shape, shape[-2:]):
            raise ImageError(
                f"'{mask.name}' has {' x '.join(map(str, damaged.shape))} pixels, but '{layer.name}' has "
                f"{' x '.join(map(str, shape))}. Paint in a layer that lies on the image pixel by pixel."
            )
        if not _lies_on(mask, layer):
            raise ImageError(
                f"'{mask.name}' does not lie on '{layer.name}', but beside it or in another size. Choose the layer "
                "that was painted over this image."
            )
        if isinstance(damaged, np.ndarray):
            damaged = damaged != 0  # a copy, for one may go on painting
            if not damaged.any():
                raise ImageError(f"Nothing is painted in '{mask.name}'. Paint over what is damaged first.")
        return DamagedSource(source.layer, source.array, source.axes, source.name, source._pixels, damaged, mask)

    def blocked(self) -> str:
        """Return why nothing can be run now, or nothing if it can."""
        reason = super().blocked()
        if not reason and self.mask.layer is None:
            return _GONE.format(self._gone) if self._gone else "Paint the damaged pixels first."
        return reason

    def own_rows(self) -> list[QWidget]:
        """Return the tick for noise."""
        self.noisy = QCheckBox("as noisy as the image")
        self.noisy.setChecked(True)
        self.noisy.setToolTip(_NOISY_TIP)
        own = Rows()
        own.add("Sample", self.noisy)
        return [own]

    def own_results(self) -> list[QWidget]:
        """Return the line that says whether the model knows such images; before the damage is known, none can tell."""
        self.told = Line(self.viewer)
        return [self.told]

    def options(self) -> dict[str, Any]:
        """Return whether noise is added."""
        return {"options": RepairOptions(noise=self.noisy.isChecked())}

    def set_request(self, request: Request) -> None:
        """Set the panel to what a request asks for, but for its image and region."""
        assert isinstance(request.options, RepairOptions)
        self.noisy.setChecked(request.options.noise)
        super().set_request(request)

    def choose_beside(self, memory: dict[str, Any]) -> None:
        """Choose the layer that said what was damaged, or none if it is gone: any other lies elsewhere."""
        name = memory.get("damaged")
        if name is None:
            return
        there = [layer for layer in self.viewer.layers if isinstance(layer, Labels) and layer.name == name]
        if not there:
            self._gone = name
            self.mask.call_none(_NOT_CHOSEN)
        self.mask.choose(there[0] if there else None)
        self.refresh()

    def _mask_changed(self) -> None:
        if self.mask.layer is not None and self.mask.none:
            self._gone = ""
            self.mask.call_none("")
        if hasattr(self, "actions"):
            self.refresh()

    def refresh(self) -> None:
        """Bring everything up to date."""
        super().refresh()
        image = self.image.layer
        self.new_mask.setEnabled(isinstance(image, Image))
        self.new_mask.setToolTip(_NEW_TIP if image is not None else self.nothing_chosen)
        ready = self.mask.layer is not None or image is None
        hint = _GONE.format(self._gone) if self._gone else "Paint over dust, bubbles, folds or dead lines."
        self.mask_line.say("" if ready else hint, warn=bool(self._gone))
        shown = self.runner.shown
        known = {} if shown is None or shown.result is None else shown.result.report.get("familiarity", {})
        self.told.say(known.get("advice", ""), warn=not known.get("alike", True))


def _lies_on(mask: Any, image: Any) -> bool:
    """Whether a mask lies on an image: its first and its last pixel do, or it came without any pixel size."""
    shape = level_0(mask).shape[-2:]
    corners = [np.array([0, 0]), np.array(shape) - 1]
    one, other = (np.array([_in_world(layer, corner) for corner in corners]) for layer in (mask, image))
    nothing_known = np.allclose(one, corners)
    same_size = np.allclose(np.ptp(one, axis=0), np.ptp(other, axis=0))
    return np.allclose(one, other) or (nothing_known and not same_size)


def _in_world(layer: Any, pixel: NDArray[Any]) -> NDArray[Any]:
    """Return where a pixel of the first plane of a layer lies, along height and width."""
    return np.asarray(layer.data_to_world([*[0] * (layer.ndim - 2), *pixel])[-2:])
