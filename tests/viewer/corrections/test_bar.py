"""Correcting by hand with a real, tiny network: what a user clicks, draws and takes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import dask.array as da
import napari
import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication
from skimage.draw import disk
from wrapt import ObjectProxy

from napari_microdiff.tasks.correct import Corrected
from napari_microdiff.viewer.corrections import keys
from napari_microdiff.viewer.corrections import stock as stock_module
from napari_microdiff.viewer.corrections.bar import CorrectionBar
from napari_microdiff.viewer.corrections.given import Given
from napari_microdiff.viewer.corrections.settling import when_settled
from napari_microdiff.viewer.segment import SegmentPanel
from napari_microdiff.viewer.view import camera

LONG = 600_000


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any, segmenter: str) -> napari.Viewer:
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer: napari.Viewer, segmenter: str) -> SegmentPanel:
    panel = SegmentPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Segment")
    assert panel.model.choose(segmenter)
    panel.diameter.automatic.setChecked(False)
    panel.diameter.pixels.setValue(20)
    return panel


def two_squares() -> np.ndarray:
    labels = np.zeros((80, 100), dtype=np.int32)
    labels[20:40, 20:50], labels[50:70, 60:80] = 1, 2
    return labels


def opened(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, labels: np.ndarray, **fields: Any) -> Labels:
    """Open an image and labels over it, and wait until their objects are known."""
    rng = np.random.default_rng(0)
    image = (100 * (labels > 0) + 10 * rng.standard_normal(labels.shape)).astype(np.float32)
    where = {name: value for name, value in fields.items() if name in ("scale", "translate", "units")}
    panel.image.choose(viewer.add_image(image, name="dapi", **where))
    layer = viewer.add_labels(labels, name="nuclei", **fields)
    settled(panel, qtbot)
    return layer


def settled(panel: SegmentPanel, qtbot: Any) -> None:
    editor = panel.corrections.editor
    assert editor is not None
    counted: list[bool] = []
    qtbot.waitUntil(lambda: not editor.busy, timeout=LONG)
    editor.stock.when_counted(lambda: counted.append(True))
    qtbot.waitUntil(lambda: bool(counted), timeout=LONG)


def pick(layer: Labels, label: int) -> None:
    """Click an object on a plane."""
    places = np.argwhere(layer.data == label)
    draw(layer, tuple(places[len(places) // 2].astype(float)))
    assert layer.selected_label == label


def click(bar: CorrectionBar, qtbot: Any, name: str) -> None:
    assert bar.buttons[name].isEnabled()
    qtbot.mouseClick(bar.buttons[name], Qt.MouseButton.LeftButton)


def draw(layer: Labels, *places: tuple[float, ...]) -> None:
    """Press at the first place, move over the others and release at the last, in pixels of the layer."""

    def event(kind: str, place: tuple[float, ...]) -> Any:
        return ObjectProxy(  # as napari's canvas passes events on
            SimpleNamespace(
                type=kind, position=layer.data_to_world(place), button=1, modifiers=(), handled=False, is_dragging=True
            )
        )

    mouse_press_callbacks(layer, event("mouse_press", places[0]))
    for place in places[1:]:
        mouse_move_callbacks(layer, event("mouse_move", place))
    mouse_release_callbacks(layer, event("mouse_release", places[-1]))


def test_colours_of_somebody_else_stay(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    theirs = DirectLabelColormap(color_dict={1: "red", 2: "lime", None: "transparent"})
    layer = opened(panel, viewer, qtbot, two_squares(), colormap=theirs)
    pick(layer, 1)
    click(panel.corrections, qtbot, "accept")
    settled(panel, qtbot)
    assert layer.features["state"].tolist() == ["accepted", "auto"]
    assert layer.colormap == theirs


def test_the_frame_follows_the_labels(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    pick(layer, 1)
    frame = viewer.layers["strokes"]
    before, width = np.array(frame.data[0]), frame.edge_width[0]
    layer.scale, layer.translate = (0.1, 0.2), (3, 4)
    np.testing.assert_allclose(frame.scale, layer.scale)
    np.testing.assert_allclose(frame.translate, layer.translate)
    np.testing.assert_allclose(frame.data[0], before)
    np.testing.assert_allclose(frame.edge_width[0], 10 * width)
    layer.units = ("um", "um")
    assert frame.units == layer.units
    panel.shut()
    layer.scale = (1, 1)
    np.testing.assert_allclose(frame.scale, (0.1, 0.2))


@pytest.mark.parametrize("told", [True, False])
def test_what_is_painted_while_no_panel_is_open_is_edited(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, told: bool
) -> None:
    features = {"index": [1, 2], "confidence": [0.9, 0.6], "state": ["auto", "auto"]}
    layer = opened(panel, viewer, qtbot, two_squares(), features=features)
    for label in (1, 2):
        pick(layer, label)
        panel.corrections.editor.accept()  # type: ignore[union-attr]
    settled(panel, qtbot)
    panel.shut()
    layer.data[20:25, 20:25], layer.data[5, 5:9] = 0, 3
    if not told:  # somebody else says what there is now
        layer.features = {"index": [1, 2, 3], "state": ["accepted"] * 3}
    again = SegmentPanel(viewer)
    viewer.window.add_dock_widget(again, name="Segment once more")
    settled(again, qtbot)
    assert layer.features["state"].tolist() == (["edited", "accepted", "edited"] if told else ["accepted"] * 3)
    assert again.corrections.editor.book.locked == ({2} if told else {1, 2, 3})  # type: ignore[union-attr]


def test_a_table_of_somebody_else_is_kept(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    measured = {"index": [1, 2], "area": [37.5, 25.0], "cell_type": ["A", "B"]}
    layer = opened(panel, viewer, qtbot, two_squares(), features=measured)
    assert layer.features.to_dict("list") == measured
    pick(layer, 1)
    click(panel.corrections, qtbot, "accept")
    settled(panel, qtbot)
    assert layer.features["area"].tolist() == measured["area"]
    assert layer.features["cell_type"].tolist() == ["A", "B"]
    assert layer.features["state"].tolist() == ["accepted", "auto"]
    pick(layer, 2)
    click(panel.corrections, qtbot, "delete")
    settled(panel, qtbot)
    assert layer.features["cell_type"].tolist() == ["A"]


def test_the_diameter_of_labels_in_a_stack_is_that_in_a_plane(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    plane = np.zeros((60, 90), np.int32)
    plane[disk((30, 25), 10)], plane[disk((30, 65), 10)] = 1, 2
    layer = opened(panel, viewer, qtbot, np.stack([plane] * 15))
    panel.diameter.automatic.setChecked(True)
    given = panel.given(layer)
    assert given.request.options.diameter == pytest.approx(20, abs=1.5)  # type: ignore[union-attr]


def test_who_waits_for_a_stroke_waits_for_none_that_cannot_be_worked_on(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    viewer.layers.remove("dapi")
    editor = panel.corrections.editor
    assert editor is not None
    editor.use("cut")
    editor.stock.count()  # first
    editor.pen.drawn.emit("cut", np.array([[18.0, 35.0], [42.0, 35.0]]))
    assert editor.busy
    settled_now: list[bool] = []
    when_settled(layer, lambda: settled_now.append(True))
    qtbot.waitUntil(lambda: bool(settled_now), timeout=LONG)
    assert panel.corrections.line.warns


def test_without_objects_the_bar_says_what_to_do(panel: SegmentPanel, viewer: napari.Viewer) -> None:
    viewer.add_image(np.zeros((20, 20), np.float32))
    assert not any(button.isEnabled() for button in panel.corrections.buttons.values())
    assert "Select a layer of objects" in panel.corrections.about.text()


def test_a_tool_has_its_layer_there_before_the_first_stroke(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    assert "strokes" not in viewer.layers
    click(panel.corrections, qtbot, "cut")
    strokes = viewer.layers["strokes"]
    assert strokes.visible  # and so drawn, which takes long for the first time
    assert not strokes.edge_color[:, 3].any()
    assert not strokes.face_color[:, 3].any()
    assert viewer.layers.selection == {layer}
    click(panel.corrections, qtbot, "add")
    assert [each.name for each in viewer.layers].count("strokes") == 1
    assert len(strokes.data) == 1


def test_a_click_selects_and_delete_takes_away_and_undo_brings_back(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    before = two_squares()
    layer = opened(panel, viewer, qtbot, before.copy(), scale=(0.5, 0.2), translate=(3, 4))
    assert "2 objects" in panel.corrections.about.text()
    draw(layer, (60.0, 70.0))
    assert layer.selected_label == 2
    click(panel.corrections, qtbot, "delete")
    np.testing.assert_array_equal(layer.data, np.where(before == 2, 0, before))
    settled(panel, qtbot)
    assert layer.features["index"].tolist() == [1]
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)
    settled(panel, qtbot)
    assert layer.features["index"].tolist() == [1, 2]
    assert layer.features["state"].tolist() == ["auto", "auto"]


def test_nothing_is_selected_until_somebody_selects_it(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    assert layer.selected_label == 1  # napari's, whether there is such an object or not
    assert [each.name for each in viewer.layers] == ["dapi", "nuclei"]  # so there is no frame
    click(panel.corrections, qtbot, "delete")
    assert "Select the object to delete first" in panel.corrections.line.text()
    np.testing.assert_array_equal(layer.data, two_squares())
    layer.colormap = DirectLabelColormap(color_dict={1: "red", None: "blue"})  # with which napari tells of the label
    assert [each.name for each in viewer.layers] == ["dapi", "nuclei"]
    pick(layer, 1)
    assert [each.name for each in viewer.layers] == ["dapi", "nuclei", "strokes"]
    assert "Object 1" in panel.corrections.about.text()


def test_a_stroke_merges_in_one_step(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    before = two_squares()
    before[20:40, 50:70] = 3
    layer = opened(panel, viewer, qtbot, before.copy())
    click(panel.corrections, qtbot, "merge")
    assert panel.corrections.buttons["merge"].isChecked()
    assert not layer.mouse_pan
    draw(layer, (30.0, 25.0), (30.0, 45.0), (30.0, 65.0))
    settled(panel, qtbot)
    assert len(np.unique(layer.data[30, 25:66])) == 1
    np.testing.assert_array_equal(layer.data == 2, before == 2)
    assert "became one" in panel.corrections.line.text()
    assert layer.features.set_index("index")["state"].to_dict() == {1: "edited", 2: "auto"}
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)
    assert viewer.layers.selection.active == layer


def test_a_stroke_cuts_and_an_accepted_object_keeps_every_pixel(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    before = two_squares()
    layer = opened(panel, viewer, qtbot, before.copy())
    pick(layer, 1)
    click(panel.corrections, qtbot, "accept")
    assert layer.features["state"].tolist() == ["accepted", "auto"]
    click(panel.corrections, qtbot, "cut")
    draw(layer, (15.0, 35.0), (45.0, 35.0))
    settled(panel, qtbot)
    np.testing.assert_array_equal(layer.data, before)
    assert "Nothing changed" in panel.corrections.line.text()
    draw(layer, (45.0, 70.0), (75.0, 70.0))
    settled(panel, qtbot)
    np.testing.assert_array_equal(layer.data == 1, before == 1)
    assert len(np.unique(layer.data)) == 4
    assert layer.data.max() == 3


def test_add_outlines_what_was_missed_and_touches_no_other(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    before = two_squares()
    layer = opened(panel, viewer, qtbot, before.copy())
    click(panel.corrections, qtbot, "add")
    draw(layer, (30.0, 45.0), (30.0, 60.0))
    settled(panel, qtbot)
    for label in (1, 2):
        np.testing.assert_array_equal(layer.data == label, before == label)
    assert (layer.data == 3).sum() > 10


@pytest.mark.parametrize("shape", [(3, 80, 100)])
def test_stacks_are_corrected_on_the_plane_that_is_shown(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, shape: tuple[int, ...]
) -> None:
    before = np.broadcast_to(two_squares(), shape).copy()
    layer = opened(panel, viewer, qtbot, before.copy(), scale=(2, 0.5, 0.5))
    viewer.dims.set_current_step(0, 1)
    click(panel.corrections, qtbot, "cut")
    draw(layer, (1.0, 45.0, 70.0), (1.0, 75.0, 70.0))
    settled(panel, qtbot)
    np.testing.assert_array_equal(layer.data[[0, 2]], before[[0, 2]])
    assert len(np.unique(layer.data[1])) == 4
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_next_goes_from_the_least_sure_on_and_leaves_out_what_was_looked_at(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    features = {"index": [1, 2], "confidence": [0.9, 0.6], "state": ["auto", "auto"]}
    layer = opened(panel, viewer, qtbot, two_squares(), features=features)
    click(panel.corrections, qtbot, "next")
    assert layer.selected_label == 2
    assert "confidence 0.60" in panel.corrections.about.text()
    np.testing.assert_allclose(camera(viewer).center[-2:], (59.5, 69.5))
    click(panel.corrections, qtbot, "accept")  # and goes on
    assert layer.selected_label == 1
    click(panel.corrections, qtbot, "accept")
    click(panel.corrections, qtbot, "next")
    assert "Every object was looked at" in panel.corrections.line.text()


def test_accepting_twice_takes_it_back_and_painting_over_it_does_too(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    pick(layer, 1)
    click(panel.corrections, qtbot, "accept")
    pick(layer, 1)
    click(panel.corrections, qtbot, "accept")
    assert layer.features["state"].tolist() == ["auto", "auto"]
    pick(layer, 1)
    click(panel.corrections, qtbot, "accept")
    layer.paint((30, 30), 0)
    settled(panel, qtbot)
    assert layer.features["state"].tolist() == ["edited", "auto"]
    layer.undo()
    settled(panel, qtbot)
    assert layer.features["state"].tolist() == ["accepted", "auto"]


def test_split_shows_one_way_after_the_other(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    before = two_squares()
    layer = opened(panel, viewer, qtbot, before.copy())
    pick(layer, 1)
    click(panel.corrections, qtbot, "split")
    settled(panel, qtbot)
    said = panel.corrections.line.text()
    assert "way 1 of" in said or "always sees one object" in said
    np.testing.assert_array_equal(layer.data > 0, before > 0)
    np.testing.assert_array_equal(layer.data == 2, before == 2)
    if "way 1 of" in said:
        layer.undo()
        np.testing.assert_array_equal(layer.data, before)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Let corrections wait with what came of them; return what tells that one does, and what lets it go on."""
    reached, go = threading.Event(), threading.Event()
    real = Given.correction

    def waiting(*arguments: Any) -> Iterator[Any]:
        for event in real(*arguments):
            if isinstance(event, Corrected):
                reached.set()
                go.wait(LONG / 1000)
            yield event

    monkeypatch.setattr(Given, "correction", waiting)
    return reached, go


def test_a_number_that_was_given_away_meanwhile_is_not_given_again(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, held: tuple[threading.Event, threading.Event]
) -> None:
    reached, go = held
    layer = opened(panel, viewer, qtbot, two_squares())
    click(panel.corrections, qtbot, "add")
    draw(layer, (10.0, 85.0), (15.0, 90.0))
    qtbot.waitUntil(reached.is_set, timeout=LONG)
    layer.selected_label = 3  # as napari's M does
    layer.paint((70, 20), 3)
    painted = layer.data == 3
    layer.selected_label = 4  # and is about to paint the next
    go.set()
    settled(panel, qtbot)
    np.testing.assert_array_equal(layer.data == 3, painted)
    assert (layer.data == 4).sum() == 0
    assert (layer.data == 5).sum() > 10


def test_a_correction_that_comes_late_leaves_selected_what_somebody_turned_to(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, held: tuple[threading.Event, threading.Event]
) -> None:
    reached, go = held
    layer = opened(panel, viewer, qtbot, two_squares())
    click(panel.corrections, qtbot, "add")
    draw(layer, (10.0, 85.0), (15.0, 90.0))
    qtbot.waitUntil(reached.is_set, timeout=LONG)
    click(panel.corrections, qtbot, "add")  # puts it down
    pick(layer, 1)
    layer.mode = "paint"
    go.set()
    settled(panel, qtbot)
    assert (layer.data == 3).sum() > 10
    assert layer.selected_label == 1


def test_undo_is_seen_after_another_layer_was_opened(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    pick(layer, 2)
    click(panel.corrections, qtbot, "delete")
    settled(panel, qtbot)
    assert layer.features["index"].tolist() == [1]
    viewer.add_image(np.zeros((5, 80, 100), np.uint8), name="a stack")
    viewer.layers.selection.active = layer
    settled(panel, qtbot)
    viewer.dims.set_current_step(0, 3)
    layer.undo()
    qtbot.waitUntil(lambda: layer.features["index"].tolist() == [1, 2], timeout=LONG)


@pytest.mark.parametrize("how", ["turned", "in 3-D"])
def test_other_displays_than_planes_are_refused_in_words(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, how: str
) -> None:
    before = np.broadcast_to(two_squares(), (3, 80, 100)).copy()
    layer = opened(panel, viewer, qtbot, before.copy())
    if how == "turned":
        viewer.dims.order = (1, 0, 2)
    else:
        viewer.dims.ndisplay = 3
    click(panel.corrections, qtbot, "cut")
    draw(layer, (0.0, 60.0, 55.0), (2.0, 60.0, 85.0))
    settled(panel, qtbot)
    np.testing.assert_array_equal(layer.data, before)
    assert "Go back to the 2-D display" in panel.corrections.line.text()


@pytest.fixture
def buttons(monkeypatch: pytest.MonkeyPatch) -> list[Qt.MouseButton]:
    """Return what is told of the buttons of the mouse, one of which is down."""
    down = [Qt.MouseButton.LeftButton]
    monkeypatch.setattr(QApplication, "mouseButtons", lambda: down[0])
    return down


def painted_meanwhile(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> Labels:
    """Have an object cut, and paint another one while the brush is down, until the model is done with the cut."""
    layer = opened(panel, viewer, qtbot, two_squares())
    click(panel.corrections, qtbot, "cut")
    draw(layer, (15.0, 35.0), (45.0, 35.0))
    layer.mode = "paint"
    with layer.block_history():  # as napari does from press to release
        layer.paint((70, 10), 9)
        qtbot.waitUntil(lambda: not viewer.layers["strokes"].visible, timeout=LONG)
        counted: list[bool] = []
        panel.corrections.editor.stock.when_counted(lambda: counted.append(True))
        qtbot.waitUntil(lambda: bool(counted), timeout=LONG)
    return layer


def test_a_correction_waits_until_the_brush_is_lifted(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, buttons: list[Qt.MouseButton]
) -> None:
    layer = painted_meanwhile(panel, viewer, qtbot)
    assert panel.corrections.editor.busy
    assert set(np.unique(layer.data)) == {0, 1, 2, 9}
    buttons[0] = Qt.MouseButton.NoButton
    settled(panel, qtbot)
    assert len(layer.features) == 4
    layer.undo()
    settled(panel, qtbot)
    assert set(np.unique(layer.data)) == {0, 1, 2, 9}


def test_a_correction_that_waits_for_the_brush_is_given_up_with_the_panel(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, buttons: list[Qt.MouseButton]
) -> None:
    layer = painted_meanwhile(panel, viewer, qtbot)
    editor = panel.corrections.editor
    panel.corrections.shut()
    assert not editor.busy
    buttons[0] = Qt.MouseButton.NoButton
    qtbot.wait(200)  # several times as long as until it is looked whether the brush was lifted
    assert set(np.unique(layer.data)) == {0, 1, 2, 9}


def test_objects_are_corrected_whatever_a_run_is_to_make(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    panel.ticks.tick(())
    assert not panel.ticks.ticked
    click(panel.corrections, qtbot, "cut")
    draw(layer, (15.0, 35.0), (45.0, 35.0))
    settled(panel, qtbot)
    assert len(layer.features) > 2


def test_tools_may_be_taken_up_where_strokes_cannot_be_shown(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    viewer.dims.ndisplay = 3
    for tool in ("next", "cut", "add", "merge"):
        click(panel.corrections, qtbot, tool)  # napari cannot add flat shapes to what is shown in space
    viewer.dims.ndisplay = 2
    click(panel.corrections, qtbot, "cut")
    draw(layer, (60.0, 55.0), (60.0, 85.0))
    assert viewer.layers["strokes"].visible
    settled(panel, qtbot)


def test_columns_of_somebody_else_with_our_names_are_kept(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    theirs = {"index": [1, 2], "state": ["G1", "M"], "confidence": ["high", "low"]}
    layer = opened(panel, viewer, qtbot, two_squares(), features=theirs)
    assert layer.features.to_dict("list") == theirs
    pick(layer, 2)
    click(panel.corrections, qtbot, "accept")
    settled(panel, qtbot)
    assert layer.features["state"].tolist() == ["auto", "accepted"]
    assert layer.features["state before"].tolist() == ["G1", "M"]
    assert layer.features["confidence before"].tolist() == ["high", "low"]
    pick(layer, 1)
    click(panel.corrections, qtbot, "delete")
    settled(panel, qtbot)
    assert layer.features["state before"].tolist() == ["M"]


def test_an_index_that_is_no_number_is_taken_for_none(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    layer = opened(panel, viewer, qtbot, two_squares(), features={"index": ["a", "b", "c"], "note": ["", "x", "y"]})
    pick(layer, 1)
    click(panel.corrections, qtbot, "accept")
    settled(panel, qtbot)
    assert layer.features["index"].tolist() == [1, 2]
    assert layer.features["note"].tolist() == ["x", "y"]


def test_labels_edited_meanwhile_are_not_overwritten(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, held: tuple[threading.Event, threading.Event]
) -> None:
    reached, go = held
    layer = opened(panel, viewer, qtbot, two_squares())
    click(panel.corrections, qtbot, "cut")
    draw(layer, (45.0, 70.0), (75.0, 70.0))
    qtbot.waitUntil(reached.is_set, timeout=LONG)
    layer.data_setitem(np.nonzero(layer.data == 2), 9)
    edited = layer.data.copy()
    go.set()
    settled(panel, qtbot)
    np.testing.assert_array_equal(layer.data, edited)
    assert "edited in the meantime" in panel.corrections.line.text()


def test_a_layer_that_is_deleted_meanwhile_loses_nothing_else(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    editor = panel.corrections.editor
    assert editor is not None
    click(panel.corrections, qtbot, "cut")
    draw(layer, (45.0, 70.0), (75.0, 70.0))
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: not editor.busy, timeout=LONG)
    assert [left.name for left in viewer.layers if left.name != "strokes"] == ["dapi"]
    assert panel.corrections.editor is None
    assert not viewer.layers["strokes"].visible


def test_a_full_type_is_said_and_nothing_changes(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    before = two_squares().astype(np.uint8)
    before[0, 0] = 255
    layer = opened(panel, viewer, qtbot, before.copy())
    click(panel.corrections, qtbot, "cut")
    draw(layer, (45.0, 70.0), (75.0, 70.0))
    settled(panel, qtbot)
    np.testing.assert_array_equal(layer.data, before)
    assert "no number left" in panel.corrections.line.text()


def test_objects_of_another_image_are_refused(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    panel.image.choose(viewer.add_image(np.zeros((30, 30), np.float32)))
    viewer.layers.selection.active = layer
    click(panel.corrections, qtbot, "cut")
    draw(layer, (45.0, 70.0), (75.0, 70.0))
    settled(panel, qtbot)
    assert "Choose the labels of this image" in panel.corrections.line.text()


def test_keys_are_bound_to_the_layer_and_clash_with_none_of_naparis() -> None:
    from napari.utils.shortcuts import default_shortcuts

    taken = {str(key) for bound in default_shortcuts.values() for key in bound}
    assert not taken & set(keys.KEYS.values())
    assert len(set(keys.KEYS.values())) == len(keys.KEYS)


def test_keys_do_what_the_buttons_do(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    bound = {str(key): action for key, action in layer.keymap.items()}
    assert set(keys.KEYS.values()) <= set(bound)
    bound[keys.KEYS["cut"]](layer)
    assert panel.corrections.buttons["cut"].isChecked()
    bound[keys.KEYS["look"]](layer)
    assert not panel.corrections.buttons["cut"].isChecked()
    assert layer.mouse_pan
    pick(layer, 2)
    bound[keys.KEYS["delete"]](layer)
    assert not (layer.data == 2).any()


def test_a_napari_mode_puts_the_tool_down(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    layer = opened(panel, viewer, qtbot, two_squares())
    click(panel.corrections, qtbot, "cut")
    layer.mode = "paint"
    assert not panel.corrections.buttons["cut"].isChecked()
    click(panel.corrections, qtbot, "redraw")
    assert layer.mode == "paint"


def test_an_accepted_object_is_not_deleted_and_the_words_say_how(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    before = two_squares()
    layer = opened(panel, viewer, qtbot, before.copy())
    pick(layer, 1)
    click(panel.corrections, qtbot, "accept")
    pick(layer, 1)
    click(panel.corrections, qtbot, "delete")
    np.testing.assert_array_equal(layer.data, before)
    assert "press Accept (K) to give it back" in panel.corrections.line.text()


def test_objects_are_counted_once_when_nothing_changes(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    real = stock_module.take_inventory
    monkeypatch.setattr(stock_module, "take_inventory", lambda labels: counted.append(1) or real(labels))
    layer = opened(panel, viewer, qtbot, two_squares())
    pick(layer, 2)
    qtbot.wait(1500)
    assert len(counted) <= 3  # on opening, and after napari's own refresh when the frame is drawn


@pytest.mark.parametrize("kind", ["dask", "read-only", "multiscale"])
def test_labels_that_cannot_be_written_are_corrected_as_a_copy(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, kind: str
) -> None:
    before = two_squares()
    data: Any = {"dask": da.from_array(before), "read-only": before, "multiscale": [before, before[::2, ::2]]}[kind]
    before.flags.writeable = False
    panel.image.choose(viewer.add_image(before.astype(np.float32), name="dapi"))
    layer = viewer.add_labels(data, name="nuclei", scale=(0.5, 0.2), multiscale=kind == "multiscale")
    assert not panel.corrections.buttons["cut"].isEnabled()
    assert "cannot be written" in panel.corrections.line.text()
    qtbot.mouseClick(panel.corrections.copy, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.corrections.editor is not None, timeout=LONG)
    settled(panel, qtbot)
    copy = viewer.layers[-1] if viewer.layers[-1].name != "strokes" else viewer.layers[-2]
    assert copy.name == "nuclei (corrected)"
    np.testing.assert_array_equal(copy.scale, layer.scale)
    click(panel.corrections, qtbot, "cut")
    draw(copy, (45.0, 70.0), (75.0, 70.0))
    settled(panel, qtbot)
    assert len(np.unique(copy.data)) == 4
    copy.undo()
    np.testing.assert_array_equal(copy.data, before)


def test_very_many_objects_are_gone_through_like_few(panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    count = 260
    labels = np.zeros((5 * count, 5 * count), dtype=np.int32)
    numbers = np.arange(1, count**2 + 1).reshape(count, count)
    labels[:] = np.repeat(np.repeat(numbers, 5, axis=0), 5, axis=1)
    labels[::5] = labels[:, ::5] = 0
    confidence = np.linspace(1, 0.5, count**2)
    layer = opened(
        panel, viewer, qtbot, labels, features={"index": numbers.ravel(), "confidence": confidence, "state": "auto"}
    )
    assert f"{count**2:,} objects".replace(",", "") in panel.corrections.about.text().replace(",", "")
    click(panel.corrections, qtbot, "next")
    assert layer.selected_label == count**2 > np.iinfo(np.uint16).max
    click(panel.corrections, qtbot, "delete")
    settled(panel, qtbot)
    assert len(layer.features) == count**2 - 1
    layer.undo()
    settled(panel, qtbot)
    assert layer.features["state"].tolist() == ["auto"] * count**2


@pytest.mark.parametrize("how", ["delete", "merge", "fill"])
def test_what_others_say_of_an_object_comes_back_with_it(
    panel: SegmentPanel, viewer: napari.Viewer, qtbot: Any, how: str
) -> None:
    """Such as its class, which images are drawn by."""
    columns = {"index": [1, 2], "class": ["resting", "dividing"], "track": [11, 12]}
    layer = opened(panel, viewer, qtbot, two_squares(), features=columns)
    before = layer.data.copy()
    if how == "delete":
        pick(layer, 2)
        click(panel.corrections, qtbot, "delete")
    elif how == "merge":
        click(panel.corrections, qtbot, "merge")
        draw(layer, (30.0, 40.0), (60.0, 70.0))
    else:  # napari's bucket
        layer.fill((60, 70), 0)
    settled(panel, qtbot)
    qtbot.waitUntil(lambda: len(layer.features) == 1, timeout=LONG)
    layer.undo()
    qtbot.waitUntil(lambda: len(layer.features) == 2, timeout=LONG)
    np.testing.assert_array_equal(layer.data, before)
    assert layer.features["class"].tolist() == ["resting", "dividing"]
    assert layer.features["track"].tolist() == [11, 12]
    assert layer.features["track"].dtype.kind == "i"
