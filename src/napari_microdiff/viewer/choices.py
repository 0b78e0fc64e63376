"""What the image, its layers and the model are chosen with in every panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from magicgui.widgets import ComboBox
from napari.components import ViewerModel
from napari.layers import Image, Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QPushButton, QWidget

from ..engine.request import Request
from ..models.card import Card
from .card_view import CardDialog
from .parts import fill
from .preview import is_ours

TASKS = ("denoise", "superresolve", "isotropic", "repair", "segment", "synthesize")
USUAL_MODELS = frozenset(Request.model_validate({"task": task}).model for task in TASKS)
_NO_LAYER = "no layer"
_TOLD = ("data", "scale", "units", "axis_labels")  # events of a layer
_LETTERS = 12  # of a name that is always shown


class LayerChoice(QWidget):
    """Which layer of one kind. Others are not offered.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers are offered.
    kind : type
        Of the layers.
    tip : str
        Tooltip.
    none : str
        What the choice of no layer is called, which then is the first one; without it some layer is chosen as soon as
        there is one.
    """

    changed = Signal()
    told = Signal()  # the chosen layer got other pixels, or says something else of their size or of its axes

    def __init__(
        self,
        viewer: ViewerModel,
        kind: type[Layer] = Image,
        tip: str = "The image to work on. Only image layers are offered.",
        none: str = "",
    ) -> None:
        super().__init__()
        self._viewer, self.kind = viewer, kind
        self._by_itself = True  # whether nobody has chosen or used what is chosen
        self._listened_to: Layer | None = None
        self.none = none
        self._box = ComboBox(choices=self._choices, nullable=False)
        self._box.native.setToolTip(tip)
        _cut_short(self._box)
        fill(self, self._box.native)
        self._box.changed.connect(self._on_changed)
        for event in (viewer.layers.events.inserted, viewer.layers.events.removed, viewer.layers.events.renamed):
            event.connect(self._refresh)
        active = viewer.layers.selection.active
        if isinstance(active, kind) and not none:
            self.choose(active)
        self._listen()

    def _choices(self, box: object = None) -> list[tuple[str, Any]]:
        layers = [(layer.name, layer) for layer in self._viewer.layers if isinstance(layer, self.kind)]
        return [(self.none, _NO_LAYER), *layers] if self.none else layers

    def _on_changed(self, _: object) -> None:
        self._by_itself = False
        self._tell()

    def _tell(self) -> None:
        self._listen()
        self.changed.emit()

    def _listen(self) -> None:
        """Listen to what the chosen layer tells, and to no other one any more."""
        before, self._listened_to = self._listened_to, self.layer
        for layer, way in ((before, "disconnect"), (self.layer, "connect")):
            for name in _TOLD if layer is not None else ():
                getattr(getattr(layer.events, name), way)(self._on_told)

    def _on_told(self, _: object) -> None:
        self.told.emit()

    def _refresh(self, event: Any = None) -> None:
        names = [layer.name for layer in self._viewer.layers]
        if len(set(names)) < len(names):  # napari is about to rename the one that was renamed last, and tells of it
            return
        before = self.layer
        with self._box.changed.blocked():
            self._box.reset_choices()  # which tells choices by their names
            if before is not None and before in self._viewer.layers:
                self.choose(before)
            else:
                self._by_itself = True
            if self._is_better(event):
                self.choose(event.value)
        if self.layer is not before:
            self._tell()

    def _is_better(self, event: Any) -> bool:
        """Whether what was added can be seen and is not of our making, and what the box chose by itself is hidden."""
        if event is None or event.type != "inserted" or self.none or not self._by_itself or self.layer is None:
            return False
        added = event.value
        return isinstance(added, self.kind) and added.visible and not is_ours(added) and not self.layer.visible

    @property
    def layer(self) -> Any:
        """The chosen layer, or None."""
        value = self._box.value
        return value if isinstance(value, self.kind) else None

    def choose(self, layer: Layer | None) -> None:
        """Choose a layer of the viewer, or none."""
        wanted = _NO_LAYER if layer is None else layer
        self._box.value = next(mine for _, mine in self._choices() if mine == wanted)

    def keep(self) -> None:
        """Keep what is chosen, as it is in use."""
        self._by_itself = False

    def call_none(self, words: str) -> None:
        """Call the choice of no layer otherwise."""
        self.none = words
        self._refresh()


class ModelChoice(QWidget):
    """Which model, and a button that shows its card.

    Parameters
    ----------
    task : str
        What it is to do.
    as_prior : str
        What is added to the titles of models that were trained for another task and serve for this one, too.
    """

    changed = Signal()

    def __init__(self, task: str, as_prior: str = "") -> None:
        super().__init__()
        self._own, *self._others = Request.model_validate({"task": task}).serves
        self._as_prior = as_prior
        self.cards: list[Card] = []
        self._box = ComboBox(choices=self._choices, nullable=False)
        _cut_short(self._box)
        self.about = QPushButton("i")
        self.about.setFixedWidth(24)
        self.about.setToolTip("What this model is: training images, measured quality, known failures.")
        self.about.clicked.connect(self._show_card)
        fill(self, self._box.native, self.about)
        self._box.changed.connect(lambda _: self.changed.emit())

    def _choices(self, box: object = None) -> list[tuple[str, str]]:
        return [(card.title, card.id) for card in self.cards]

    def reload(self) -> None:
        """Read the model store again, keeping the model that is chosen if it is still there."""
        from ..models.store import list_models

        cards = [model.card for model in list_models()]
        priors = [card for other in self._others for card in cards if card.task == other]
        named = [card.model_copy(update={"title": f"{card.title}{self._as_prior}"}) for card in priors]
        self.offer([*(card for card in cards if card.task == self._own), *named])

    def offer(self, cards: Sequence[Card]) -> None:
        """Offer these models; the one that was chosen stays so if it is among them."""
        chosen = self.card
        titles = [card.title for card in cards]
        self.cards = [
            card if titles.count(card.title) == 1 else card.model_copy(update={"title": f"{card.title} ({card.id})"})
            for card in cards
        ]
        before = self._box.value
        self._box.reset_choices()
        if not self.choose(before or ""):  # boxes tell choices by their titles, which may have changed
            self.choose(next((card.id for card in cards if card.id in USUAL_MODELS), ""))
        self.about.setEnabled(bool(cards))
        if chosen is None or self.card != chosen:
            self.changed.emit()

    @property
    def card(self) -> Card | None:
        """Card of the chosen model."""
        return next((card for card in self.cards if card.id == self._box.value), None)

    @property
    def by_prior(self) -> bool:
        """Whether the chosen model was trained for another task, and needs several steps for this one."""
        return self.card is not None and self.card.task != self._own

    def choose(self, model_id: str) -> bool:
        """Choose a model; return whether it is on offer."""
        if all(card.id != model_id for card in self.cards):
            return False
        self._box.value = model_id
        return True

    def _show_card(self) -> None:
        if self.card is not None:
            CardDialog(self.card, self).show()


def _cut_short(box: ComboBox) -> None:
    """Let long names be cut short, instead of making the panel wider than its dock."""
    box.native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.native.setMinimumContentsLength(_LETTERS)
