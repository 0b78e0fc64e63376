"""What a panel's own file says: its words, its further settings, and what it asks for.

Whoever writes a panel for another task reads this, and overrides what is different there.
"""

from __future__ import annotations

from typing import Any, ClassVar

from napari.components import ViewerModel
from qtpy.QtWidgets import QWidget

from ..engine.request import Request, Span
from . import words
from .choices import LayerChoice
from .docked import Docked
from .jobs import Job
from .layers import LayerSource
from .layout import Rows


class Own(Docked):
    """What is different in each panel, as it is in most.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer to work in.
    """

    task = ""
    doing = ""  # "Denoising"
    made = ""  # "denoised"
    outputs: ClassVar[dict[str, str]] = {}  # what can be made, and what that is; the first is always worth having
    details: ClassVar[tuple[dict[str, int], ...]] = ()  # what each position of the Detail slider sets
    detail_at_first: ClassVar[int | None] = None  # its position; None is where a panel was used last
    detail_tip = words.DETAIL_TIP
    detail_least = "Instant"  # what its first position is called
    as_prior = ""  # what is added to the title of a model that was trained for another task
    compares = True  # whether to say how like an image is to those that the model was trained on
    source_word = "Image"
    nothing_open = "Open an image, or use File > Open Sample."
    nothing_chosen = "Choose an image layer first."
    no_model = "No model is installed. Add one with: napari-microdiff models add FOLDER"

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.viewer = viewer

    def layer_choice(self) -> LayerChoice:
        """Return what the layer to work on is chosen with."""
        return LayerChoice(self.viewer)

    def source_of(self, layer: Any) -> LayerSource:
        """Take what a job needs from a layer.

        Raises
        ------
        MicrodiffError
            If it cannot be worked on.
        """
        return LayerSource.of(layer)

    def source_again(self, source: LayerSource) -> LayerSource:
        """Take from the same layers as they are now what a job needs; what it was if they are gone.

        Raises
        ------
        MicrodiffError
            If it cannot be worked on.
        """
        return self.source_of(source.layer) if source.layer in self.viewer.layers else source

    def end(self) -> None:
        """Cancel all jobs and give back what was taken up."""
        for job in self.findChildren(Job):
            job.cancel()

    def add_rows(self, rows: Rows) -> None:
        """Add rows that only this panel has, between the model and the detail."""

    def own_rows(self) -> list[QWidget]:
        """Return widgets that only this panel has; they stand on top of what "More" unfolds."""
        return []

    def own_results(self) -> list[QWidget]:
        """Return widgets that only this panel has; they stand below the result."""
        return []

    def options(self) -> dict[str, Any]:
        """Return the fields of the request that only this panel sets."""
        return {}

    def previewed(self, region: tuple[Span, ...], axes: str) -> tuple[Span, ...]:
        """Return what is run on to preview what is visible."""
        return region

    def looked(self, look: Any) -> None:
        """Use what was learnt by looking at the image."""

    def choose_beside(self, memory: dict[str, Any]) -> None:
        """Choose the other layers that a result was made with, of what its layer remembers."""

    def renewed(self, request: Request, layer: Any) -> Request:
        """Return an earlier request with what a layer itself says of it now."""
        return request
