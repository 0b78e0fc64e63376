"""Who corrects a layer: whoever writes it or takes it away waits for the last stroke."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

from napari.layers import Labels

from ...imaging.inventory import Inventory
from .editor import Editor

_EDITORS: WeakSet[Editor] = WeakSet()


def register(editor: Editor) -> None:
    """Know of an editor until it is closed."""
    _EDITORS.add(editor)


def forget(editor: Editor) -> None:
    """Know of an editor no more."""
    _EDITORS.discard(editor)


def is_corrected(layer: Labels | None) -> bool:
    """Whether somebody keeps the states of the objects of a layer up to date."""
    return _editor_of(layer) is not None


def is_busy(layer: Labels | None) -> bool:
    """Whether the model is at work on a stroke in a layer."""
    editor = _editor_of(layer)
    return editor is not None and editor.busy


def inventory_of(layer: Labels) -> Inventory | None:
    """Return the objects of a layer, if somebody has counted them."""
    editor = _editor_of(layer)
    return None if editor is None or editor.book is None else editor.book.inventory


def when_settled(layer: Labels | None, then: Callable[[], None]) -> None:
    """Call back when all strokes in a layer are worked on and its objects are known; at once if nobody corrects it."""
    editor = _editor_of(layer)
    if editor is None:
        then()
        return

    def look() -> None:
        if not editor.busy:
            editor.changed.disconnect(look)
            editor.stock.when_counted(then)

    editor.changed.connect(look)
    look()


def _editor_of(layer: Labels | None) -> Editor | None:
    editors = (editor for editor in list(_EDITORS) if layer is not None and editor.layer == layer)  # or its proxy
    return next(editors, None)
