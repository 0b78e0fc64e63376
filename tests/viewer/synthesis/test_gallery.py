"""The gallery: images form together, are looked at, kept, put away and saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import napari
import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_microdiff.files import read_image
from napari_microdiff.imaging.judging import Scores
from napari_microdiff.tasks import synthesize
from napari_microdiff.tasks.judge import Judge
from napari_microdiff.viewer.layers import recall
from napari_microdiff.viewer.synthesis import words
from napari_microdiff.viewer.synthesis.panel import SynthesizePanel

from .test_panel import LONG, click, mask, panel, viewer

__all__ = ["panel", "viewer"]  # fixtures


def draw(qtbot: Any, panel: SynthesizePanel, count: int = 3) -> None:
    panel.gallery_view.count.setValue(count)
    click(qtbot, panel.gallery_view.draw)
    qtbot.waitUntil(lambda: panel.gallery.job is None, timeout=LONG)


@pytest.fixture
def drawn(panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any) -> SynthesizePanel:
    viewer.add_labels(mask(), name="cells", scale=(0.5, 0.5), units=("um", "um"))
    panel.gallery_view.judge.setChecked(False)
    draw(qtbot, panel)
    return panel


def select(panel: SynthesizePanel, qtbot: Any, number: int) -> None:
    grid = panel.gallery_view.grid
    place = grid.visualItemRect(grid.item(number)).center()
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_clicking_shows_large_and_keeping_leaves_a_layer(
    drawn: SynthesizePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    panel, view = drawn, drawn.gallery_view
    assert view.grid.count() == 3
    assert not view.keep.isEnabled()
    select(panel, qtbot, 1)
    assert [layer.name for layer in viewer.layers] == ["cells synthetic 2", "cells"]
    assert viewer.layers["cells"].contour == 1
    memory = recall(viewer.layers[0])
    assert memory is not None
    assert memory["request"].seed == 1
    alone = synthesize(mask(), model=memory["request"].model, steps=2, seed=1, device="cpu", axes="YX").sample
    np.testing.assert_array_equal(viewer.layers[0].data, alone)
    select(panel, qtbot, 2)
    assert [layer.name for layer in viewer.layers] == ["cells synthetic 3", "cells"]  # in the place of the other
    qtbot.keyClick(view.grid, Qt.Key.Key_K)
    assert panel.gallery.sheet.samples[2].state == "kept"
    select(panel, qtbot, 0)
    assert [layer.name for layer in viewer.layers] == ["cells synthetic 3", "cells synthetic 1", "cells"]
    qtbot.keyClick(view.grid, Qt.Key.Key_Delete)
    assert panel.gallery.sheet.samples[0].state == "rejected"
    assert not viewer.layers["cells synthetic 1"].visible
    click(qtbot, view.reject)
    assert panel.gallery.sheet.samples[0].state == ""


def test_kept_images_are_saved_as_pairs_that_say_what_they_are(
    drawn: SynthesizePanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path
) -> None:
    panel, view = drawn, drawn.gallery_view
    assert not view.save.isEnabled()
    assert view.save.toolTip() == words.NOTHING_KEPT
    for number in (0, 2):
        select(panel, qtbot, number)
        click(qtbot, view.keep)
    assert view.save.isEnabled()
    panel.gallery.save(tmp_path / "pairs")
    qtbot.waitUntil(lambda: panel.gallery.job is None, timeout=LONG)
    assert view.line.text() == "2 pairs saved; there are 2 in pairs."
    lines = [json.loads(line) for line in (tmp_path / "pairs" / "manifest.jsonl").read_text().splitlines()]
    assert [line["request"]["seed"] for line in lines[1:]] == [0, 2]
    assert all(line["synthetic"] is True for line in lines)
    image = read_image(tmp_path / "pairs" / lines[1]["image"])
    np.testing.assert_array_equal(image.array, panel.gallery.sheet.samples[0].variation.result.sample)
    assert image.pixel_size_um == {"Y": 0.5, "X": 0.5}
    np.testing.assert_array_equal(read_image(tmp_path / "pairs" / lines[1]["labels"]).array, mask())
    panel.gallery.save(tmp_path / "pairs")  # adds to it
    qtbot.waitUntil(lambda: panel.gallery.job is None, timeout=LONG)
    assert "there are 4" in view.line.text()
    panel.gallery.save(tmp_path / "pairs" / "images")  # holds other files
    qtbot.waitUntil(lambda: panel.gallery.job is None, timeout=LONG)
    assert view.line.warns
    assert "Choose a new folder" in view.line.text()


def test_kept_images_are_saved_with_the_mask_that_they_were_drawn_under(
    panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_microdiff.viewer.synthesis.mask_source._COPIED", 0)  # as of a very large one
    labels = viewer.add_labels(mask(), name="cells")
    panel.gallery_view.judge.setChecked(False)
    panel.gallery_view.count.setValue(1)
    click(qtbot, panel.gallery_view.draw)
    qtbot.waitUntil(lambda: panel.gallery.job is None, timeout=LONG)
    panel.gallery.keep(0)
    labels.data[labels.data == 2] = 0
    panel.gallery.save(tmp_path / "pairs")
    qtbot.waitUntil(lambda: panel.gallery.job is None, timeout=LONG)
    np.testing.assert_array_equal(read_image(tmp_path / "pairs" / "labels" / "00001.ome.tif").array, mask())


def test_the_judge_says_what_is_wrong_with_an_image(
    panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []

    def look_at(judge: Judge, drawn: Any, labels: np.ndarray) -> Any:
        seen.append(labels)
        yield from ()
        return Scores(mask=0.9 if len(seen) == 1 else 0.1)

    monkeypatch.setattr(Judge, "look_at", look_at)
    viewer.add_labels(mask())
    draw(qtbot, panel, 2)
    assert [sample.state for sample in panel.gallery.sheet.samples] == ["", "poor"]
    np.testing.assert_array_equal(seen[1], mask())
    select(panel, qtbot, 0)
    assert panel.gallery_view.line.text() == words.GOOD.format(1)
    select(panel, qtbot, 1)
    assert panel.gallery_view.line.warns
    assert "do not come back" in panel.gallery_view.line.text()


def test_drawing_can_be_cancelled(panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    viewer.add_labels(mask())
    panel.more.steps = 500
    panel.gallery_view.count.setValue(2)
    click(qtbot, panel.gallery_view.draw)
    assert not panel.run_bar.run.isEnabled()
    with qtbot.waitSignal(panel.gallery.progressed, timeout=LONG):
        pass
    click(qtbot, panel.gallery_view.cancel)
    qtbot.waitUntil(lambda: panel.gallery.job is None, timeout=LONG)
    assert panel.gallery_view.line.text() == "Cancelled."
    assert panel.run_bar.run.isEnabled()
    select(panel, qtbot, 0)
    assert len(viewer.layers) == 1  # nothing is done that could be shown
