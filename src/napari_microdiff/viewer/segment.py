"""The Segment panel: what it has beyond the anatomy that all panels share."""

from __future__ import annotations

from typing import Any

import numpy as np
from magicgui.widgets import ComboBox
from napari.layers import Image, Labels
from qtpy.QtWidgets import QCheckBox, QWidget

from ..engine.options import SegmentOptions
from ..engine.request import Request, Span
from ..errors import RequestError
from . import view, words
from .corrections.bar import CorrectionBar
from .corrections.given import Given
from .corrections.settling import inventory_of
from .layers import recall
from .layout import Rows
from .object_fields import SHOWN, DiameterField
from .objects import colour_by_confidence, has_confidence, is_coloured_by_confidence
from .panel import Panel

_DIAMETER_TIP = "Typical diameter of the objects in pixels. Untick to set it yourself, for example after a first run."
_NO_CONFIDENCE = "Move Detail to the right and run: several samples tell how sure the model is of each object."
_CONFIDENCE_TIP = "Colour each object by how far several samples agree on it: blue is sure, orange is doubtful."


class SegmentPanel(Panel):
    """Outline the objects of an image, each with a number of its own."""

    task = "segment"
    doing = "Segmenting"
    made = "objects"
    compares = False
    detail_tip = words.DETAIL_OBJECTS_TIP
    outputs = words.SEGMENTED
    # One evaluation outlines; how sure it is of an object shows where several samples differ.
    details = (
        {"steps": 1, "samples": 1},
        {"steps": 4, "samples": 4},
        {"steps": 8, "samples": 4},
        {"steps": 8, "samples": 8},
    )

    def add_rows(self, rows: Rows) -> None:
        """Add what the objects look like and how large they are."""
        self.shown = ComboBox(choices=list(SHOWN.items()), tooltip="How the objects differ from what is around them.")
        self._of_colours: bool | None = None  # whether the last image had colours
        self.diameter = DiameterField(_DIAMETER_TIP)
        rows.add("Objects", self.shown.native)
        rows.add("Diameter", self.diameter)

    def own_results(self) -> list[QWidget]:
        """Return the switch between colours."""
        self.by_confidence = QCheckBox("Colour by confidence")
        self.by_confidence.toggled.connect(self._colour)
        self.corrections = CorrectionBar(self.viewer, self.given)
        return [self.by_confidence, self.corrections]

    def end(self) -> None:
        """Cancel all jobs, and let go of the layers that were corrected."""
        super().end()
        self.corrections.shut()

    def given(self, layer: Labels) -> Given:
        """Return what a layer of objects was made from, or what the panel asks for now.

        Raises
        ------
        RequestError
            If there is no image, no model, or the diameter is not known.
        """
        memory = recall(layer) or {}
        image = self._image_of(layer, memory.get("source"))
        request = memory.get("request") or self.request(view.axes_of(image), outputs=("labels",))
        assert isinstance(request.options, SegmentOptions)
        diameter = request.options.diameter or memory.get("report", {}).get("diameter") or _median_diameter(layer)
        changes = {
            "region": _region(memory, image),
            "device": self.more.device,
            "options": request.options.model_copy(update={"diameter": diameter}),
        }
        return Given(request.model_copy(update=changes), view.level_0(image))

    def _image_of(self, objects: Labels, name: str | None) -> Image:
        """Return the image that objects are in, whatever it is called now; that of a file is known by its name."""
        made_from = self.runner.sources.get(objects)
        if made_from is not None and made_from in self.viewer.layers:
            return made_from
        named = [layer for layer in self.viewer.layers if isinstance(layer, Image) and layer.name == name]
        if named:
            return named[0]
        if name is not None:
            raise RequestError(
                f"The objects are those of '{name}'. Open it, or give the layer that shows them this name."
            )
        if self.image.layer is None:
            raise RequestError("Choose the image that the objects are in above, at Image.")
        chosen: Image = self.image.layer
        return chosen

    def options(self) -> dict[str, Any]:
        """Return how objects are shown and their diameter."""
        return {"options": SegmentOptions(shown=self.shown.value, diameter=self.diameter.value)}

    def set_request(self, request: Request) -> None:
        """Set the panel to what a request asks for, but for its image and region."""
        assert isinstance(request.options, SegmentOptions)
        self.shown.value = request.options.shown
        self.diameter.value = request.options.diameter
        super().set_request(request)

    def _image_changed(self) -> None:
        layer = self.image.layer
        if layer is not None and layer.rgb != self._of_colours:  # else what was chosen holds
            self._of_colours = bool(layer.rgb)
            if layer.rgb != (self.shown.value == "stained"):
                self.shown.value = "stained" if layer.rgb else "bright"
        super()._image_changed()

    def refresh(self) -> None:
        """Bring everything up to date."""
        super().refresh()
        last = self.runner.last
        if last is not None and last.result is not None:
            self.diameter.show_measured(float(last.result.report["diameter"]))
        layer = self.labels
        known = layer is not None and has_confidence(layer)
        coloured = layer is not None and is_coloured_by_confidence(layer)
        self.by_confidence.setEnabled(known or coloured)
        self.by_confidence.setToolTip(_CONFIDENCE_TIP if known or coloured else _NO_CONFIDENCE)
        self.by_confidence.setVisible(layer is not None)
        before = self.by_confidence.blockSignals(True)
        self.by_confidence.setChecked(coloured)
        self.by_confidence.blockSignals(before)

    @property
    def labels(self) -> Labels | None:
        """The objects of the last run, if their layer is still there."""
        last = self.runner.last
        layers = [] if last is None else [layer for layer in last.layers if isinstance(layer, Labels)]
        return layers[0] if layers and layers[0] in self.viewer.layers else None

    def _colour(self, on: bool) -> None:
        if self.labels is not None:
            colour_by_confidence(self.labels, on)


def _region(memory: dict[str, Any], image: Image) -> tuple[Span, ...] | None:
    """Return the part of the image that a layer lies on, or None for all of it."""
    region = tuple(tuple(span) for span in memory.get("region") or ())
    whole = tuple((0, int(n)) for n in view.level_0(image).shape)
    return region if region and region != whole else None


def _median_diameter(layer: Labels) -> float:
    """Return what is typical in a plane: in a stack, the sides of the boxes around the objects tell it."""
    inventory = inventory_of(layer)
    if inventory is None or not inventory.labels.size:
        raise RequestError("There are no objects yet to tell their diameter from. Run the panel first.")
    if layer.ndim == 2:
        return float(2 * np.sqrt(np.median(inventory.areas) / np.pi))
    sides = (inventory.last - inventory.first + 1)[:, -2:]
    return float(np.median(np.sqrt(sides.prod(axis=1))))
