"""The tools to correct objects by hand, as a part of the Segment panel. They work on the layer that is selected."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtWidgets import QGridLayout, QGroupBox, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from .. import words
from ..jobs import Job
from ..parts import Line
from ..preview import is_forming
from . import keys
from .book import ACCEPTED, EDITED
from .copies import copy_of, pixels, unfit
from .editor import Editor
from .given import Given
from .scratch import ScratchLayer
from .settling import forget, register

_TOOLS = ("merge", "cut", "add")
_BUTTONS = {
    "next": ("Next doubtful", "Go to the object that the model is least sure of among those nobody looked at."),
    "accept": ("Accept", "This object is right: the model changes it no more. Once more takes it back."),
    "delete": ("Delete", "Delete the selected object."),
    "merge": ("Merge", "Draw a line over all the parts of one object; release, and they become one."),
    "cut": ("Cut", "Draw a line where two objects touch; release, and they are parted."),
    "add": ("Add", "Draw a short line inside an object that was missed; release, and it is outlined."),
    "split": ("Split", "The model parts the selected object; once more shows another way."),
    "redraw": ("Redraw", "Paint the selected object with napari's brush; 1 or E erases."),
}
_FEW_WORDS = "Select a layer of objects in the layer list to correct it by hand."
_HINTS = {
    None: "Click an object to select it, or go to the next doubtful one.",
    "merge": "Draw over all the parts of one object.",
    "cut": "Draw along the border where two objects touch.",
    "add": "Draw inside the object that was missed.",
}


class CorrectionBar(QGroupBox):
    """Tools and what they tell.

    Parameters
    ----------
    viewer : ViewerModel
        Whose selected layer is corrected.
    given : callable
        Returns what a layer of objects was made from; raises `MicrodiffError` if that is not to be had.
    """

    def __init__(self, viewer: ViewerModel, given: Callable[[Labels], Given]) -> None:
        super().__init__("Correct by hand")
        self._viewer, self._given = viewer, given
        self._editors: list[Editor] = []
        self._scratch = ScratchLayer(viewer)
        self.editor: Editor | None = None
        self.buttons = {name: self._button(name) for name in _BUTTONS}
        self.about, self.line = Line(viewer), Line(viewer)
        tools = QWidget()
        grid = QGridLayout(tools)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for place, name in enumerate(("next", "accept", "delete", "merge", "cut", "add", "split", "redraw")):
            row, column = (0, 2 * place) if place < 3 else (1 + (place - 3) // 3, 2 * ((place - 3) % 3))
            grid.addWidget(self.buttons[name], row, column, 1, 2)
        self.copy = QPushButton("Correct a copy")
        self.copy.setToolTip("Read all of it into memory as a layer of its own, and correct that. The original stays.")
        self.copy.clicked.connect(self._copy)
        self._copying: Job | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        for widget in (self.about, self.copy, tools, self.line):
            column.addWidget(widget)
        self._actions: dict[str, Callable[[], None]] = {
            "next": partial(self._ask, "next_doubtful"),
            "accept": partial(self._ask, "accept"),
            "delete": partial(self._ask, "delete"),
            "split": partial(self._ask, "split"),
            "redraw": self._redraw,
            "look": partial(self._use, None),
            **{tool: partial(self._toggle, tool) for tool in _TOOLS},
        }
        for name, button in self.buttons.items():
            button.clicked.connect(lambda _=False, name=name: self._actions[name]())
        viewer.layers.selection.events.active.connect(self._follow)
        viewer.layers.events.removed.connect(self._drop_gone)
        self.destroyed.connect(partial(_close_all, self._editors, self._scratch))
        self._follow()

    def _button(self, name: str) -> QPushButton:
        text, tip = _BUTTONS[name]
        button = QPushButton(text)
        button.setToolTip(f"{tip}\nKey: {keys.KEYS[name]}")
        button.setCheckable(name in _TOOLS)
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        return button

    def shut(self) -> None:
        """Let go of all layers, and follow the selection no more."""
        self._viewer.layers.selection.events.active.disconnect(self._follow)
        self._viewer.layers.events.removed.disconnect(self._drop_gone)
        self.editor = None
        _close_all(self._editors, self._scratch)

    # which layer --------------------------------------------------------------------------------------------------

    def _follow(self, event: object = None) -> None:
        """Turn to the layer that is selected, if it holds objects."""
        if self._scratch.placing:
            return
        layer = self._viewer.layers.selection.active
        if isinstance(layer, Labels) and is_forming(layer):
            layer = None
        if self.editor is not None and layer != self.editor.layer:
            self.editor.use(None)
            self.editor.pen.frame(None)
        problem = unfit(layer) if isinstance(layer, Labels) else ""
        self.editor = self._editor_of(layer) if isinstance(layer, Labels) and not problem else None
        self.copy.setVisible(bool(problem))
        self.line.say(problem, warn=True)
        self.refresh()

    def _editor_of(self, layer: Labels) -> Editor:
        for editor in self._editors:
            if editor.layer == layer:  # napari may hand out proxies
                return editor
        editor = Editor(self._viewer, layer, partial(self._given, layer), self._scratch, self)
        editor.said.connect(partial(self._say, editor))
        editor.changed.connect(self.refresh)
        keys.bind(layer, self._actions)
        layer.events.mode.connect(self._mode_changed)
        self._editors.append(editor)
        register(editor)
        return editor

    def _drop_gone(self, event: object = None) -> None:
        for editor in [e for e in self._editors if e.layer not in self._viewer.layers]:
            self._editors.remove(editor)
            if self.editor is editor:
                self.editor = None
            _close(editor)
        self.refresh()

    def _copy(self) -> None:
        """Make a layer that can be written from the one that is selected."""
        layer = self._viewer.layers.selection.active
        if not isinstance(layer, Labels) or self._copying is not None:
            return
        data = layer.data[0] if layer.multiscale else layer.data
        self._copying = Job(f"Copying {layer.name}", partial(pixels, data), self)
        self._copying.done.connect(lambda labels: self._viewer.add_layer(copy_of(layer, labels)))
        self._copying.failed.connect(lambda message: self.line.say(message, warn=True))
        self._copying.ended.connect(self._copied)
        self._copying.start()

    def _copied(self) -> None:
        self._copying = None

    def _mode_changed(self, event: object = None) -> None:
        """Put the tool down when one of napari's own is taken up."""
        if self.editor is not None and self.editor.tool is not None and self.editor.layer.mode != "pan_zoom":
            self.editor.use(None)

    # what is asked for --------------------------------------------------------------------------------------------

    def _ask(self, what: str) -> None:
        if self.editor is not None:
            self.line.say("")
            getattr(self.editor, what)()

    def _toggle(self, tool: str) -> None:
        if self.editor is not None:
            self._use(None if self.editor.tool == tool else tool)

    def _use(self, tool: str | None) -> None:
        if self.editor is not None:
            self.editor.use(tool)
            self.line.say(_HINTS[tool])

    def _redraw(self) -> None:
        if self.editor is not None:
            self._use(None)
            self.editor.layer.mode = "paint"
            self.line.say("Paint over what belongs to the selected object. Key 6 goes back to looking.")

    # what is shown ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring buttons and counts up to date."""
        editor = self.editor
        for name, button in self.buttons.items():
            button.setEnabled(editor is not None)
            if name in _TOOLS:
                button.setChecked(editor is not None and editor.tool == name)
        self.about.say(_FEW_WORDS if editor is None else _counts(editor))

    def _say(self, editor: Editor, text: str, warn: bool) -> None:
        if editor is self.editor:
            self.line.say(text, warn=warn)


def _counts(editor: Editor) -> str:
    """Return a line on the objects of a layer, and one on the selected object."""
    book = editor.book
    if book is None:
        return f"{editor.layer.name}: counting…"
    states = book.counts
    text = f"{editor.layer.name}: {words.count(len(book.inventory.labels), 'object')}"
    said = [f"{states[s]} {s}" for s in (ACCEPTED, EDITED) if states[s]]
    text = ", ".join([text, *said])
    label = editor.selected
    if label is None:
        return text
    sure = book.confidence(label)
    how = "" if np.isnan(sure) else f", confidence {sure:.2f}"
    return f"{text}\nObject {label}: {book.state(label)}{how}" + (" (working…)" if editor.busy else "")


def _close_all(editors: list[Editor], scratch: ScratchLayer) -> None:
    while editors:
        _close(editors.pop())
    scratch.close()


def _close(editor: Editor) -> None:
    forget(editor)
    keys.unbind(editor.layer)
    editor.close()
