"""The row of settings: model, how objects are shown, and their diameter."""

from __future__ import annotations

from magicgui.widgets import ComboBox
from qtpy.QtCore import QTimer, Signal

from .. import settings
from ..choices import ModelChoice
from ..layout import Rows
from ..object_fields import SHOWN, DiameterField
from .recipe import AUTOMATIC, SeriesRecipe

_SHOWN = {"automatic": AUTOMATIC, **SHOWN}
_SHOWN_TIP = "How objects differ from what is around them. Automatic: stained in images in colours, brighter in others."
_DIAMETER_TIP = "Typical diameter of the objects in pixels. Automatic measures it in each image."
_PAUSE_MS = 700  # who turns the wheel of a number does not start ten segmentations


class RecipeRows(Rows):
    """How the images that have no labels yet are segmented."""

    changed = Signal(object)  # SeriesRecipe

    def __init__(self) -> None:
        super().__init__()
        self.model = ModelChoice("segment")
        self.shown = ComboBox(choices=list(_SHOWN.items()), tooltip=_SHOWN_TIP)
        self.diameter = DiameterField(_DIAMETER_TIP)
        self.add("Model", self.model)
        self.add("Objects", self.shown.native)
        self.add("Diameter", self.diameter)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE_MS)
        self._soon.timeout.connect(self._tell_now)
        self.model.reload()
        for signal in (self.model.changed, self.diameter.changed, self.shown.changed):
            signal.connect(self._tell)

    def stop(self) -> None:
        """Tell of no change any more."""
        self._soon.stop()

    def hurry(self) -> None:
        """Tell now of what was changed a moment before."""
        if self._soon.isActive():
            self._soon.stop()
            self._tell_now()

    @property
    def recipe(self) -> SeriesRecipe:
        """The settings."""
        card = self.model.card
        return SeriesRecipe(
            model=card.id if card is not None else SeriesRecipe().model,
            shown=str(self.shown.value),
            diameter=self.diameter.value,
            device=settings.load().device,
        )

    def show_recipe(self, recipe: SeriesRecipe) -> None:
        """Show these settings; a model that is not installed any more is left out."""
        self.model.choose(recipe.model)
        if recipe.shown in _SHOWN.values():
            self.shown.value = recipe.shown
        self.diameter.value = recipe.diameter

    def _tell(self, _: object = None) -> None:
        self._soon.start()

    def _tell_now(self) -> None:
        self.changed.emit(self.recipe)
