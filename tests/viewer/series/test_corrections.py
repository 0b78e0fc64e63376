"""Series and Segment at once: what is drawn reaches the disk, and the two agree on what is known of each object."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
import pytest
from napari.layers import Labels

from napari_microdiff.files import read_image
from napari_microdiff.files.series import State
from napari_microdiff.viewer.corrections.editor import Editor
from napari_microdiff.viewer.segment import SegmentPanel
from napari_microdiff.viewer.series import words, work
from napari_microdiff.viewer.series.panel import SeriesPanel

LONG = 600_000
Opened = Callable[..., None]


@pytest.fixture
def segment(panel: SeriesPanel, viewer: napari.Viewer) -> SegmentPanel:
    segment = SegmentPanel(viewer)
    viewer.window.add_dock_widget(segment, name="Segment")
    return segment


def idle(panel: SeriesPanel, qtbot: Any) -> Labels:
    """Wait until nothing more is segmented, and return the labels that are open."""
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    labels = panel.browser.stage.labels
    assert labels is not None
    return labels


def editor_of(segment: SegmentPanel, labels: Labels, qtbot: Any) -> Editor:
    segment.viewer.layers.selection.active = labels
    editor = segment.corrections.editor
    assert editor is not None
    qtbot.waitUntil(lambda: editor.book is not None, timeout=LONG)
    return editor


def merge_nearest(editor: Editor, labels: np.ndarray) -> None:
    """Draw a stroke from one object to the one that is nearest, for the model to work on."""
    middles = {int(label): np.argwhere(labels == label).mean(axis=0) for label in np.unique(labels[labels > 0])}
    pairs = [(float(np.linalg.norm(middles[i] - middles[j])), i, j) for i in middles for j in middles if i < j]
    _, one, other = min(pairs)
    editor.use("merge")
    editor.pen.drawn.emit("object", np.array([middles[one], middles[other]]))
    assert editor.busy


def table(panel: SeriesPanel, name: str) -> dict[int, dict[str, str]]:
    series = panel.browser.series
    assert series is not None
    rows = csv.DictReader(series.table_path(name).read_text().splitlines())
    return {int(row["label"]): row for row in rows}


def look_at(panel: SeriesPanel, name: str, opened: Opened, qtbot: Any) -> None:
    panel.browser.go(name)
    opened(name)
    qtbot.wait(1500)  # objects are counted and, if anything differs, saved


def test_a_stroke_that_is_worked_on_is_saved_before_the_next_image_opens(
    panel: SeriesPanel, segment: SegmentPanel, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    labels = idle(panel, qtbot)
    editor = editor_of(segment, labels, qtbot)
    before = labels.data.copy()
    merge_nearest(editor, before)
    panel.browser.finish()
    assert panel.browser.said == words.STROKES
    opened("cell 2.tif")
    series = panel.browser.series
    assert series is not None
    now = np.asarray(read_image(series.labels_path("cell 1.tif")).array)
    assert len(np.unique(now)) == len(np.unique(before)) - 1
    assert series.state("cell 1.tif") is State.DONE


@pytest.mark.parametrize("how", ["next", "again"])
def test_a_stroke_that_is_drawn_while_the_labels_are_saved_is_saved_too(
    panel: SeriesPanel,
    segment: SegmentPanel,
    folder: Path,
    opened: Opened,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    opened(folder=folder)
    labels = idle(panel, qtbot)
    editor = editor_of(segment, labels, qtbot)
    before, series = labels.data.copy(), panel.browser.series
    assert series is not None
    held, real = threading.Event(), work.save

    def slow(*arguments: Any) -> Any:
        held.wait(LONG / 1000)
        yield from real(*arguments)

    monkeypatch.setattr(work, "save", slow)
    labels.data_setitem(tuple(np.argwhere(labels.data == 0)[:3].T), 99)
    (panel.here.next if how == "next" else panel.here.again).click()
    qtbot.waitUntil(lambda: panel.browser.autosave.working, timeout=LONG)
    merge_nearest(editor, before)
    held.set()
    qtbot.waitUntil(lambda: panel.browser.stage.labels is not labels and panel.browser.can_finish, timeout=LONG)
    path = series.output / "cell 1.tif.kept-1.labels.ome.tif" if how == "again" else series.labels_path("cell 1.tif")
    assert len(np.unique(np.asarray(read_image(path).array))) == len(np.unique(before))  # one more, and one less


def test_looking_at_an_image_that_is_done_leaves_it_done(
    panel: SeriesPanel, segment: SegmentPanel, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    labels = idle(panel, qtbot)
    editor = editor_of(segment, labels, qtbot)
    accepted, touched = (int(label) for label in labels.features["index"][:2])
    editor.selection.turn_to(accepted)
    editor.accept()
    for label in (accepted, touched):
        labels.data_setitem(tuple(np.argwhere(labels.data == label)[:3].T), 0)
    panel.browser.finish()  # at once
    opened("cell 2.tif")
    rows = table(panel, "cell 1.tif")
    assert {(rows[label]["state"], rows[label]["confidence"]) for label in (accepted, touched)} == {("edited", "")}
    look_at(panel, "cell 1.tif", opened, qtbot)
    assert panel.browser.series.state("cell 1.tif") is State.DONE  # type: ignore[union-attr]
    assert table(panel, "cell 1.tif") == rows


def test_without_the_segment_panel_the_states_are_the_same(
    panel: SeriesPanel, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    labels = idle(panel, qtbot)
    label = int(labels.features["index"][0])
    labels.features = labels.features.assign(state=["accepted"] * len(labels.features))
    look_at(panel, "cell 2.tif", opened, qtbot)
    look_at(panel, "cell 1.tif", opened, qtbot)
    labels = idle(panel, qtbot)
    labels.data_setitem(tuple(np.argwhere(labels.data == label)[:3].T), 0)
    look_at(panel, "cell 2.tif", opened, qtbot)
    rows = table(panel, "cell 1.tif")
    assert (rows.pop(label)["state"], {row["state"] for row in rows.values()}) == ("edited", {"accepted"})


def test_an_image_whose_labels_were_deleted_is_segmented_anew(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    idle(panel, qtbot)
    series = panel.browser.series
    assert series is not None
    series.labels_path("cell 2.tif").unlink()
    panel.browser.go("cell 2.tif")
    opened("cell 2.tif")
    assert series.has_labels("cell 2.tif")
    assert [layer.name for layer in viewer.layers] == ["cell 2.tif", "cell 2.tif objects"]
