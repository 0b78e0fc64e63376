"""The image follows the mask: edits are drawn where they are, and undone with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_microdiff.engine.events import Preview, Progress
from napari_microdiff.files import read_image
from napari_microdiff.imaging.changes import MARGIN
from napari_microdiff.viewer.layers import recall
from napari_microdiff.viewer.synthesis import following, words
from napari_microdiff.viewer.synthesis.panel import SynthesizePanel

from .test_panel import LONG, mask, panel, run, viewer

__all__ = ["panel", "viewer"]  # fixtures


@pytest.fixture
def drawn(panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any) -> tuple[Labels, Image]:
    """A mask and its image, which follows."""
    labels = viewer.add_labels(mask((72, 160)), name="cells")
    (image,) = run(qtbot, panel)
    panel.follow.click()
    wait(qtbot, panel)
    assert panel.results.line.text() == words.FOLLOWING
    return labels, image


def wait(qtbot: Any, panel: SynthesizePanel) -> None:
    qtbot.waitUntil(lambda: not panel.follower.busy, timeout=LONG)


def test_an_edit_is_drawn_where_it_is_and_undoing_it_brings_the_image_back(
    panel: SynthesizePanel, drawn: tuple[Labels, Image], qtbot: Any
) -> None:
    labels, image = drawn
    before = image.data.copy()
    labels.data_setitem((np.arange(20, 30), np.full(10, 100)), 3)
    wait(qtbot, panel)
    after = image.data.copy()
    near = np.zeros(before.shape, bool)
    near[20 - MARGIN : 30 + MARGIN, 100 - MARGIN : 101 + MARGIN] = True
    assert (after != before)[near].any()
    np.testing.assert_array_equal(after[~near], before[~near])
    assert panel.results.line.text() == words.REDRAWN
    memory = recall(image)
    assert memory is not None
    assert memory["report"]["redrawn"] == 1
    labels.undo()
    wait(qtbot, panel)
    np.testing.assert_array_equal(image.data, before)
    assert panel.results.line.text() == words.BROUGHT_BACK
    labels.redo()
    wait(qtbot, panel)
    np.testing.assert_array_equal(image.data, after)


def test_the_newest_edit_counts_and_stopping_leaves_no_half_drawn_image(
    panel: SynthesizePanel, drawn: tuple[Labels, Image], qtbot: Any
) -> None:
    labels, image = drawn
    before = image.data.copy()
    labels.data_setitem((np.arange(20, 30), np.full(10, 100)), 3)
    panel.follower.compare()
    assert panel.follower.busy
    labels.data_setitem((np.arange(20, 30), np.full(10, 110)), 3)  # while the first is being drawn
    wait(qtbot, panel)
    changed = np.argwhere(image.data != before)
    assert changed[:, 1].max() > 111
    now = image.data.copy()
    labels.data_setitem((np.arange(20, 30), np.full(10, 50)), 3)
    panel.follower.compare()
    panel.follow.click()
    wait(qtbot, panel)
    np.testing.assert_array_equal(image.data, now)
    labels.data_setitem((np.arange(20, 30), np.full(10, 60)), 3)
    assert not panel.follower.busy


def test_an_edit_that_is_undone_while_it_is_drawn_leaves_the_image_as_it_was(
    panel: SynthesizePanel, drawn: tuple[Labels, Image], qtbot: Any
) -> None:
    labels, image = drawn
    before = image.data.copy()
    labels.data_setitem((np.arange(20, 30), np.full(10, 100)), 3)
    panel.follower.compare()
    assert panel.follower.busy
    labels.undo()
    wait(qtbot, panel)
    np.testing.assert_array_equal(image.data, before)


def test_what_is_saved_is_what_is_shown_after_undo(
    panel: SynthesizePanel, viewer: napari.Viewer, make_painter: Callable[..., str], qtbot: Any, tmp_path: Path
) -> None:
    name = make_painter("colours", channels=3)
    panel.model.reload()
    panel.model.choose(name)
    labels = viewer.add_labels(mask((72, 160)), name="cells")
    (image,) = run(qtbot, panel)
    panel.follow.click()
    wait(qtbot, panel)
    labels.data_setitem((np.arange(20, 30), np.full(10, 100)), 3)
    wait(qtbot, panel)
    labels.undo()
    wait(qtbot, panel)
    job = panel.actions.save(tmp_path / "made.tif")
    qtbot.waitUntil(lambda: job.over, timeout=LONG)
    np.testing.assert_array_equal(read_image(tmp_path / "made.tif").array, image.data)


def test_a_mask_that_is_given_larger_numbers_is_still_followed(
    panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    labels = viewer.add_labels(mask((72, 160)).astype(np.uint8), name="cells")
    (image,) = run(qtbot, panel)
    panel.follow.click()
    wait(qtbot, panel)
    labels.data = labels.data.astype(np.int32)
    wait(qtbot, panel)
    labels.data_setitem((np.arange(20, 30), np.full(10, 130)), 300)
    wait(qtbot, panel)
    before = image.data.copy()
    labels.data_setitem((np.arange(40, 50), np.full(10, 20)), 3)
    wait(qtbot, panel)
    changed = np.argwhere(image.data != before)
    assert changed[:, 1].max() <= 20 + MARGIN
    labels.undo()
    wait(qtbot, panel)
    np.testing.assert_array_equal(image.data, before)


def test_who_follows_again_goes_on_from_what_the_image_shows(
    panel: SynthesizePanel, drawn: tuple[Labels, Image], qtbot: Any
) -> None:
    labels, image = drawn
    for column in (40, 100):
        labels.data_setitem((np.arange(20, 30), np.full(10, column)), 3)
        wait(qtbot, panel)
    now = image.data.copy()
    panel.follow.click()
    panel.follow.click()
    wait(qtbot, panel)
    np.testing.assert_array_equal(image.data, now)  # nothing was edited since
    labels.data_setitem((np.arange(20, 30), np.full(10, 130)), 3)
    wait(qtbot, panel)
    changed = np.argwhere(image.data != now)
    assert changed[:, 1].min() >= 130 - MARGIN
    memory = recall(image)
    assert memory is not None
    assert memory["report"]["redrawn"] == 3


def test_it_ends_with_the_layers(
    panel: SynthesizePanel, drawn: tuple[Labels, Image], viewer: napari.Viewer, qtbot: Any
) -> None:
    labels, image = drawn
    viewer.layers.remove(image)
    labels.data_setitem((np.arange(20, 30), np.full(10, 100)), 3)
    wait(qtbot, panel)
    assert panel.follower.pair is None
    panel.refresh()
    assert not panel.follow.isChecked()


def test_closing_the_panel_takes_back_what_is_half_drawn(
    panel: SynthesizePanel,
    drawn: tuple[Labels, Image],
    viewer: napari.Viewer,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_end(request: Any, mask: Any, image: Any, changed: Any) -> Any:
        yield Preview(np.full((10, 10), 7, np.float32), ((20, 30), (90, 100)))
        while True:
            time.sleep(0.02)
            yield Progress(0, 1)

    labels, image = drawn
    before = image.data.copy()
    monkeypatch.setattr(following, "_redraw", without_end)
    labels.data_setitem((np.arange(20, 30), np.full(10, 100)), 3)
    panel.follower.compare()
    qtbot.waitUntil(lambda: bool((image.data[20:30, 90:100] == 7).all()), timeout=LONG)
    viewer.window.remove_dock_widget(panel)
    panel.deleteLater()
    qtbot.waitUntil(lambda: bool((image.data == before).all()), timeout=LONG)
    labels.data_setitem((np.arange(20, 30), np.full(10, 110)), 3)  # nobody listens any more
    assert labels.data[20, 110] == 3
