"""The tools that change objects of a mask, as a part of the Synthesise panel that can be folded away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from superqt import QCollapsible

from ...errors import MicrodiffError
from ..parts import Line
from . import words
from .classes import ClassRow, classes_in, set_class
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

    class_changed = Signal()

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
        self.classes = ClassRow()
        self.classes.chosen.connect(self._set_class)
        self.fold = QCollapsible(words.OBJECTS, expandedIcon="▾", collapsedIcon="▸")
        self.fold.setDuration(0)
        self.fold.layout().setContentsMargins(0, 0, 0, 0)
        self.fold.setContent(grid)
        self.fold.collapse(animate=False)
        column = QVBoxLayout(self)  # what comes and goes has no room in what is folded, which is as high as at first
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.fold)
        column.addWidget(self.classes)
        column.addWidget(self.line)
        self.tools.said.connect(lambda text, warn: self.line.say(text, warn=warn))
        self.tools.changed.connect(self.refresh)
        self.fold.toggled.connect(self._toggled)
        self.refresh()

    def offer(self, mask: Labels | None, classes: Sequence[str]) -> None:
        """Say which mask is to be worked on, and which classes of objects the model knows."""
        self._mask = mask
        self.classes.offer(classes)
        if self.fold.isExpanded():
            self.tools.hold(mask)
        self.refresh()

    def shut(self) -> None:
        """Let go of the mask."""
        self.fold.collapse(animate=False)
        self.tools.hold(None)

    def refresh(self) -> None:
        """Bring the buttons up to date."""
        ready = self.tools.mask is not None and self.tools.selected is not None
        for name, button in self.buttons.items():
            button.setEnabled(ready)
            tip = TOOLS[name].tip if ready else words.CLICK_OBJECT
            button.setToolTip(f"{tip}\nKey: {TOOLS[name].key}")
        self.classes.setVisible(self.fold.isExpanded() and len(self.classes.known) > 1)
        self.classes.show_class(self._class() if ready else None)

    def _class(self) -> int | None:
        """Return the class of the selected object; 0 where the model does not know it."""
        mask, label = self.tools.mask, self.tools.selected
        if mask is None or label is None:
            return None
        try:
            return (classes_in(mask, self.classes.known) or {}).get(label, 1)
        except MicrodiffError:
            return 0

    def _set_class(self, name: str) -> None:
        mask, label = self.tools.mask, self.tools.selected
        if mask is None or label is None:
            return
        set_class(mask, label, name)
        self.line.say(words.CLASS_CHOSEN.format(label, name))
        self.class_changed.emit()

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
        self.refresh()
