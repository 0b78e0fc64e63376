"""The tools that change objects of a mask, as a part of the Synthesise panel that can be folded away."""

from __future__ import annotations

from functools import partial

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from superqt import QCollapsible

from ..parts import Line
from . import words
from .object_edits import TOOLS
from .objects import ObjectTools

_COLUMNS = 3


class ObjectBar(QWidget):
    """Buttons for what can be done to the selected object. The mask is taken up while this is unfolded.

    Parameters
    ----------
    viewer : ViewerModel
        Where the mask is.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._mask: Labels | None = None
        self.tools, self.line = ObjectTools(viewer, self), Line(viewer)
        self.buttons = {name: self._button(name) for name, tool in TOOLS.items() if tool.text}
        grid = QWidget()
        cells = QGridLayout(grid)
        cells.setContentsMargins(0, 4, 0, 0)
        cells.setSpacing(4)
        for place, button in enumerate(self.buttons.values()):
            cells.addWidget(button, *divmod(place, _COLUMNS))
        self.fold = QCollapsible(words.OBJECTS, expandedIcon="▾", collapsedIcon="▸")
        self.fold.setDuration(0)
        self.fold.layout().setContentsMargins(0, 0, 0, 0)
        self.fold.setContent(grid)
        self.fold.collapse(animate=False)
        column = QVBoxLayout(self)  # the line has no room of its own in what is folded, which is as high as at first
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.fold)
        column.addWidget(self.line)
        self.tools.said.connect(lambda text, warn: self.line.say(text, warn=warn))
        self.tools.changed.connect(self.refresh)
        self.fold.toggled.connect(self._toggled)
        self.refresh()

    def offer(self, mask: Labels | None) -> None:
        """Say which mask is to be worked on."""
        self._mask = mask
        if self.fold.isExpanded():
            self.tools.hold(mask)
        self.refresh()

    def refresh(self) -> None:
        """Bring the buttons up to date."""
        ready = self.tools.mask is not None and self.tools.selected is not None
        for name, button in self.buttons.items():
            button.setEnabled(ready)
            tip = TOOLS[name].tip if ready else words.CLICK_OBJECT
            button.setToolTip(f"{tip}\nKey: {TOOLS[name].key}")

    def _button(self, name: str) -> QPushButton:
        button = QPushButton(TOOLS[name].text)
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        button.clicked.connect(partial(self._use, name))
        return button

    def _use(self, name: str, _checked: bool = False) -> None:
        self.tools.use(name)

    def _toggled(self, expanded: bool) -> None:
        self.line.say(words.NOTHING_CHOSEN if expanded and self._mask is None else "")
        self.tools.hold(self._mask if expanded else None)
