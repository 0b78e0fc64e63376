"""Objects of a mask are changed one at a time: what a user clicks, and what Ctrl+Z takes back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import dask.array as da
import napari
import numpy as np
import pytest
from napari.layers import Image, Labels
from napari.utils.interactions import mouse_press_callbacks, mouse_release_callbacks
from napari.utils.shortcuts import default_shortcuts
from wrapt import ObjectProxy

from napari_microdiff.viewer.corrections import keys
from napari_microdiff.viewer.corrections.pen import Pen
from napari_microdiff.viewer.corrections.scratch import ScratchLayer
from napari_microdiff.viewer.synthesis import words
from napari_microdiff.viewer.synthesis.object_edits import TOOLS
from napari_microdiff.viewer.synthesis.panel import SynthesizePanel

from .test_following import drawn, wait
from .test_panel import LONG, click, mask, panel, viewer

__all__ = ["drawn", "panel", "viewer"]  # fixtures


@pytest.fixture
def cells(panel: SynthesizePanel, viewer: napari.Viewer) -> Labels:
    """A mask whose objects can be changed."""
    layer = viewer.add_labels(mask((64, 80)), name="cells")
    panel.objects.fold.expand(animate=False)
    return layer


def click_at(layer: Labels, *place: float) -> None:
    """Click a place of a layer, in its pixels."""

    def event(kind: str) -> Any:
        return ObjectProxy(  # as napari's canvas passes events on
            SimpleNamespace(type=kind, position=layer.data_to_world(place), button=1, modifiers=(), handled=False)
        )

    mouse_press_callbacks(layer, event("mouse_press"))
    mouse_release_callbacks(layer, event("mouse_release"))


def use(qtbot: Any, panel: SynthesizePanel, *names: str) -> None:
    """Click buttons one after the other, and wait."""
    for name in names:
        click(qtbot, panel.objects.buttons[name])
    qtbot.waitUntil(lambda: not panel.objects.tools.busy, timeout=LONG)


def area(layer: Labels, label: int) -> int:
    return int(np.count_nonzero(layer.data == label))


def test_a_click_selects_and_each_button_is_one_step_back(
    panel: SynthesizePanel, viewer: napari.Viewer, cells: Labels, qtbot: Any
) -> None:
    bar, before = panel.objects, cells.data.copy()
    assert not bar.buttons["grow"].isEnabled()
    assert bar.line.text() == words.CLICK_OBJECT
    click_at(cells, 40, 55)
    assert bar.tools.selected == cells.selected_label == 2
    for name in bar.buttons:
        use(qtbot, panel, name)
        assert (cells.data != before).any(), name
        assert bar.line.text().endswith("Ctrl+Z takes it back.")
        cells.undo()
        np.testing.assert_array_equal(cells.data, before)
        click_at(cells, 40, 55)
    cells.undo()
    np.testing.assert_array_equal(cells.data, before)  # there is nothing else in the history


def test_letting_go_of_the_mask_leaves_the_tool_of_another_panel(
    panel: SynthesizePanel, viewer: napari.Viewer, cells: Labels
) -> None:
    other = Pen(ScratchLayer(viewer), cells, panel)
    other.take("object")
    panel.objects.fold.collapse(animate=False)
    assert not cells.mouse_pan
    other.close()
    assert cells.mouse_pan


def test_what_the_buttons_do(panel: SynthesizePanel, cells: Labels, qtbot: Any) -> None:
    small, other = area(cells, 2), cells.data == 1
    click_at(cells, 40, 55)
    use(qtbot, panel, "grow", "grow", "shrink")
    assert small < area(cells, 2) < 1.5 * small
    use(qtbot, panel, "copy")
    assert panel.objects.tools.selected == 3
    assert area(cells, 3) == area(cells, 2)
    use(qtbot, panel, "delete")
    assert area(cells, 3) == 0
    assert panel.objects.tools.selected is None
    np.testing.assert_array_equal(cells.data == 1, other)


def test_keys_move_and_clash_with_none_of_naparis_or_ours(
    panel: SynthesizePanel, viewer: napari.Viewer, cells: Labels, qtbot: Any
) -> None:
    taken = {str(key) for bound in default_shortcuts.values() for key in bound} | set(keys.KEYS.values())
    ours = {tool.key for tool in TOOLS.values()}
    assert len(ours) == len(TOOLS)
    assert not taken & ours
    assert not {str(key) for key in Labels.class_keymap} & ours
    bound = {str(key): action for key, action in cells.keymap.items()}
    assert ours <= set(bound)
    before = np.argwhere(cells.data == 2).mean(axis=0)
    click_at(cells, 40, 55)
    for key in ("Shift+Left", "Shift+Left", "Shift+Up"):
        bound[key](cells)
    qtbot.waitUntil(lambda: not panel.objects.tools.busy, timeout=LONG)
    np.testing.assert_allclose(np.argwhere(cells.data == 2).mean(axis=0) - before, (-2, -4))
    panel.objects.fold.collapse(animate=False)
    assert not {str(key) for key in cells.keymap} & ours
    assert "strokes" not in viewer.layers


def test_the_image_follows(panel: SynthesizePanel, drawn: tuple[Labels, Image], qtbot: Any) -> None:
    labels, image = drawn
    before = image.data.copy()
    panel.objects.fold.expand(animate=False)
    click_at(labels, 40, 55)
    use(qtbot, panel, "delete")
    wait(qtbot, panel)
    assert (image.data != before).any()
    labels.undo()
    wait(qtbot, panel)
    np.testing.assert_array_equal(image.data, before)


def test_a_plane_of_a_stack_is_changed_alone(panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    stack = np.stack([mask(), np.where(mask() == 2, 7, 0), mask()])
    layer = viewer.add_labels(stack.copy(), name="stack", scale=(2, 0.5, 0.5))
    panel.objects.fold.expand(animate=False)
    viewer.dims.set_current_step(0, 1)
    click_at(layer, 1, 40, 55)
    assert panel.objects.tools.selected == 7
    use(qtbot, panel, "copy")
    assert panel.objects.tools.selected == 8  # free in the whole stack
    np.testing.assert_array_equal(layer.data[[0, 2]], stack[[0, 2]])
    assert np.count_nonzero(layer.data[1] == 8) == np.count_nonzero(stack[1] == 7)


def test_another_mask_is_taken_up_and_the_first_one_let_go(
    panel: SynthesizePanel, viewer: napari.Viewer, cells: Labels
) -> None:
    click_at(cells, 40, 55)
    other = viewer.add_labels(mask((50, 60)), name="other")
    panel.image.choose(other)
    assert panel.objects.tools.mask == other
    assert panel.objects.tools.selected is None
    assert not cells.keymap
    assert other.keymap
    viewer.layers.remove(other)
    assert panel.objects.tools.mask == cells


def test_masks_that_cannot_be_changed_are_told(panel: SynthesizePanel, viewer: napari.Viewer) -> None:
    layer = viewer.add_labels(da.from_array(mask()), name="on disk")
    panel.objects.fold.expand(animate=False)
    assert panel.objects.line.text() == words.MASK_NOT_WRITABLE.format("on disk")
    assert panel.objects.tools.mask is None
    assert not layer.keymap


def test_without_a_mask_it_says_what_to_do(panel: SynthesizePanel) -> None:
    panel.objects.fold.expand(animate=False)
    assert panel.objects.line.text() == words.NOTHING_CHOSEN
    assert not panel.objects.buttons["grow"].isEnabled()


def test_an_edit_that_would_leave_nothing_is_told_and_ends_the_others(
    panel: SynthesizePanel, cells: Labels, qtbot: Any
) -> None:
    click_at(cells, 40, 55)
    use(qtbot, panel, *["shrink"] * 15)
    assert "Nothing would be left of object 2" in panel.objects.line.text()
    assert area(cells, 2) > 0


def test_a_mask_that_is_edited_meanwhile_is_not_overwritten(panel: SynthesizePanel, cells: Labels, qtbot: Any) -> None:
    click_at(cells, 40, 55)
    panel.objects.tools.use("grow")
    painted = np.where(cells.data == 2, 9, cells.data)
    cells.data_setitem(np.nonzero(cells.data == 2), 9)  # before the edit arrives
    qtbot.waitUntil(lambda: not panel.objects.tools.busy, timeout=LONG)
    assert (cells.data[painted == 9] == 9).all()


def test_what_waits_is_not_done_to_another_object(panel: SynthesizePanel, cells: Labels, qtbot: Any) -> None:
    before = area(cells, 1)
    click_at(cells, 40, 55)
    for _ in range(4):
        panel.objects.tools.use("grow")
    click_at(cells, 20, 20)
    qtbot.waitUntil(lambda: not panel.objects.tools.busy, timeout=LONG)
    assert panel.objects.tools.selected == 1
    assert area(cells, 1) == before


def test_the_frame_is_hidden_and_not_removed_together_with_its_mask(
    panel: SynthesizePanel, viewer: napari.Viewer, cells: Labels
) -> None:
    click_at(cells, 40, 55)
    assert viewer.layers["strokes"].visible
    viewer.layers.remove(cells)
    assert not viewer.layers["strokes"].visible
    panel.objects.fold.collapse(animate=False)
    assert "strokes" not in viewer.layers


def test_a_mask_that_is_removed_meanwhile_ends_it(
    panel: SynthesizePanel, viewer: napari.Viewer, cells: Labels, qtbot: Any
) -> None:
    click_at(cells, 40, 55)
    before = cells.data.copy()
    panel.objects.tools.use("grow")
    viewer.layers.remove(cells)
    qtbot.waitUntil(lambda: not panel.objects.tools.busy, timeout=LONG)
    np.testing.assert_array_equal(cells.data, before)
    assert panel.objects.tools.mask is None
