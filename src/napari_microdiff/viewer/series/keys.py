"""Keys for going through a series. They work wherever the cursor is in napari's window, but not in other windows."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut, QWidget

PREVIOUS, NEXT, DONE = "Alt+Left", "Alt+Right", "Ctrl+Return"


class Keys(QObject):
    """Shortcuts of one window.

    Parameters
    ----------
    actions : dict of str to callable
        What each key does.
    parent : QObject
        When it is destroyed the keys are free again.
    """

    def __init__(self, actions: dict[str, Callable[[], None]], parent: QObject) -> None:
        super().__init__(parent)
        self._actions = actions
        self._shortcuts: list[QShortcut] = []
        self._window: QWidget | None = None

    def bind(self, window: QWidget) -> None:
        """Make the keys work in a window, whatever tab is on top of it."""
        if window is self._window:
            return
        self.release()
        self._window = window
        for key, action in self._actions.items():
            shortcut = QShortcut(QKeySequence(key), window)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.setAutoRepeat(key != DONE)  # held, it would mark images that nobody has looked at
            shortcut.activated.connect(action)
            self._shortcuts.append(shortcut)

    def release(self) -> None:
        """Free the keys."""
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts, self._window = [], None


def spoken(key: str) -> str:
    """Return a key as this computer writes it."""
    return str(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText))
