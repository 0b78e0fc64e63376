"""The Segment panel with a real, tiny network: what a user clicks, and what comes of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import napari
import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_microdiff.errors import RequestError
from napari_microdiff.files import read_image
from napari_microdiff.viewer.layers import recall
from napari_microdiff.viewer.objects import is_coloured_by_confidence
from napari_microdiff.viewer.segment import SegmentPanel

LONG = 600_000


def nuclei(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    spots = [rng.uniform(0, shape) for _ in range(8)]
    image = sum(np.exp(-((grid - spot) ** 2).sum(axis=-1) / 60) for spot in spots)
    return (100 + 200 * image + 5 * rng.standard_normal(shape)).astype(np.uint16)


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any, segmenter: str) -> napari.Viewer:
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer: napari.Viewer, segmenter: str, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> SegmentPanel:
    panel = SegmentPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Segment")
    assert panel.model.choose(segmenter)
    panel.diameter.automatic.setChecked(False)
    panel.diameter.pixels.setValue(24)
    chosen = panel.options
    shallow = {"saddle": 0.001, "smallest": 0.0}  # the network is not trained, so that nothing is clearly there
    monkeypatch.setattr(panel, "options", lambda: {"options": chosen()["options"].model_copy(update=shallow)})
    return panel


def run(qtbot: Any, panel: SegmentPanel, button: str = "run") -> list[Any]:
    """Click a button, wait, and return the layers that were made."""
    target = getattr(panel.run_bar, button)
    assert target.isEnabled(), target.toolTip()
    qtbot.mouseClick(target, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.runner.last is not None, panel.results.line.text()
    return list(panel.runner.last.layers)


def test_a_closed_panel_lets_go_of_the_objects_so_that_another_one_can_take_them(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    image = viewer.add_image(nuclei(96, 112), name="dapi")
    labels = run(qtbot, panel)[0]
    viewer.layers.selection.active = labels
    panel.corrections.buttons["cut"].click()
    assert not labels.mouse_pan
    viewer.window.remove_dock_widget(panel)  # as the x of its dock does; napari does not delete it
    assert labels.mouse_pan
    assert [layer.name for layer in viewer.layers] == ["dapi", "dapi objects"]
    other = SegmentPanel(viewer)
    viewer.window.add_dock_widget(other, name="Segment again")
    viewer.layers.selection.active = image
    viewer.layers.selection.active = labels
    assert other.corrections.editor is not None
    assert panel.corrections.editor is None


def test_only_models_of_this_task_are_offered(panel: SegmentPanel) -> None:
    assert panel.model.cards
    assert {card.task for card in panel.model.cards} == {"segment"}


def test_run_makes_labels_that_lie_on_the_image_and_know_their_objects(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    image = viewer.add_image(nuclei(96, 112), name="dapi", scale=(0.5, 0.2), translate=(3, 4), units=("um", "um"))
    (labels,) = run(qtbot, panel)
    assert isinstance(labels, Labels)
    assert labels.name == "dapi objects"
    assert labels.data.shape == (96, 112)
    np.testing.assert_array_equal(labels.scale, image.scale)
    np.testing.assert_array_equal(labels.translate, image.translate)
    assert labels.units == image.units
    present = np.unique(labels.data[labels.data > 0])
    assert len(present) > 0
    assert labels.features["index"].tolist() == present.tolist()
    assert labels.features["area"].tolist() == np.bincount(labels.data.ravel())[present].tolist()
    assert set(labels.features["state"]) == {"auto"}
    assert labels.features["confidence"].isna().all()
    assert f"{len(present)} object" in panel.results.line.text()
    memory = recall(labels)
    assert memory is not None
    assert memory["request"].options.diameter == 24
    editor = panel.corrections.editor
    assert editor is not None
    qtbot.waitUntil(lambda: editor.book is not None, timeout=LONG)
    assert [layer.name for layer in viewer.layers] == ["dapi", "dapi objects"]  # no preview is left, no frame


def test_detail_draws_samples_and_these_tell_the_confidence(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    viewer.add_image(nuclei(64, 64))
    run(qtbot, panel)
    assert not panel.by_confidence.isEnabled()
    assert "Detail" in panel.by_confidence.toolTip()
    panel.detail.move_to(1)
    assert (panel.more.steps, panel.more.samples) == (4, 4)
    (labels,) = run(qtbot, panel)
    confidence = labels.features["confidence"].to_numpy()
    assert ((confidence >= 0) & (confidence <= 1)).all()
    own = {label: labels.get_color(label) for label in labels.features["index"].tolist()}
    panel.by_confidence.click()
    assert is_coloured_by_confidence(labels)
    doubtful, sure = (int(labels.features["index"].iloc[pick]) for pick in (confidence.argmin(), confidence.argmax()))
    red = [float(labels.get_color(label)[0]) for label in (doubtful, sure)]
    assert red[0] >= red[1]
    assert labels.get_color(0) is None or float(labels.get_color(0)[3]) == 0
    labels.data_setitem(np.nonzero(labels.data == sure), 0)
    qtbot.waitUntil(lambda: sure not in labels.features["index"].to_numpy(), timeout=LONG)
    for label in labels.features["index"].tolist():  # by hand, so that nothing is known of any
        places = np.argwhere(labels.data == label)[:1]
        labels.data_setitem(tuple(places.T), 0)
    qtbot.waitUntil(lambda: labels.features["confidence"].isna().all(), timeout=LONG)
    grey = [labels.get_color(label)[:3] for label in labels.features["index"].tolist()]
    np.testing.assert_allclose(grey, np.full((len(grey), 3), 0.6), atol=0.01)
    assert panel.by_confidence.isEnabled()
    assert panel.by_confidence.isChecked()
    panel.by_confidence.click()
    assert not is_coloured_by_confidence(labels)
    np.testing.assert_allclose(labels.get_color(doubtful), own[doubtful])


def test_preview_outlines_what_is_visible(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    viewer.add_image(nuclei(3, 64, 64), scale=(2, 1, 1))
    viewer.dims.set_current_step(0, 1)
    (labels,) = run(qtbot, panel, "preview")
    assert labels.name.endswith("objects (view)")
    assert labels.data.shape == (1, 64, 64)
    assert float(labels.translate[0]) == 2.0


def test_what_objects_look_like_stays_as_chosen_while_images_are_of_one_kind(
    panel: SegmentPanel, viewer: napari.Viewer
) -> None:
    layer = viewer.add_image(np.zeros((32, 32, 3), np.uint8), rgb=True)
    assert panel.shown.value == "stained"
    panel.shown.value = "bright"
    layer.scale = (0.2, 0.2)
    assert panel.shown.value == "bright"
    panel.image.choose(viewer.add_image(np.zeros((32, 32)), name="grey"))
    panel.image.choose(layer)
    assert panel.shown.value == "stained"


def test_an_image_in_colours_is_taken_for_stained(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    grey = nuclei(64, 64)
    viewer.add_image(grey)
    panel.looker.look()
    assert panel.shown.value == "bright"
    colours = np.stack([np.clip(300 - grey, 0, 255)] * 3, axis=-1).astype(np.uint8)
    panel.image.choose(viewer.add_image(colours, rgb=True, name="tissue"))
    qtbot.waitUntil(lambda: panel.shown.value == "stained", timeout=LONG)
    (labels,) = run(qtbot, panel)
    assert labels.name == "tissue objects"
    assert labels.data.shape == (64, 64)


def test_maps_are_layers_of_their_own(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    viewer.add_image(nuclei(64, 64), name="dapi")
    panel.ticks.tick(("labels", "maps"))
    labels, depth, contact = run(qtbot, panel)
    assert isinstance(depth, Image)
    assert [layer.name for layer in (labels, depth, contact)] == [
        "dapi objects",
        "dapi depth in objects",
        "dapi contact of objects",
    ]
    assert [layer.visible for layer in (labels, depth, contact)] == [True, False, False]
    assert depth.data.shape == contact.data.shape == (64, 64)


def test_the_estimated_diameter_is_shown(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    panel.diameter.automatic.setChecked(True)
    assert not panel.diameter.pixels.isEnabled()
    assert panel.request().options.diameter is None
    viewer.add_image(nuclei(96, 96))
    run(qtbot, panel)
    assert panel.runner.last is not None
    assert panel.runner.last.result is not None
    assert panel.diameter.pixels.value() == pytest.approx(panel.runner.last.result.report["diameter"], abs=0.06)


def test_a_cancelled_run_leaves_no_layer(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    viewer.add_image(nuclei(256, 256))
    panel.more.set_fields({"steps": 1000, "samples": 8})
    qtbot.mouseClick(panel.run_bar.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=LONG)  # the result is forming
    qtbot.mouseClick(panel.run_bar.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert len(viewer.layers) == 1
    assert "Cancelled" in panel.results.line.text()


def test_save_writes_labels_and_a_table(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path) -> None:
    viewer.add_image(nuclei(64, 64), scale=(0.5, 0.2), units=("um", "um"))
    (labels,) = run(qtbot, panel)
    job = panel.actions.save(tmp_path / "nuclei.ome.tif")
    qtbot.waitUntil(lambda: job.over, timeout=LONG)
    saved = read_image(tmp_path / "nuclei.ome.tif")
    assert saved.array.dtype == np.uint16
    np.testing.assert_array_equal(saved.array, labels.data)
    assert saved.pixel_size_um == pytest.approx({"Y": 0.5, "X": 0.2})
    rows = (tmp_path / "nuclei.csv").read_text().splitlines()
    assert rows[0] == "label,area,confidence,y,x,state"
    assert len(rows) == 1 + len(labels.features)


@pytest.mark.parametrize("gone", [False, True], ids=["there", "taken away"])
def test_save_writes_the_objects_as_they_were_corrected(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path, gone: bool
) -> None:
    viewer.add_image(nuclei(64, 64))
    (labels,) = run(qtbot, panel)
    editor = panel.corrections.editor
    assert editor is not None
    qtbot.waitUntil(lambda: editor.book is not None, timeout=LONG)
    *_, sure, wrong, touched = (int(label) for label in labels.features.sort_values("area")["index"])
    for label, use in ((sure, editor.accept), (wrong, editor.delete)):
        labels.selected_label = label
        use()
    corner = tuple(np.argwhere(labels.data == touched)[0])
    labels.data_setitem(tuple(np.array([at]) for at in corner), 0)  # as the eraser does it; nobody has counted since
    now = labels.data.copy()
    if gone:
        viewer.layers.remove(labels)
    job = panel.actions.save(tmp_path / "nuclei.tif")
    qtbot.waitUntil(lambda: job.over, timeout=LONG)
    np.testing.assert_array_equal(read_image(tmp_path / "nuclei.tif").array, now)
    rows = list(csv.DictReader((tmp_path / "nuclei.csv").read_text().splitlines()))
    assert [(int(row["label"]), int(row["area"])) for row in rows] == [
        (int(label), int((now == label).sum())) for label in np.unique(now[now > 0])
    ]
    if not gone:  # else nobody knows any more
        states = {int(row["label"]): row["state"] for row in rows}
        assert (states.pop(sure), states.pop(touched)) == ("accepted", "edited")
        assert set(states.values()) <= {"auto"}
        assert [row["confidence"] for row in rows if row["state"] == "edited"] == [""]
        told = json.loads(read_image(tmp_path / "nuclei.tif").description)["napari_microdiff"]["report"]["states"]
        assert told == {"accepted": 1, "edited": 1, **({"auto": len(states)} if states else {})}


@pytest.mark.parametrize("ticked", [("labels", "maps"), ("maps",)])
def test_save_writes_what_was_ticked(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path, ticked: tuple[str, ...]
) -> None:
    viewer.add_image(nuclei(64, 64))
    panel.ticks.tick(ticked)
    layers = run(qtbot, panel)
    job = panel.actions.save(tmp_path / "nuclei.tif")
    qtbot.waitUntil(lambda: job.over, timeout=LONG)
    names = ("labels", "depth", "contact")[3 - len(layers) :]
    paths = [tmp_path / "nuclei.tif", *(tmp_path / f"nuclei {name}.tif" for name in names[1:])]
    for path, layer in zip(paths, layers, strict=True):
        np.testing.assert_array_equal(read_image(path).array, layer.data)
    assert (tmp_path / "nuclei.csv").exists() == ("labels" in ticked)
    assert len(list(tmp_path.iterdir())) == len(paths) + ("labels" in ticked)


def test_a_result_sets_the_panel_as_it_was(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    viewer.add_image(nuclei(64, 64))
    panel.shown.value = "dark"
    panel.detail.move_to(2)
    (labels,) = run(qtbot, panel)
    panel.shown.value = "bright"
    panel.detail.move_to(0)
    panel.diameter.automatic.setChecked(True)
    memory = json.loads(labels.metadata["napari_microdiff"])
    assert memory["output"] == "labels"
    found = recall(labels)
    assert found is not None
    panel.set_request(found["request"])
    assert (panel.shown.value, panel.detail.position, panel.diameter.pixels.value()) == ("dark", 2, 24)
    assert not panel.diameter.automatic.isChecked()


def test_only_what_was_ticked_becomes_a_layer(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    viewer.add_image(nuclei(64, 64), name="dapi")
    panel.ticks.tick(("maps",))
    assert [layer.name for layer in run(qtbot, panel)] == ["dapi depth in objects", "dapi contact of objects"]
    assert panel.labels is None
    assert not panel.by_confidence.isVisible()


def test_corrections_are_made_in_the_image_that_the_objects_are_in(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    cells = viewer.add_image(nuclei(64, 64), name="cells")
    (labels,) = run(qtbot, panel)
    cells.name = "DAPI"
    actin = viewer.add_image(nuclei(64, 64)[::-1].copy(), name="actin")
    panel.image.choose(actin)
    assert panel.given(labels).image is cells.data
    viewer.layers.remove(cells)
    with pytest.raises(RequestError, match="'cells'"):
        panel.given(labels)
    actin.name = "cells"
    assert panel.given(labels).image is actin.data


def test_an_image_that_is_there_before_the_panel_tells_its_colours(viewer: napari.Viewer, segmenter: str) -> None:
    viewer.add_image(np.zeros((32, 32, 3), np.uint8), rgb=True)
    assert SegmentPanel(viewer).shown.value == "stained"


def test_files_beside_the_chosen_one_are_written_over_only_if_so_wished(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer.add_image(nuclei(64, 64))
    panel.ticks.tick(("labels", "maps"))
    run(qtbot, panel)
    chosen, theirs = tmp_path / "nuclei.tif", [tmp_path / "nuclei.csv", tmp_path / "nuclei depth.tif"]
    for path in theirs:
        path.write_text("theirs")
    asked: list[str] = []
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])

    def answer(parent: Any, title: str, text: str, choices: Any, default: Any) -> Any:
        asked.append(text)
        assert default == QMessageBox.StandardButton.No
        return next(answers)

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments: (str(chosen), ""))
    monkeypatch.setattr(QMessageBox, "question", answer)
    panel.actions.ask_and_save()
    assert all(path.name in asked[0] for path in theirs)
    assert "contact" not in asked[0]
    assert sorted(tmp_path.iterdir()) == sorted(theirs)
    assert {path.read_text() for path in theirs} == {"theirs"}
    panel.actions.ask_and_save()
    qtbot.waitUntil(lambda: panel.results.line.text().startswith("Saved"), timeout=LONG)
    assert len(asked) == 2
    assert chosen.exists()
    assert theirs[0].read_text().startswith("label,")


def test_nothing_is_asked_where_there_is_no_file(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer.add_image(nuclei(64, 64))
    run(qtbot, panel)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments: (str(tmp_path / "nuclei.tif"), ""))
    panel.actions.ask_and_save()
    qtbot.waitUntil(lambda: panel.results.line.text().startswith("Saved"), timeout=LONG)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["nuclei.csv", "nuclei.tif"]
