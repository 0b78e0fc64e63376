"""Objects of several classes: chosen on the panel or in the table of the layer, and drawn as such."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import napari
import numpy as np
import pytest
from napari.layers import Labels

from napari_microdiff.imaging.changes import MARGIN
from napari_microdiff.viewer.synthesis import words
from napari_microdiff.viewer.synthesis.classes import classes_in, named_classes, set_class
from napari_microdiff.viewer.synthesis.panel import SynthesizePanel

from .test_following import wait
from .test_objects import click_at, use
from .test_panel import LONG, click, mask, panel, run, viewer

__all__ = ["panel", "viewer"]  # fixtures
NAMES = ("resting", "dividing")


@pytest.fixture
def cells(panel: SynthesizePanel, viewer: napari.Viewer, make_painter: Callable[..., str], qtbot: Any) -> Labels:
    """A mask under which a model draws that knows two classes."""
    make_painter("two-kinds", classes=2)
    panel.model.reload()
    layer = viewer.add_labels(mask((64, 80)), name="cells")
    panel.objects.fold.expand(animate=False)
    assert not panel.objects.classes.isVisibleTo(panel)  # the model that is chosen knows but one
    assert panel.model.choose("two-kinds")
    assert panel.objects.classes.isVisibleTo(panel)
    return layer


def choose(panel: SynthesizePanel, name: str) -> None:
    box = panel.objects.classes.box
    box.setCurrentIndex(box.findText(name))
    box.activated.emit(box.currentIndex())


def test_a_class_is_chosen_for_the_selected_object_and_asked_for(panel: SynthesizePanel, cells: Labels) -> None:
    row = panel.objects.classes
    assert row.known == NAMES
    assert not row.box.isEnabled()
    assert panel.request().options.kinds == ()
    click_at(cells, 40, 55)
    assert row.box.isEnabled()
    assert row.box.currentText() == "resting"
    choose(panel, "dividing")
    assert panel.objects.line.text() == words.CLASS_CHOSEN.format(2, "dividing")
    assert panel.request().options.kinds == ((2, 2),)
    click_at(cells, 20, 20)
    assert row.box.currentText() == "resting"
    click_at(cells, 40, 55)
    assert row.box.currentText() == "dividing"
    panel.objects.fold.collapse(animate=False)
    assert not row.isVisibleTo(panel)


def test_an_object_is_drawn_again_in_its_new_class_and_choosing_back_brings_the_image_back(
    panel: SynthesizePanel, cells: Labels, qtbot: Any
) -> None:
    (image,) = run(qtbot, panel)
    panel.follow.click()
    wait(qtbot, panel)
    before = image.data.copy()
    click_at(cells, 40, 55)
    choose(panel, "dividing")
    wait(qtbot, panel)
    after = image.data.copy()
    rows, columns = np.nonzero(cells.data == 2)
    near = np.zeros(before.shape, bool)
    near[rows.min() - MARGIN : rows.max() + 1 + MARGIN, columns.min() - MARGIN : columns.max() + 1 + MARGIN] = True
    assert (after != before)[near].any()
    np.testing.assert_array_equal(after[~near], before[~near])
    choose(panel, "resting")
    wait(qtbot, panel)
    np.testing.assert_array_equal(image.data, before)
    assert panel.results.line.text() == words.BROUGHT_BACK
    choose(panel, "dividing")
    wait(qtbot, panel)
    np.testing.assert_array_equal(image.data, after)
    cells.features = {"index": [1, 2], "class": [None, None]}  # as somebody may in the table of the layer
    panel.follower.compare()
    wait(qtbot, panel)
    np.testing.assert_array_equal(image.data, before)


def test_copies_and_new_layouts_keep_the_classes(
    panel: SynthesizePanel, viewer: napari.Viewer, cells: Labels, qtbot: Any
) -> None:
    click_at(cells, 40, 55)
    choose(panel, "dividing")
    use(qtbot, panel, "copy")
    assert classes_in(cells, NAMES) == {2: 2, 3: 2}
    set_class(cells, 1, "resting")
    click(qtbot, panel.layout_button)
    qtbot.waitUntil(lambda: panel.layouts.job is None, timeout=LONG)
    new = viewer.layers[-1]
    assert new is not cells
    assert (classes_in(new, NAMES) or {}).keys() == set(np.unique(new.data[new.data > 0]).tolist())


def test_what_the_model_does_not_know_is_said_before_anything_is_drawn(
    panel: SynthesizePanel, cells: Labels, notes: Callable[[], list[str]]
) -> None:
    cells.features = {"index": [1, 2], "class": ["resting", "sleeping"]}
    panel.run_bar.run.click()
    assert panel.runner.job is None
    assert notes() == ["Object 2 is of the class 'sleeping'. Known are 1 (resting), 2 (dividing)."]
    click_at(cells, 40, 55)
    assert panel.objects.classes.box.currentText() == ""


def test_rows_of_a_table_without_labels_are_labels(cells: Labels) -> None:
    cells.features = {"class": [None, "dividing", None]}
    assert classes_in(cells, NAMES) == {1: 2}
    set_class(cells, 2, "dividing")
    assert classes_in(cells, NAMES) == {1: 2, 2: 2}
    assert classes_in(cells, NAMES[:1]) is None


def test_a_table_of_ones_own_that_calls_the_label_so_stays_one(
    panel: SynthesizePanel, cells: Labels, qtbot: Any
) -> None:
    cells.features = {"label": [1, 2], "class": ["resting", "resting"]}
    assert named_classes(cells) == {1: "resting", 2: "resting"}
    click_at(cells, 40, 55)
    choose(panel, "dividing")
    assert classes_in(cells, NAMES) == {1: 1, 2: 2}
    use(qtbot, panel, "copy")
    assert classes_in(cells, NAMES) == {1: 1, 2: 2, 3: 2}
    assert list(cells.features) == ["label", "class"]


def test_who_follows_again_knows_the_classes_that_the_image_shows(
    panel: SynthesizePanel, cells: Labels, qtbot: Any
) -> None:
    (image,) = run(qtbot, panel)
    panel.follow.click()
    wait(qtbot, panel)
    resting = image.data.copy()
    click_at(cells, 40, 55)
    choose(panel, "dividing")
    wait(qtbot, panel)
    dividing = image.data.copy()
    panel.follow.click()
    panel.follow.click()
    wait(qtbot, panel)
    np.testing.assert_array_equal(image.data, dividing)
    panel.follow.click()
    choose(panel, "resting")
    panel.follow.click()
    wait(qtbot, panel)
    assert not np.array_equal(image.data, dividing)
    assert abs(image.data - resting).max() < abs(dividing - resting).max()


def test_running_again_draws_the_objects_in_the_classes_that_they_have_now(
    panel: SynthesizePanel, cells: Labels, qtbot: Any
) -> None:
    run(qtbot, panel)
    click_at(cells, 40, 55)
    choose(panel, "dividing")
    click(qtbot, panel.results.again)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    (again,) = panel.runner.last.layers
    (image,) = run(qtbot, panel)
    np.testing.assert_array_equal(again.data, image.data)


def test_a_copy_does_not_inherit_the_class_of_one_that_was_undone(
    panel: SynthesizePanel, cells: Labels, qtbot: Any
) -> None:
    click_at(cells, 40, 55)
    choose(panel, "dividing")
    use(qtbot, panel, "copy")
    cells.undo()
    click_at(cells, 20, 20)
    use(qtbot, panel, "copy")
    assert classes_in(cells, NAMES) == {2: 2}
