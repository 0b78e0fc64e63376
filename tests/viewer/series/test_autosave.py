"""Nothing that was drawn is lost: which changes are noticed, and what happens when saving fails or all is closed."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import napari
import numpy as np
import pytest
from napari.layers import Labels
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication, QDialog, QWidget

from napari_microdiff.errors import FileError
from napari_microdiff.files import read_image
from napari_microdiff.files.series import OUTPUT, Series, State
from napari_microdiff.viewer.series import autosave as module
from napari_microdiff.viewer.series.autosave import Autosave
from napari_microdiff.viewer.series.panel import SeriesPanel

LONG = 600_000
Opened = Callable[..., None]


def saved(folder: Path, name: str = "cell 1.tif") -> np.ndarray:
    return read_image(folder / OUTPUT / f"{name}.labels.ome.tif").array


def polygon(labels: Labels) -> None:
    labels.paint_polygon([[1, 1], [1, 20], [20, 20]], 70)


def in_one_step(labels: Labels) -> None:
    with labels.block_history():
        labels.data_setitem((np.array([3]), np.array([4])), 60)
        labels.data_setitem((np.array([5]), np.array([4])), 60)


def accepted(labels: Labels) -> None:
    features = labels.features.copy()
    features["state"] = "accepted"
    labels.features = features


EDITS: dict[str, Callable[[Labels], None]] = {
    "paint": lambda labels: labels.paint((5, 5), 50),
    "erase": lambda labels: labels.paint(np.argwhere(labels.data)[0], 0),
    "fill": lambda labels: labels.fill((0, 0), 51),
    "data_setitem": lambda labels: labels.data_setitem((np.array([1]), np.array([2])), 52),
    "polygon": polygon,
    "block_history": in_one_step,
    "features": accepted,
}


@pytest.mark.parametrize("edit", EDITS)
def test_every_way_to_correct_is_noticed(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, edit: str
) -> None:
    opened(folder=folder)
    labels = viewer.layers["cell 1.tif objects"]
    EDITS[edit](labels)
    with qtbot.waitSignal(panel.browser.autosave.saved, timeout=LONG) as signal:
        pass
    assert signal.args[0] == "cell 1.tif"
    np.testing.assert_array_equal(saved(folder), labels.data)
    assert panel.browser.series.state("cell 1.tif") is State.CORRECTING
    if edit == "features":
        assert ",accepted," in (folder / OUTPUT / "cell 1.tif.objects.csv").read_text()


@pytest.mark.parametrize("step", ["undo", "redo"])
def test_undo_and_redo_are_noticed(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, step: str
) -> None:
    opened(folder=folder)
    labels = viewer.layers["cell 1.tif objects"]
    before = labels.data.copy()
    labels.paint((5, 5), 50)
    edited = labels.data.copy()
    with qtbot.waitSignal(panel.browser.autosave.saved, timeout=LONG):
        pass
    labels.undo()
    with qtbot.waitSignal(panel.browser.autosave.saved, timeout=LONG):
        pass
    np.testing.assert_array_equal(saved(folder), before)
    if step == "redo":
        labels.redo()
        with qtbot.waitSignal(panel.browser.autosave.saved, timeout=LONG):
            pass
        np.testing.assert_array_equal(saved(folder), edited)


def test_what_no_event_tells_of_is_saved_before_the_next_image(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    labels = viewer.layers["cell 1.tif objects"]
    labels.data[0, 0] = 99
    qtbot.mouseClick(panel.here.next, Qt.MouseButton.LeftButton)
    opened("cell 2.tif")
    assert saved(folder)[0, 0] == 99


def test_labels_are_copied_on_the_gui_thread_and_written_off_it(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(folder=folder)
    labels = viewer.layers["cell 1.tif objects"]
    threads: list[threading.Thread] = []
    real = Series.save

    def save(series: Series, name: str, segmentation: Any, *arguments: Any, **named: Any) -> Any:
        threads.append(threading.current_thread())
        assert not np.shares_memory(segmentation.labels, labels.data)
        return real(series, name, segmentation, *arguments, **named)

    monkeypatch.setattr(Series, "save", save)
    panel.browser.preparation.cancel()
    labels.paint((5, 5), 50)
    with qtbot.waitSignal(panel.browser.autosave.saved, timeout=LONG):
        pass
    assert threads
    assert threads[-1] is not threading.main_thread()


def test_a_stroke_after_the_other_is_saved_all_the_same(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 0.5)
    opened(folder=folder)
    labels = viewer.layers["cell 1.tif objects"]
    with qtbot.waitSignal(panel.browser.autosave.saved, timeout=LONG):
        for number in range(12):
            labels.paint((5, 5), 50 + number)
            qtbot.wait(200)  # never a pause of a second


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Workers that save wait for it."""
    event, real = threading.Event(), module.work.save

    def slow(*arguments: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            event.wait(LONG / 1000)
        yield from real(*arguments)

    monkeypatch.setattr(module.work, "save", slow)
    yield event
    event.set()


@pytest.mark.parametrize("how", ["next", "done", "row"])
def test_what_is_painted_while_the_last_correction_is_saved_is_saved_too(
    panel: SeriesPanel,
    viewer: napari.Viewer,
    folder: Path,
    opened: Opened,
    held: threading.Event,
    qtbot: Any,
    how: str,
) -> None:
    opened(folder=folder)
    labels = viewer.layers["cell 1.tif objects"]
    labels.paint((5, 5), 50)
    chosen = partial(panel.list.chosen.emit, "cell 2.tif")
    {"next": panel.here.next.click, "done": panel.here.done.click, "row": chosen}[how]()
    assert panel.browser.autosave.working
    labels.paint((50, 5), 51)
    edited = labels.data.copy()
    held.set()
    opened("cell 2.tif")
    np.testing.assert_array_equal(saved(folder), edited)
    assert panel.browser.series.state("cell 1.tif") is (State.DONE if how == "done" else State.CORRECTING)


def full(*arguments: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_keeps_the_image_open_until_it_can_be_saved(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(folder=folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    labels = viewer.layers["cell 1.tif objects"]
    with monkeypatch.context() as context:
        context.setattr(os, "fsync", full)
        labels.paint((5, 5), 50)
        qtbot.mouseClick(panel.here.next, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: "The disk is full" in panel.here.told.text(), timeout=LONG)
        assert panel.here.told.warns
        assert "Nothing is lost yet" in panel.here.told.text()
        assert labels in viewer.layers
        assert panel.browser.current == "cell 1.tif"
    qtbot.mouseClick(panel.here.next, Qt.MouseButton.LeftButton)
    opened("cell 2.tif")
    assert (saved(folder) == 50).any()
    assert "disk" not in panel.here.told.text()


@pytest.mark.parametrize("closing", [False, True])
def test_saving_is_tried_again(
    panel: SeriesPanel,
    viewer: napari.Viewer,
    folder: Path,
    opened: Opened,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    closing: bool,
) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 0.3)
    opened(folder=folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    with monkeypatch.context() as context:
        context.setattr(os, "fsync", full)
        viewer.layers["cell 1.tif objects"].paint((5, 5), 50)
        if closing:  # of a window that then stays open
            panel.browser.autosave.write_now()
            assert panel.browser.autosave.problem
        qtbot.waitUntil(lambda: bool(panel.browser.autosave.problem), timeout=LONG)
    qtbot.waitUntil(lambda: not panel.browser.autosave.problem, timeout=LONG)
    assert (saved(folder) == 50).any()


def test_who_throws_the_labels_away_can_leave_even_if_they_cannot_be_saved(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(folder=folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    monkeypatch.setattr(os, "fsync", full)
    viewer.layers["cell 1.tif objects"].paint((5, 5), 50)
    qtbot.waitUntil(lambda: bool(panel.browser.autosave.problem), timeout=LONG)
    viewer.layers.remove("cell 1.tif objects")
    qtbot.waitUntil(lambda: not panel.browser.autosave.working, timeout=LONG)
    qtbot.mouseClick(panel.here.next, Qt.MouseButton.LeftButton)
    opened("cell 2.tif")


def test_labels_that_the_user_removes_are_saved_first(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    labels = viewer.layers["cell 1.tif objects"]
    labels.paint((5, 5), 50)
    panel.browser.autosave.then(lambda: None)  # while this writes
    labels.paint((50, 5), 51)
    viewer.layers.remove(labels)
    qtbot.waitUntil(lambda: "taken out of the viewer" in panel.here.told.text(), timeout=LONG)
    np.testing.assert_array_equal(saved(folder), labels.data)
    assert not panel.here.done.isEnabled()
    panel.browser.go("cell 1.tif")
    opened("cell 1.tif")
    np.testing.assert_array_equal(viewer.layers["cell 1.tif objects"].data, labels.data)


def test_removing_all_layers_does_no_harm(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    viewer.layers.clear()
    qtbot.mouseClick(panel.here.next, Qt.MouseButton.LeftButton)
    opened("cell 2.tif")
    assert len(viewer.layers) == 2


def test_older_labels_are_never_written_after_newer_ones(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, held: threading.Event, qtbot: Any
) -> None:
    opened(folder=folder)
    panel.browser.preparation.cancel()
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    labels = viewer.layers["cell 1.tif objects"]
    labels.paint((5, 5), 50)
    panel.browser.autosave.then(lambda: None)
    labels.paint((50, 5), 51)
    newest = labels.data.copy()
    panel.browser.autosave.write_now()
    held.set()
    qtbot.waitUntil(lambda: not panel.browser.autosave.working, timeout=LONG)
    np.testing.assert_array_equal(saved(folder), newest)
    labels.undo()
    panel.browser.autosave.then(lambda: None)
    qtbot.waitUntil(lambda: not panel.browser.autosave.working, timeout=LONG)
    np.testing.assert_array_equal(saved(folder), labels.data)


class Click(QCloseEvent):
    """The click of a user on the close button, which no program can send."""

    def spontaneous(self) -> bool:
        return True


def close(window: QWidget) -> None:
    """Close a window as a program does, but leave it to the fixture, which takes it away."""
    QApplication.sendEvent(window, QCloseEvent())
    window.hide()


@pytest.mark.parametrize("how", ["dock", "window"])
def test_closing_saves_and_stops_everything(
    panel: SeriesPanel,
    viewer: napari.Viewer,
    folder: Path,
    opened: Opened,
    qtbot: Any,
    how: str,
    shown: None,
    notes: Any,
) -> None:
    opened("cell 1.tif", folder=folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.busy == "cell 2.tif", timeout=LONG)
    labels = viewer.layers["cell 1.tif objects"]
    labels.paint((5, 5), 50)
    edited = labels.data.copy()
    if how == "dock":
        viewer.window.remove_dock_widget(panel)
        assert labels in viewer.layers
        assert "cell 1.tif is saved" in notes()[-1]
    else:
        close(panel.window())
    assert panel.closed
    np.testing.assert_array_equal(saved(folder), edited)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    assert not panel.browser.preparation.segmenter.busy
    assert not list((folder / OUTPUT).glob("cell 3*"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What napari asked before it closed a window; the answer is Cancel."""
    questions: list[str] = []

    def cancel(dialog: QDialog) -> Any:
        questions.append(dialog.windowTitle())
        return QDialog.DialogCode.Rejected

    monkeypatch.setattr(get_settings().application, "confirm_close_window", True)
    monkeypatch.setattr(QDialog, "exec_", cancel, raising=False)
    return questions


def test_the_panel_goes_on_when_closing_the_window_is_cancelled(
    panel: SeriesPanel,
    viewer: napari.Viewer,
    folder: Path,
    opened: Opened,
    qtbot: Any,
    shown: None,
    asked: list[str],
) -> None:
    opened(folder=folder)
    labels = viewer.layers["cell 1.tif objects"]
    labels.paint((5, 5), 50)
    first = labels.data.copy()
    click = Click()
    QApplication.sendEvent(panel.window(), click)
    assert asked
    assert not click.isAccepted()
    np.testing.assert_array_equal(saved(folder), first)
    assert panel.isVisible()
    labels.paint((50, 5), 51)
    qtbot.mouseClick(panel.here.next, Qt.MouseButton.LeftButton)
    opened("cell 2.tif")
    np.testing.assert_array_equal(saved(folder), labels.data)


def test_a_window_that_is_hidden_for_a_while_ends_nothing(panel: SeriesPanel, shown: None) -> None:
    panel.window().hide()
    assert not panel.closed
    close(panel.window())
    assert panel.closed


@pytest.fixture
def refused(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Labels]:
    """Labels that were corrected and cannot be saved."""
    opened(folder=folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    labels = viewer.layers["cell 1.tif objects"]
    labels.paint((5, 5), 50)

    def refuse(*arguments: Any, **named: Any) -> None:
        raise FileError("The disk is full. Free some space.")

    with monkeypatch.context() as context:
        context.setattr(Series, "save", refuse)
        yield labels


def test_closing_with_a_full_disk_does_not_raise(panel: SeriesPanel, refused: Labels) -> None:
    autosave: Autosave = panel.browser.autosave
    autosave.write_now()
    assert "disk is full" in autosave.problem


def test_what_cannot_be_saved_when_the_panel_is_closed_is_said(
    panel: SeriesPanel, viewer: napari.Viewer, refused: Labels, notes: Any
) -> None:
    viewer.window.remove_dock_widget(panel)
    (note,) = notes()
    assert "cell 1.tif could not be saved. The disk is full. Free some space." in note
    assert "still in the layer “cell 1.tif objects”" in note
    assert refused in viewer.layers


def test_a_window_stays_open_once_if_what_was_drawn_cannot_be_saved(
    panel: SeriesPanel, refused: Labels, shown: None, asked: list[str], notes: Any
) -> None:
    first = Click()
    QApplication.sendEvent(panel.window(), first)
    assert not first.isAccepted()
    assert not asked
    assert "stays open" in notes()[-1]
    assert "Nothing is lost yet" in panel.here.told.text()
    QApplication.sendEvent(panel.window(), Click())
    assert asked
    assert len(notes()) == 1


def test_a_window_that_a_program_closes_is_never_held_up(panel: SeriesPanel, refused: Labels, shown: None) -> None:
    event = QCloseEvent()
    QApplication.sendEvent(panel.window(), event)
    assert event.isAccepted()
