"""The Series panel with a real, tiny network: what a user clicks, and what comes of it."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import napari
import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_microdiff.errors import FileError
from napari_microdiff.files import read_image, write_image
from napari_microdiff.files.series import OUTPUT, Series, State, open_series
from napari_microdiff.viewer.layers import recall
from napari_microdiff.viewer.objects import is_coloured_by_confidence
from napari_microdiff.viewer.series.panel import SeriesPanel
from napari_microdiff.viewer.series.recipe import SeriesRecipe

LONG = 600_000
Opened = Callable[..., None]


def click(qtbot: Any, button: Any) -> None:
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def segment_again(panel: SeriesPanel, qtbot: Any) -> None:
    """Click it when the work on the labels that are shown is over, which is a moment after they are shown."""
    qtbot.waitUntil(panel.here.again.isEnabled, timeout=LONG)
    click(qtbot, panel.here.again)


def layers(viewer: napari.Viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


def saved(folder: Path, name: str) -> np.ndarray:
    return read_image(folder / OUTPUT / f"{name}.labels.ome.tif").array


def test_without_a_folder_only_opening_one_is_offered(panel: SeriesPanel, shown: None) -> None:
    assert panel.folder.open.isVisible()
    assert "never changed" in panel.folder.summary.text()
    assert not any(widget.isVisible() for widget in (panel.list, panel.here, panel.recipe, panel.folder.elsewhere))


def test_a_folder_opens_with_its_first_image_segmented(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: str(folder))
    click(qtbot, panel.folder.open)
    opened("cell 1.tif")
    assert layers(viewer) == ["cell 1.tif", "cell 1.tif objects"]
    image, labels = viewer.layers
    assert isinstance(image, Image)
    assert isinstance(labels, Labels)
    for layer in (image, labels):
        np.testing.assert_allclose(layer.scale, (0.5, 0.25))
        assert {str(unit) for unit in layer.units} == {"micrometer"}
        assert layer.axis_labels == ("y", "x")
    assert viewer.layers.selection.active == labels
    present = np.unique(labels.data[labels.data > 0])
    assert labels.features["index"].tolist() == present.tolist()
    assert labels.features["area"].tolist() == np.bincount(labels.data.ravel())[present].tolist()
    assert set(labels.features["state"]) == {"auto"}
    assert labels.features["confidence"].between(0, 1).all()
    np.testing.assert_array_equal(saved(folder, "cell 1.tif"), labels.data)
    memory = recall(labels)
    assert memory is not None
    assert (memory["request"].steps, memory["request"].samples) == (4, 4)
    assert memory["source"] == "cell 1.tif"
    assert panel.here.line.text().startswith(f"1 of 5, cell 1.tif: {len(present)} object")
    assert "saved" in panel.here.line.text()


def test_the_next_two_images_are_segmented_meanwhile(
    panel: SeriesPanel, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    series = panel.browser.series
    assert series is not None
    assert [series.state(name) for name in series.names] == [State.SEGMENTED] * 3 + [State.NEW] * 2
    assert panel.folder.summary.text() == "5 images: 3 segmented"


def test_a_correction_is_saved_about_a_second_later(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    labels = viewer.layers["cell 1.tif objects"]
    new = int(labels.data.max()) + 1
    labels.paint((5, 5), new)
    # Written in the background; the list says it once the files are there.
    qtbot.waitUntil(lambda: "being corrected" in panel.folder.summary.text(), timeout=LONG)
    assert panel.browser.rows.series.state("cell 1.tif") is State.CORRECTING
    np.testing.assert_array_equal(saved(folder, "cell 1.tif"), labels.data)
    row = next(
        line
        for line in (folder / OUTPUT / "cell 1.tif.objects.csv").read_text().splitlines()
        if line.startswith(f"{new},")
    )
    assert row.split(",")[1:4] == [str(int((labels.data == new).sum())), "", "edited"]


def test_next_saves_at_once_and_replaces_the_layers(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    other = viewer.add_points([[1, 1]], name="mine")
    labels = viewer.layers["cell 1.tif objects"]
    labels.fill((0, 0), 77)
    edited = labels.data.copy()
    click(qtbot, panel.here.next)
    opened("cell 2.tif")
    assert set(layers(viewer)) == {"mine", "cell 2.tif", "cell 2.tif objects"}
    assert other in viewer.layers
    np.testing.assert_array_equal(saved(folder, "cell 1.tif"), edited)
    click(qtbot, panel.here.previous)
    opened("cell 1.tif")
    np.testing.assert_array_equal(viewer.layers["cell 1.tif objects"].data, edited)
    assert "edited" in set(viewer.layers["cell 1.tif objects"].features["state"])


def test_looking_at_an_image_changes_nothing(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    path = folder / OUTPUT / "cell 1.tif.labels.ome.tif"
    before = path.stat().st_mtime_ns
    labels = viewer.layers["cell 1.tif objects"]
    labels.contour = 2
    labels.paint((5, 5), 50)
    labels.undo()
    click(qtbot, panel.here.next)
    opened("cell 2.tif")
    assert path.stat().st_mtime_ns == before
    assert panel.browser.series.state("cell 1.tif") is State.SEGMENTED


def test_done_and_on(panel: SeriesPanel, folder: Path, opened: Opened, qtbot: Any) -> None:
    opened(folder=folder)
    for number in range(1, 6):
        opened(f"cell {number}.tif")
        click(qtbot, panel.here.done)
    qtbot.waitUntil(lambda: panel.folder.summary.text() == "5 images: 5 done", timeout=LONG)
    qtbot.waitUntil(lambda: "last image" in panel.here.told.text(), timeout=LONG)
    assert {open_series(folder).state(f"cell {n}.tif") for n in range(1, 6)} == {State.DONE}


def test_done_waits_for_labels(panel: SeriesPanel, folder: Path, opened: Opened, qtbot: Any) -> None:
    panel.open_folder(folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.waiting, timeout=LONG)
    assert not panel.here.done.isEnabled()
    assert "Wait" in panel.here.done.toolTip()
    opened()
    assert panel.here.done.isEnabled()


def test_a_folder_opens_where_it_was_left(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    panel.recipe.diameter.pixels.setValue(20)
    qtbot.waitUntil(lambda: panel.browser.recipe.diameter == 20, timeout=LONG)
    click(qtbot, panel.here.next)
    opened("cell 2.tif")
    click(qtbot, panel.here.next)
    opened("cell 3.tif")
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    panel.recipe.diameter.pixels.setValue(50)
    panel.open_folder(folder)
    qtbot.waitUntil(lambda: panel.recipe.diameter.value == 20, timeout=LONG)
    opened("cell 3.tif")
    assert layers(viewer) == ["cell 3.tif", "cell 3.tif objects"]


def test_cancel_stops_and_segment_this_image_goes_on(
    panel: SeriesPanel, folder: Path, opened: Opened, qtbot: Any
) -> None:
    panel.open_folder(folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.waiting, timeout=LONG)
    click(qtbot, panel.here.cancel)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    assert not panel.browser.can_finish
    assert panel.here.again.text() == "Segment this image"
    panel.list.chosen.emit("cell 1.tif")  # a click on it undoes neither that nor the view
    qtbot.wait(300)
    assert panel.browser.preparation.paused
    assert not panel.browser.reading
    segment_again(panel, qtbot)
    opened("cell 1.tif")
    assert panel.here.again.text() == "Segment again"


def test_segmenting_again_keeps_what_was_corrected(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    labels = viewer.layers["cell 1.tif objects"]
    fresh = labels.data.copy()
    labels.paint((5, 5), 50)
    edited = labels.data.copy()
    segment_again(panel, qtbot)
    qtbot.waitUntil(lambda: not panel.browser.can_finish, timeout=LONG)
    opened("cell 1.tif")
    assert viewer.layers["cell 1.tif objects"] is not labels
    np.testing.assert_array_equal(viewer.layers["cell 1.tif objects"].data, fresh)
    np.testing.assert_array_equal(saved(folder, "cell 1.tif.kept-1"), edited)
    assert "kept-1" in panel.here.told.text()


def test_labels_come_back_when_segmenting_again_is_cancelled(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    viewer.layers["cell 1.tif objects"].paint((5, 5), 50)
    edited = viewer.layers["cell 1.tif objects"].data.copy()
    segment_again(panel, qtbot)
    qtbot.waitUntil(lambda: panel.browser.preparation.waiting, timeout=LONG)
    click(qtbot, panel.here.cancel)
    opened("cell 1.tif")
    np.testing.assert_array_equal(viewer.layers["cell 1.tif objects"].data, edited)


DISTURBED: dict[str, Callable[[SeriesPanel], object]] = {
    "filter": lambda panel: panel.list.which.setCurrentText("not done yet"),
    "recipe": lambda panel: panel.browser.preparation.set_recipe(replace(panel.browser.recipe, diameter=20)),
}


@pytest.mark.parametrize("how", DISTURBED)
def test_segmenting_again_goes_on_when_something_else_is_changed(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, how: str
) -> None:
    opened(folder=folder)
    preparation = panel.browser.preparation
    labels = viewer.layers["cell 1.tif objects"]
    labels.paint((5, 5), 50)
    edited = labels.data.copy()
    segment_again(panel, qtbot)
    qtbot.waitUntil(lambda: preparation.waiting and preparation.segmenter.busy == "cell 1.tif", timeout=LONG)
    DISTURBED[how](panel)
    assert preparation.waiting
    assert panel.here.cancel.isVisibleTo(panel)
    opened("cell 1.tif")
    assert not (viewer.layers["cell 1.tif objects"].data == 50).any()
    assert panel.browser.series.state("cell 1.tif") is State.SEGMENTED
    np.testing.assert_array_equal(saved(folder, "cell 1.tif.kept-1"), edited)
    memory = recall(viewer.layers["cell 1.tif objects"])
    assert memory is not None
    assert memory["request"].options.diameter == panel.browser.recipe.diameter
    qtbot.waitUntil(lambda: preparation.segmenter.idle, timeout=LONG)
    assert len(list((folder / OUTPUT).glob("cell 1.tif.kept-*.labels*"))) == 1


def test_labels_are_kept_once_when_segmenting_again_begins_anew_after_it_saved(
    panel: SeriesPanel,
    viewer: napari.Viewer,
    folder: Path,
    opened: Opened,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened(folder=folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    labels = viewer.layers["cell 1.tif objects"]
    labels.paint((5, 5), 50)
    edited = labels.data.copy()
    real, reached, changed = Series.save, threading.Event(), threading.Event()

    def slow(series: Series, name: str, segmentation: Any, state: State, **named: Any) -> Any:
        entry = real(series, name, segmentation, state, **named)
        if state is State.SEGMENTED and name == "cell 1.tif":
            reached.set()
            changed.wait(LONG / 1000)
        return entry

    monkeypatch.setattr(Series, "save", slow)
    segment_again(panel, qtbot)
    qtbot.waitUntil(reached.is_set, timeout=LONG)
    DISTURBED["recipe"](panel)
    changed.set()
    opened("cell 1.tif")
    memory = recall(viewer.layers["cell 1.tif objects"])
    assert memory is not None
    assert memory["request"].options.diameter == 20
    np.testing.assert_array_equal(saved(folder, "cell 1.tif.kept-1"), edited)
    assert len(list((folder / OUTPUT).glob("cell 1.tif.kept-*.labels*"))) == 1


def test_segmenting_again_takes_a_setting_that_was_changed_a_moment_before(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    labels = panel.browser.stage.labels
    panel.recipe.diameter.pixels.setValue(20)
    segment_again(panel, qtbot)
    assert panel.browser.recipe.diameter == 20
    qtbot.waitUntil(lambda: panel.browser.stage.labels is not labels and panel.browser.can_finish, timeout=LONG)
    memory = recall(viewer.layers["cell 1.tif objects"])
    assert memory is not None
    assert memory["request"].options.diameter == 20


def test_labels_come_back_when_segmenting_again_is_cancelled_before_it_begins(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(folder=folder)
    preparation = panel.browser.preparation
    qtbot.waitUntil(lambda: preparation.segmenter.busy == "cell 2.tif", timeout=LONG)
    edited = viewer.layers["cell 1.tif objects"].data.copy()
    preparation.segment_again()
    qtbot.waitUntil(lambda: preparation.waiting, timeout=LONG)
    click(qtbot, panel.here.cancel)
    opened("cell 1.tif")
    np.testing.assert_array_equal(viewer.layers["cell 1.tif objects"].data, edited)


def test_an_image_without_labels_stays_so_when_segmenting_it_is_cancelled_before_it_begins(
    panel: SeriesPanel, folder: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.open_folder(folder)
    preparation = panel.browser.preparation
    qtbot.waitUntil(lambda: preparation.waiting, timeout=LONG)
    preparation.segmenter.stop()
    monkeypatch.setattr(preparation, "look_ahead", lambda: None)
    preparation.segment_again()
    assert preparation.waiting
    qtbot.waitUntil(lambda: preparation.segmenter.idle, timeout=LONG)
    preparation.cancel()
    assert preparation.paused
    assert not panel.browser.reading


def test_another_image_ends_the_wish_to_segment_again(
    panel: SeriesPanel, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    preparation, begun = panel.browser.preparation, set[str]()
    segment_again(panel, qtbot)
    qtbot.waitUntil(lambda: preparation.waiting, timeout=LONG)
    click(qtbot, panel.here.next)
    opened("cell 2.tif")
    assert not preparation.waiting
    preparation.segmenter.changed.connect(lambda: begun.add(preparation.segmenter.busy))
    preparation.look_ahead()
    qtbot.waitUntil(lambda: preparation.segmenter.idle, timeout=LONG)
    assert "cell 1.tif" not in begun


def test_next_while_the_image_is_being_segmented(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    panel.open_folder(folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.waiting, timeout=LONG)
    for _ in range(3):
        click(qtbot, panel.here.next)
    opened("cell 4.tif")
    assert layers(viewer) == ["cell 4.tif", "cell 4.tif objects"]


def test_next_takes_over_what_is_being_segmented_ahead(
    panel: SeriesPanel, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened("cell 1.tif", folder=folder)
    segmenter = panel.browser.preparation.segmenter
    begun: list[str] = []
    segmenter.changed.connect(lambda: begun.append(segmenter.busy))
    qtbot.waitUntil(lambda: segmenter.busy == "cell 2.tif", timeout=LONG)
    click(qtbot, panel.here.next)
    opened("cell 2.tif")
    without_repeats = [name for at, name in enumerate(begun) if name and (at == 0 or begun[at - 1] != name)]
    assert without_repeats.count("cell 2.tif") <= 1


def test_a_damaged_and_a_missing_image_are_said_and_the_others_go_on(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    (folder / "cell 2.tif").write_bytes((folder / "cell 2.tif").read_bytes()[:300])
    opened(folder=folder)
    (folder / "cell 3.tif").unlink()
    click(qtbot, panel.here.next)
    # The one who segments ahead may say it a moment before the one who opens it does.
    qtbot.waitUntil(lambda: layers(viewer) == [] and not panel.browser.reading, timeout=LONG)
    assert "cell 2.tif" in panel.here.told.text()
    assert panel.here.told.warns
    click(qtbot, panel.here.next)
    qtbot.waitUntil(lambda: "There is no file" in panel.here.told.text(), timeout=LONG)
    click(qtbot, panel.here.next)
    opened("cell 4.tif")
    texts = [panel.browser.rows.index(row).data() for row in range(5)]
    assert ["has a problem" in text for text in texts] == [False, True, True, False, False]
    panel.list.which.setCurrentText("with a problem")
    shown = panel.browser.shown
    assert [shown.index(row, 0).data().split("\n")[0] for row in range(shown.rowCount())] == [
        "cell 2.tif",
        "cell 3.tif",
        "cell 4.tif",  # which is open
    ]


def test_a_changed_image_and_changed_labels_are_said(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    write_image(folder / "cell 2.tif", np.zeros((64, 80), np.uint16))
    other = np.full((64, 80), 4, np.uint16)
    write_image(folder / OUTPUT / "cell 3.tif.labels.ome.tif", other)
    click(qtbot, panel.here.next)
    opened("cell 2.tif")
    assert "was changed after it was segmented" in panel.here.told.text()
    click(qtbot, panel.here.next)
    opened("cell 3.tif")
    assert "changed by another program" in panel.here.told.text()
    np.testing.assert_array_equal(viewer.layers["cell 3.tif objects"].data, other)


def test_labels_of_another_size_are_not_shown_and_not_lost(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    before = saved(folder, "cell 2.tif")
    write_image(folder / "cell 2.tif", np.zeros((40, 40), np.uint16))
    click(qtbot, panel.here.next)
    qtbot.waitUntil(lambda: "another size" in panel.here.told.text(), timeout=LONG)
    assert layers(viewer) == ["cell 2.tif"]
    segment_again(panel, qtbot)
    opened("cell 2.tif")
    np.testing.assert_array_equal(saved(folder, "cell 2.tif.kept-1"), before)
    assert saved(folder, "cell 2.tif").shape == (40, 40)


def test_images_of_all_kinds(
    panel: SeriesPanel, viewer: napari.Viewer, tmp_path: Path, opened: Opened, qtbot: Any
) -> None:
    folder = tmp_path / "kinds"
    folder.mkdir()
    rng = np.random.default_rng(0)
    write_image(folder / "1 colour.png", rng.integers(0, 255, (48, 40, 3)).astype(np.uint8), axes="YXS")
    write_image(folder / "2 deep.tif", rng.integers(0, 60000, (48, 40)).astype(np.uint16))
    write_image(folder / "3 real.tif", rng.random((48, 40)).astype(np.float32))
    write_image(folder / "4 stack.ome.tif", rng.integers(0, 255, (2, 48, 40)).astype(np.uint8), axes="ZYX")
    write_image(folder / "5 flat.tif", np.full((48, 40), 7, np.uint16))
    opened("1 colour.png", folder=folder)
    assert viewer.layers[0].rgb
    memory = recall(viewer.layers[1])
    assert memory is not None
    assert memory["request"].options.shown == "stained"
    for name, shape in (("2 deep.tif", (48, 40)), ("3 real.tif", (48, 40)), ("4 stack.ome.tif", (2, 48, 40))):
        click(qtbot, panel.here.next)
        opened(name)
        assert viewer.layers[1].data.shape == shape
        assert saved(folder, name).shape == shape
    click(qtbot, panel.here.next)
    opened("5 flat.tif")


def test_a_click_on_a_row_opens_it(panel: SeriesPanel, folder: Path, opened: Opened, qtbot: Any, shown: None) -> None:
    opened(folder=folder)
    index = panel.browser.shown.index(3, 0)
    place = panel.list.view.visualRect(index).center()
    qtbot.mouseClick(panel.list.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    opened("cell 4.tif")
    assert panel.list.view.currentIndex().row() == 3


def test_next_goes_through_the_images_in_the_list(panel: SeriesPanel, folder: Path, opened: Opened, qtbot: Any) -> None:
    opened(folder=folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    panel.list.which.setCurrentText("new")
    click(qtbot, panel.here.next)
    opened("cell 4.tif")


def test_objects_are_coloured_by_confidence_in_every_image(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    panel.here.by_confidence.click()
    assert is_coloured_by_confidence(viewer.layers["cell 1.tif objects"])
    click(qtbot, panel.here.next)
    opened("cell 2.tif")
    assert is_coloured_by_confidence(viewer.layers["cell 2.tif objects"])
    panel.here.by_confidence.click()
    assert not is_coloured_by_confidence(viewer.layers["cell 2.tif objects"])


def test_another_folder_for_the_results_is_offered(
    panel: SeriesPanel,
    folder: Path,
    tmp_path: Path,
    opened: Opened,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    shown: None,
) -> None:
    def refuse(path: Path, *arguments: Any, **named: Any) -> None:
        if path == folder / OUTPUT:
            raise PermissionError(errno.EACCES, "Permission denied")
        os.makedirs(path, exist_ok=True)

    monkeypatch.setattr(Path, "mkdir", refuse)
    panel.open_folder(folder)
    qtbot.waitUntil(lambda: panel.folder.summary.warns, timeout=LONG)
    assert "Choose another folder" in panel.folder.summary.text()
    elsewhere = tmp_path / "home"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: str(elsewhere))
    click(qtbot, panel.folder.elsewhere)
    opened("cell 1.tif")
    assert not panel.folder.elsewhere.isVisible()
    assert (elsewhere / "plate segmentation" / "cell 1.tif.labels.ome.tif").exists()


def test_an_empty_folder_is_said_and_the_open_one_stays(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, tmp_path: Path, opened: Opened, qtbot: Any
) -> None:
    opened(folder=folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    panel.open_folder(empty)
    qtbot.waitUntil(lambda: "There are no TIFF, PNG or JPEG images" in panel.here.told.text(), timeout=LONG)
    assert layers(viewer) == ["cell 1.tif", "cell 1.tif objects"]
    assert panel.browser.can_finish


def test_a_model_that_fails_is_said_once_and_another_one_goes_on(
    panel: SeriesPanel, folder: Path, opened: Opened, qtbot: Any, segmenter: str
) -> None:
    good = panel.browser.recipe
    panel.browser.began.connect(lambda: setattr(panel.browser, "recipe", SeriesRecipe(model="missing")))
    panel.open_folder(folder)
    qtbot.waitUntil(lambda: panel.here.told.warns and len(panel.browser.rows.problems) == 3, timeout=LONG)
    assert "missing" in panel.here.told.text()
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    panel.browser.preparation.set_recipe(good)
    opened("cell 1.tif")
    assert not panel.browser.rows.problems


def click_on(qtbot: Any, panel: SeriesPanel, row: int) -> None:
    """Click on an image in the list."""
    view = panel.list.view
    place = view.visualRect(view.model().index(row, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_labels_that_were_taken_out_come_back_with_a_click(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, shown: None
) -> None:
    opened("cell 1.tif", folder=folder)
    labels = viewer.layers["cell 1.tif objects"]
    click_on(qtbot, panel, 0)  # it is there: nothing happens
    assert viewer.layers["cell 1.tif objects"] == labels
    viewer.layers.remove(labels)
    qtbot.waitUntil(lambda: "click the image to go on" in panel.here.told.text(), timeout=LONG)
    click_on(qtbot, panel, 0)
    qtbot.waitUntil(lambda: panel.browser.can_finish, timeout=LONG)
    assert "cell 1.tif objects" in layers(viewer)


def test_a_file_that_was_mended_opens_with_a_click(
    panel: SeriesPanel, viewer: napari.Viewer, folder: Path, opened: Opened, qtbot: Any, shown: None
) -> None:
    whole = (folder / "cell 1.tif").read_bytes()
    (folder / "cell 1.tif").write_bytes(b"no")
    panel.open_folder(folder)
    qtbot.waitUntil(lambda: "cell 1.tif is not an image" in panel.here.told.text(), timeout=LONG)
    (folder / "cell 1.tif").write_bytes(whole)
    click_on(qtbot, panel, 0)
    opened("cell 1.tif")
    assert "cell 1.tif objects" in layers(viewer)


def test_a_file_that_failed_in_one_folder_says_nothing_of_its_name_in_the_next(
    panel: SeriesPanel, folder: Path, tmp_path: Path, qtbot: Any
) -> None:
    good = read_image(folder / "cell 1.tif").array
    for day, image in (("day1", np.where(good > 250, np.nan, good).astype(np.float32)), ("day2", good)):
        (tmp_path / day).mkdir()
        write_image(tmp_path / day / "cell 1.tif", image)
    panel.open_folder(tmp_path / "day1")
    qtbot.waitUntil(lambda: "cell 1.tif" in panel.browser.rows.problems, timeout=LONG)
    panel.open_folder(tmp_path / "day2")
    qtbot.waitUntil(lambda: panel.browser.can_finish, timeout=LONG)
    assert panel.browser.stage.labels is not None
    assert not panel.browser.rows.problems


def test_why_an_image_failed_ahead_is_said_when_it_is_opened(
    panel: SeriesPanel, folder: Path, tmp_path: Path, qtbot: Any
) -> None:
    good, browser = read_image(folder / "cell 1.tif").array, panel.browser
    (tmp_path / "day").mkdir()
    write_image(tmp_path / "day" / "a.tif", good)
    write_image(tmp_path / "day" / "b.tif", np.where(good > 250, np.nan, good).astype(np.float32))
    panel.open_folder(tmp_path / "day")
    qtbot.waitUntil(lambda: browser.can_finish and "b.tif" in browser.rows.problems, timeout=LONG)
    browser.step(1)
    qtbot.waitUntil(lambda: browser.current == "b.tif" and "b.tif" in browser.rows.problems, timeout=LONG)
    assert "not numbers" in browser.said or "NaN" in browser.said


def test_why_segmenting_again_failed_is_said_and_the_labels_come_back(
    panel: SeriesPanel,
    viewer: napari.Viewer,
    folder: Path,
    opened: Opened,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    notes: Any,
) -> None:
    opened(folder=folder)
    qtbot.waitUntil(lambda: panel.browser.preparation.segmenter.idle, timeout=LONG)
    labels = panel.browser.stage.labels
    assert labels is not None

    def refuse(*arguments: Any, **named: Any) -> None:
        raise FileError("The disk is full. Free some space.")

    monkeypatch.setattr(Series, "save", refuse)
    segment_again(panel, qtbot)
    qtbot.waitUntil(lambda: panel.browser.stage.labels is not labels and panel.browser.can_finish, timeout=LONG)
    np.testing.assert_array_equal(panel.browser.stage.labels.data, labels.data)
    assert any("The disk is full" in text for text in (panel.here.told.text(), *notes()))
