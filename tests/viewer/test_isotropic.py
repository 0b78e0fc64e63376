"""The Isotropic z panel with a real, tiny network: what a user clicks, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import napari
import numpy as np
import pytest
import tifffile
from napari.layers import Image
from napari.layers._source import layer_source
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QDialogButtonBox

from napari_microdiff.engine.options import IsotropicOptions
from napari_microdiff.files import read_image
from napari_microdiff.models.store import find_model
from napari_microdiff.viewer.adapt import AdaptDialog, BeforeAfterDialog
from napari_microdiff.viewer.isotropic import READING_SLICES, IsotropicPanel
from napari_microdiff.viewer.layers import recall
from napari_microdiff.viewer.script import as_command, as_python

LONG = 600_000


def slices(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 20, shape).astype(np.float32)


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any, slicer: str) -> napari.Viewer:
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer: napari.Viewer, slicer: str) -> IsotropicPanel:
    panel = IsotropicPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Isotropic z")
    assert panel.model.choose(slicer)
    return panel


def run(qtbot: Any, panel: IsotropicPanel, button: str = "run") -> list[Any]:
    """Click a button, wait, and return the layers that were made."""
    target = getattr(panel.run_bar, button)
    assert target.isEnabled(), target.toolTip()
    qtbot.mouseClick(target, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.runner.last is not None, panel.results.line.text()
    return list(panel.runner.last.layers)


def test_first_and_last_slices_lie_where_they_were(panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    turned = np.array([[1, 0, 0], [0, 0.6, -0.8], [0, 0.8, 0.6]])
    place = {"scale": (0.05, 0.01, 0.01), "translate": (3, 4, 5), "rotate": turned, "units": ("um",) * 3}
    image = viewer.add_image(slices(5, 32, 40), name="tissue", colormap="green", **place)
    assert panel.factor.value() == 5  # as the layer's scale says
    assert panel.factor_line.text() == "5 slices become 21."
    assert panel.told.text() == ""
    sample, sigma = run(qtbot, panel)
    assert sample.name == "tissue isotropic"
    assert panel.told.warns  # noise alone: no slice tells anything of the next one
    assert "Most of what lies between them is made up." in panel.told.text()
    assert sample.data.shape == sigma.data.shape == (21, 32, 40)
    np.testing.assert_array_equal(sample.data[::5], image.data)
    np.testing.assert_allclose(sample.scale, (0.01, 0.01, 0.01))
    for made in (sample, sigma):
        for corner in (np.zeros(3), np.array(image.data.shape) - 1):
            there = made.data_to_world(corner * (5, 1, 1))
            np.testing.assert_allclose(there, image.data_to_world(corner), rtol=0, atol=1e-9)
        assert made.units == image.units
    assert sample.colormap.name == "green"
    memory = recall(sample)
    assert memory is not None
    assert memory["request"].options.factor == 5


def test_preview_draws_between_this_slice_and_the_next_and_shows_it(
    panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    image = viewer.add_image(slices(6, 40, 40), scale=(4, 1, 1))
    panel.factor.setValue(4)
    viewer.dims.set_point(0, 8)
    made = run(qtbot, panel, "preview")[0]
    assert made.name.endswith("(mean) (view)")  # which one step makes
    assert made.data.shape[0] == 5
    np.testing.assert_array_equal(made.data[[0, -1]], image.data[2:4])
    assert viewer.dims.point[0] == pytest.approx(10)  # half way from slice 2 to slice 3
    assert panel.runner.last.request.steps == 1  # type: ignore[union-attr]
    assert panel.request().steps == 8
    viewer.dims.set_point(0, 20)
    made = run(qtbot, panel, "preview")[0]
    np.testing.assert_array_equal(made.data[[0, -1]], image.data[4:6])


def test_a_preview_is_shown_once(panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    viewer.add_image(slices(6, 40, 40))
    run(qtbot, panel, "preview")
    viewer.dims.set_point(0, 5)
    panel.run_bar.run.click()
    panel.run_bar.cancel.click()
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert viewer.dims.point[0] == 5
    assert panel.told.text() == ""  # of the run before


def test_a_preview_is_of_the_middle_of_what_is_visible(panel: IsotropicPanel, viewer: napari.Viewer) -> None:
    viewer.add_image(slices(2, 4, 300, 400), axis_labels=("t", "z", "y", "x"))
    region = ((1, 2), (2, 3), (0, 300), (40, 100))
    assert panel.previewed(region, "TZYX") == ((1, 2), (2, 4), (86, 214), (40, 100))


def test_what_forms_is_where_the_result_will_be(
    panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_microdiff.viewer.worker.PREVIEW_EVERY", 0.0)
    monkeypatch.setattr("napari_microdiff.viewer.worker.NEWS_EVERY", 0.0)
    image = viewer.add_image(slices(5, 40, 40), scale=(0.3, 0.1, 0.1), translate=(5, 6, 7))
    forming: list[tuple[np.ndarray, np.ndarray]] = []

    def note(event: Any) -> None:
        layer = event.value
        if layer.name.endswith("(forming)"):
            forming.append((layer.data_to_world(np.zeros(3)), layer.data_to_world(np.array(layer.data.shape) - 1)))

    viewer.layers.events.inserted.connect(note)
    panel.factor.setValue(3)
    run(qtbot, panel)
    first, last = forming[0]
    np.testing.assert_allclose(first, image.data_to_world(np.zeros(3)), atol=1e-9)
    np.testing.assert_allclose(last, image.data_to_world(np.array(image.data.shape) - 1), atol=1e-9)


def test_cancel_changes_nothing(panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    viewer.add_image(slices(12, 200, 200))
    panel.factor.setValue(10)
    qtbot.mouseClick(panel.run_bar.run, Qt.MouseButton.LeftButton)
    qtbot.wait(200)
    qtbot.mouseClick(panel.run_bar.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert len(viewer.layers) == 1
    assert panel.results.line.text() == "Cancelled; nothing was changed."


def test_what_is_no_stack_is_said_before_it_is_run(panel: IsotropicPanel, viewer: napari.Viewer) -> None:
    assert "Open a stack" in panel.image_line.text()
    viewer.add_image(slices(40, 40))
    assert not panel.run_bar.run.isEnabled()
    assert "no stack of slices" in panel.factor_line.text()
    viewer.layers.clear()
    viewer.add_image(slices(1, 40, 40), axis_labels=("z", "y", "x"))
    assert "one slice only" in panel.run_bar.run.toolTip()
    viewer.layers.clear()
    viewer.add_image(slices(5, 40, 40), scale=(1, 1, 1), units=("um",) * 3)
    assert panel.factor_line.text() == "5 slices become 9. By its scale its voxels are cubes already."
    assert panel.run_bar.run.isEnabled()


def test_one_step_makes_the_mean_and_more_a_sample(panel: IsotropicPanel) -> None:
    assert panel.ticks.ticked == ("sample", "uncertainty")
    panel.detail.move_to(0)
    assert panel.ticks.ticked == ("mean", "uncertainty")
    panel.detail.move_to(1)
    assert panel.ticks.ticked == ("sample", "uncertainty")
    assert panel.request().steps == 4


def test_a_result_is_repeated_copied_and_saved(
    panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path
) -> None:
    viewer.add_image(slices(5, 32, 32), name="tissue", scale=(0.03, 0.01, 0.01), units=("um",) * 3)
    first = run(qtbot, panel)[0].data
    qtbot.mouseClick(panel.results.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    last = panel.runner.last
    assert last is not None
    assert last.result is not None
    np.testing.assert_array_equal(last.layers[0].data, first)
    request = last.result.request
    assert "napari_microdiff.isotropic(" in as_python(request, viewer.layers["tissue"])
    assert "factor=3" in as_python(request, viewer.layers["tissue"])
    words = as_command(request)
    assert words.startswith("napari-microdiff isotropic INPUT.tif OUTPUT.tif")
    assert "--factor 3" in words
    assert "--uncertainty UNCERTAINTY.tif" in words
    job = panel.actions.save(tmp_path / "made.tif")
    qtbot.waitUntil(lambda: job.over, timeout=LONG)
    made = read_image(tmp_path / "made.tif")
    assert made.shape == (13, 32, 32)
    assert made.pixel_size_um == pytest.approx({"Z": 0.01, "Y": 0.01, "X": 0.01})


def test_a_stack_that_is_there_before_the_panel_tells_its_distance_of_slices(
    viewer: napari.Viewer, panel: IsotropicPanel
) -> None:
    viewer.add_image(slices(5, 32, 32), scale=(0.05, 0.01, 0.01), units=("um",) * 3)
    assert IsotropicPanel(viewer).factor.value() == 5


def test_a_scale_tells_the_distance_of_slices_without_a_unit_if_it_is_another_along_z(
    panel: IsotropicPanel, viewer: napari.Viewer
) -> None:
    image = viewer.add_image(slices(5, 32, 32), scale=(5, 1, 1))
    assert panel.factor.value() == 5
    assert panel.factor_line.text() == "5 slices become 21."
    panel.factor.setValue(4)
    assert "By its scale they are 5 pixels apart." in panel.factor_line.text()
    for untold in ((1, 1, 1), (5, 5, 5), (5, 1, 2)):
        image.scale = untold
        assert "does not say how far apart" in panel.factor_line.text()


@pytest.mark.parametrize(("y", "said"), [(0.03, True), (0.0101, False)])
def test_pixels_that_are_not_square_are_said(
    panel: IsotropicPanel, viewer: napari.Viewer, y: float, said: bool
) -> None:
    viewer.add_image(slices(5, 32, 32), scale=(0.05, y, 0.01), units=("um",) * 3)
    assert ("Its pixels are not square, so its voxels do not become cubes" in panel.factor_line.text()) == said
    assert panel.factor_line.warns == said
    assert panel.run_bar.run.isEnabled()
    panel.image.layer.scale = (np.sqrt(y * 0.01), y, 0.01)
    assert ("cubes already" in panel.factor_line.text()) != said


def test_another_image_begins_at_its_own_distance_of_slices(panel: IsotropicPanel, viewer: napari.Viewer) -> None:
    def chosen(*scale: float) -> tuple[int, str]:
        panel.image.choose(viewer.add_image(slices(5, 32, 32), scale=scale, units=("um",) * 3))
        return panel.factor.value(), panel.factor_line.text()

    assert chosen(0.07, 0.01, 0.01) == (7, "5 slices become 29.")
    far = "By its scale its slices are 20 pixels apart; 10 is the most that is drawn at once."
    assert chosen(0.2, 0.01, 0.01) == (10, f"5 slices become 41. {far}")
    assert chosen(1, 1, 1) == (2, "5 slices become 9. By its scale its voxels are cubes already.")
    assert chosen(0.07, 0.01, 0.01)[0] == 7
    panel.image.choose(viewer.add_image(slices(5, 32, 32)))
    assert panel.factor.value() == IsotropicOptions().factor
    panel.factor.setValue(6)
    panel.image.layer.axis_labels = ("z", "y", "x")
    assert panel.factor.value() == 6  # as it was typed for this image


@pytest.fixture
def of_file(viewer: napari.Viewer, tmp_path: Path) -> Image:
    """A stack whose file tells of voxels of 50, 10 and 10 nm, and whose layer tells nothing."""
    path = tmp_path / "tissue.tif"
    tifffile.imwrite(
        path, slices(5, 24, 24), imagej=True, resolution=(100, 100), metadata={"unit": "um", "spacing": 0.05}
    )
    with layer_source(path=str(path)):  # as napari says of layers that it opens
        return Image(tifffile.imread(path), name="tissue")


def test_the_file_tells_the_distance_of_slices_where_its_reader_did_not(
    panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any, of_file: Image
) -> None:
    viewer.add_layer(of_file)
    assert panel.run_bar.run.toolTip() == READING_SLICES
    assert panel.factor_line.text() == "5 slices become 9."
    qtbot.waitUntil(lambda: panel.factor.value() == 5, timeout=LONG)
    assert panel.run_bar.run.isEnabled()
    panel.factor.setValue(4)
    assert "By its file they are 5 pixels apart" in panel.factor_line.text()
    of_file.scale = (0.05, 0.01, 0.01)  # as readers do that know no units
    assert panel.factor.value() == 5
    of_file.scale = (5, 1, 1)  # as the file says, in pixels
    assert panel.factor_line.text() == "5 slices become 21."
    of_file.scale = (3, 1, 1)  # of whoever knows what for
    assert "does not say how far apart" in panel.factor_line.text()


@pytest.mark.parametrize("by_request", [False, True])
def test_a_distance_that_was_typed_holds_when_the_file_was_read(
    panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any, of_file: Image, by_request: bool
) -> None:
    asked = panel.request()  # for 2 pixels, as it is already
    viewer.add_layer(of_file)
    if by_request:
        panel.set_request(asked)
    else:
        panel.factor.setValue(3)
    assert panel.run_bar.run.isEnabled()
    qtbot.waitUntil(lambda: "By its file they are 5 pixels apart" in panel.factor_line.text(), timeout=LONG)
    assert panel.factor.value() == (2 if by_request else 3)


def test_another_model_leaves_the_distance_of_slices_as_it_was_set(
    panel: IsotropicPanel, viewer: napari.Viewer
) -> None:
    viewer.add_image(slices(5, 32, 32), name="tissue", scale=(0.05, 0.01, 0.01), units=("um",) * 3)
    assert panel.factor.value() == 5
    panel.factor.setValue(3)
    assert panel.model.choose("tiny")
    panel.model.reload()
    assert panel.factor.value() == 3


def test_a_model_that_denoises_serves_too(panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    stack = np.random.default_rng(0).random((3, 24, 24)).astype(np.float32)
    viewer.add_image(stack, name="slices", scale=(4, 1, 1), axis_labels=("z", "y", "x"))
    assert {card.id: card.title for card in panel.model.cards}["tiny"].endswith(", knows images only")
    assert panel.model.choose("tiny")
    assert panel.model.by_prior
    panel.factor.setValue(4)
    preview = panel.request("ZYX", ((0, 2), (0, 24), (0, 24)))
    assert (preview.outputs, preview.steps, preview.samples) == (("sample",), 8, 1)
    panel.more.steps = 4
    panel.ticks.tick(("mean",))
    assert panel.cost.text() == "8 steps, 4 samples"  # though one step makes a mean of a model that was trained for it
    panel.ticks.tick(("sample",))
    assert panel.cost.text() == "8 steps"
    panel.more.steps = 8
    (made,) = run(qtbot, panel)
    assert made.data.shape == (9, 24, 24)
    np.testing.assert_array_equal(made.data[::4], stack)


def test_a_model_is_adapted_to_a_stack(panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    assert "Choose a stack" in panel.adapting.button.toolTip()
    slices = np.random.default_rng(0).normal(100, 10, (3, 160, 160)).astype(np.float32)
    viewer.add_image(slices, name="Tissue 1", scale=(4, 1, 1), axis_labels=("z", "y", "x"))
    qtbot.mouseClick(panel.fold.toggleButton(), Qt.MouseButton.LeftButton)
    assert panel.model.choose("tiny")
    assert not panel.adapting.button.isEnabled()
    assert "knows images only" in panel.adapting.button.toolTip()
    assert panel.model.choose("isotropic-tiny")
    panel.factor.setValue(4)
    qtbot.mouseClick(panel.adapting.button, Qt.MouseButton.LeftButton)
    dialog = panel.findChild(AdaptDialog)
    assert dialog.windowTitle() == "Adapt to this stack"
    assert dialog.name == "tissue-1"
    dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Cancel).click()
    panel.adapting.begin("tissue-1", 2)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.model.card is not None, panel.results.line.text()
    assert panel.model.card.id == "tissue-1"
    assert find_model("tissue-1").card.parent == "isotropic-tiny"
    assert "'tissue-1' is adapted to Tissue 1" in panel.results.line.text()
    assert panel.findChild(BeforeAfterDialog) is not None


@pytest.mark.parametrize(("z", "offered", "ticked"), [(4, False, False), (1, True, True), (None, True, False)])
def test_where_voxels_may_be_cubes_learning_along_z_is_offered(
    panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any, z: float | None, offered: bool, ticked: bool
) -> None:
    sizes = {} if z is None else {"scale": (z, 1, 1), "units": ("um", "um", "um")}
    viewer.add_image(slices(3, 160, 160), name="Tissue", axis_labels=("z", "y", "x"), **sizes)
    qtbot.mouseClick(panel.fold.toggleButton(), Qt.MouseButton.LeftButton)
    panel.factor.setValue(4)
    qtbot.mouseClick(panel.adapting.button, Qt.MouseButton.LeftButton)
    dialog = panel.findChild(AdaptDialog)
    box = dialog.findChild(QCheckBox)
    assert (box.isVisible(), box.isChecked()) == (offered, ticked)
    dialog.reject()


def test_a_model_is_adapted_to_a_stack_of_cubes_along_all_axes(
    panel: IsotropicPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    place = {"scale": (0.01,) * 3, "units": ("um",) * 3, "axis_labels": ("z", "y", "x")}
    viewer.add_image(slices(160, 160, 160), name="Cubes", **place)
    qtbot.mouseClick(panel.fold.toggleButton(), Qt.MouseButton.LeftButton)
    panel.factor.setValue(4)
    qtbot.mouseClick(panel.adapting.button, Qt.MouseButton.LeftButton)
    dialog = panel.findChild(AdaptDialog)
    assert dialog.findChild(QCheckBox).isChecked()
    panel.adapting.begin(dialog.name, 2, **dialog.more)
    dialog.reject()
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    card = find_model("cubes").card
    assert "one isotropic stack" in card.summary


def test_what_a_layer_is_told_later_counts(panel: IsotropicPanel, viewer: napari.Viewer) -> None:
    image = viewer.add_image(slices(5, 24, 32), axis_labels=("t", "y", "x"))
    assert "name its axis of depth Z" in panel.run_bar.run.toolTip()
    image.axis_labels = ("z", "y", "x")
    assert panel.run_bar.run.isEnabled(), panel.run_bar.run.toolTip()
    image.scale, image.units = (0.04, 0.01, 0.01), ("um",) * 3
    assert panel.factor.value() == 4
    assert "0.01 µm" in panel.image_line.text()
    image.data = slices(7, 24, 40)
    assert panel.image_line.text().startswith("7 × 24 × 40")
    other = viewer.add_image(slices(6, 24, 24), axis_labels=("z", "y", "x"))
    panel.image.choose(other)
    image.scale = (0.03, 0.01, 0.01)  # of a layer that is not chosen any more
    assert panel.factor.value() == 2
    assert panel.image_line.text().startswith("6 × 24 × 24")
