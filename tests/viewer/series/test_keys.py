"""The keys of the series: they work everywhere in the window and take nothing from napari."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import pytest
from app_model import Application
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtCore import Qt
from qtpy.QtGui import QAction, QKeySequence
from qtpy.QtWidgets import QShortcut, QWidget

from napari_microdiff.viewer.series import keys
from napari_microdiff.viewer.series.panel import SeriesPanel

LONG = 600_000
OURS = (keys.PREVIOUS, keys.NEXT, keys.DONE)


def same(text: str) -> str:
    """A key in one spelling, whoever wrote it."""
    return QKeySequence(text.replace("Enter", "Return")).toString()


def test_no_key_is_one_of_naparis(make_napari_viewer_proxy: Any) -> None:
    viewer = make_napari_viewer_proxy()
    taken = {same(str(key)) for bindings in default_shortcuts.values() for key in bindings}
    app = Application.get_app("test_app")
    assert app is not None
    taken |= {same(str(rule.keybinding)) for rule in app.keybindings}
    window = viewer.window.add_dock_widget(QWidget()).window()
    taken |= {same(shortcut.toString()) for action in window.findChildren(QAction) for shortcut in action.shortcuts()}
    taken |= {same(shortcut.key().toString()) for shortcut in window.findChildren(QShortcut)}
    taken |= {same(str(key)) for keymap in (viewer.keymap, viewer.class_keymap) for key in keymap}
    assert {"Alt+Up", "Ctrl+G", "Ctrl+S", "V"} <= taken  # those of napari were found
    assert not taken & {same(key) for key in OURS}


def test_every_key_has_a_modifier() -> None:
    assert all("+" in key and not key.startswith("Shift+") for key in OURS)


@pytest.mark.parametrize("where", ["list", "window", "tab behind another"])
def test_keys_work_wherever_the_cursor_is(
    panel: SeriesPanel,
    viewer: napari.Viewer,
    folder: Path,
    opened: Callable[..., None],
    qtbot: Any,
    shown: None,
    where: str,
) -> None:
    opened("cell 1.tif", folder=folder)
    if where == "tab behind another":
        viewer.window.add_dock_widget(QWidget(), name="other", tabify=True).raise_()
    target = panel.list.view if where == "list" else panel.window()
    target.setFocus()
    qtbot.keyClick(target, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    opened("cell 2.tif")
    qtbot.keyClick(target, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    opened("cell 1.tif")
    qtbot.keyClick(target, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    opened("cell 2.tif")
    assert panel.browser.series.state("cell 1.tif") == "done"


def test_a_key_that_is_held_marks_one_image_as_done(panel: SeriesPanel, shown: None) -> None:
    shortcuts = {shortcut.key().toString(): shortcut for shortcut in panel.window().findChildren(QShortcut)}
    assert not shortcuts[same(keys.DONE)].autoRepeat()
    assert shortcuts[same(keys.NEXT)].autoRepeat()


def test_keys_are_free_again_when_the_panel_is_closed(
    panel: SeriesPanel, viewer: napari.Viewer, qtbot: Any, shown: None
) -> None:
    other = viewer.window.add_dock_widget(QWidget(), name="other")

    def bound() -> set[str]:
        return {shortcut.key().toString() for shortcut in other.window().findChildren(QShortcut)}

    assert {same(key) for key in OURS} <= bound()
    viewer.window.remove_dock_widget(panel)
    assert not {same(key) for key in OURS} & bound()
