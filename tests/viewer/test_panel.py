"""The Denoise panel with a real, tiny network: what a user clicks, and what comes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask.array as da
import napari
import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QLineEdit, QPushButton, QScrollArea

from napari_microdiff.engine.options import DenoiseOptions
from napari_microdiff.engine.request import Request
from napari_microdiff.files import read_image
from napari_microdiff.models.store import find_model
from napari_microdiff.tasks.counting import PIXELS_BESIDE
from napari_microdiff.viewer.card_view import CardDialog
from napari_microdiff.viewer.cost import cost
from napari_microdiff.viewer.denoise import DenoisePanel
from napari_microdiff.viewer.layers import recall
from napari_microdiff.viewer.view import camera

RNG = np.random.default_rng(0)
LONG = 600_000


def noisy(*shape: int) -> np.ndarray:
    return (100 + 20 * RNG.standard_normal(shape)).clip(0).astype(np.uint16)


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any, tiny_model: str) -> napari.Viewer:
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer: napari.Viewer, tiny_model: str, qtbot: Any) -> DenoisePanel:
    panel = DenoisePanel(viewer)
    viewer.window.add_dock_widget(panel, name="Denoise")
    assert panel.model.choose(tiny_model)
    return panel


def click(qtbot: Any, button: QPushButton) -> None:
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def finish(qtbot: Any, panel: DenoisePanel) -> None:
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)


def run(qtbot: Any, panel: DenoisePanel, button: str = "run") -> list[Image]:
    """Click a button, wait, and return the layers that were made."""
    click(qtbot, getattr(panel.run_bar, button))
    finish(qtbot, panel)
    assert panel.runner.last is not None, panel.results.line.text()
    return list(panel.runner.last.layers)


def long_run(panel: DenoisePanel) -> None:
    """Set the panel so that a run takes thousands of evaluations."""
    panel.more.steps = 1000
    panel.more.tile.value = 256
    panel.ticks.tick(("mean", "sample"))  # the mean alone takes one step


def wait_until_it_runs(qtbot: Any, panel: DenoisePanel) -> None:
    qtbot.waitUntil(lambda: panel.run_bar.bar.value() > 0, timeout=LONG)


class TestBeforeARun:
    def test_what_is_off_says_why(self, panel: DenoisePanel, viewer: napari.Viewer) -> None:
        for button in (panel.run_bar.preview, panel.run_bar.run, panel.adapting.button):
            assert not button.isEnabled()
            assert button.toolTip() == "Choose an image layer first."
        viewer.add_image(noisy(32, 32))
        assert panel.run_bar.run.isEnabled()
        assert panel.run_bar.run.toolTip().startswith("Run on the whole image")
        panel.ticks.tick(())
        assert panel.run_bar.run.toolTip() == "Tick at least one thing to make."

    def test_only_image_layers_are_offered(self, panel: DenoisePanel, viewer: napari.Viewer) -> None:
        viewer.add_labels(np.zeros((32, 32), int))
        viewer.add_points(np.zeros((1, 2)))
        assert panel.image.layer is None
        image = viewer.add_image(noisy(32, 32), name="actin")
        assert panel.image.layer == image
        image.name = "tubulin"
        assert panel.image.layer == image

    def test_the_selected_image_is_chosen_when_the_panel_opens(self, viewer: napari.Viewer) -> None:
        viewer.add_image(noisy(32, 32), name="first")
        second = viewer.add_image(noisy(32, 32), name="second")
        viewer.add_image(noisy(32, 32), name="third")
        viewer.layers.selection.active = second
        panel = DenoisePanel(viewer)
        assert panel.image.layer == second
        panel.deleteLater()

    def test_the_lines_say_what_image_and_model_are(
        self, panel: DenoisePanel, viewer: napari.Viewer, tiny_model: str, qtbot: Any
    ) -> None:
        viewer.add_image(noisy(48, 64), scale=(0.1, 0.1), units=("um", "um"))
        assert panel.image_line.text() == "48 × 64, uint16, 0.1 µm"
        card = find_model(tiny_model).card
        assert panel.model_line.text() == card.summary
        click(qtbot, panel.model.about)
        (dialog,) = panel.findChildren(CardDialog)
        assert card.weights_sha256 in dialog.text.toPlainText()
        dialog.close()

    def test_looking_measures_the_noise_and_compares_with_the_training_images(
        self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any
    ) -> None:
        viewer.add_image(noisy(256, 256))
        assert not panel.noise.isEnabled()
        qtbot.waitUntil(lambda: "Measured" in panel.noise.toolTip(), timeout=LONG)
        panel.automatic.setChecked(False)
        assert panel.noise.isEnabled()
        panel.noise.setValue(30)
        assert panel.request().options.noise_level == pytest.approx(30, rel=0.01)
        label = panel.noise.findChild(QLineEdit)
        label.selectAll()
        qtbot.keyClicks(label, "12,5")
        qtbot.keyClick(label, Qt.Key.Key_Return)
        assert panel.request().options.noise_level == pytest.approx(12.5)

    def test_detail_sets_the_steps_and_steps_set_the_detail(self, panel: DenoisePanel) -> None:
        assert panel.cost.text() == "1 step"
        assert not panel.ticks.boxes["sample"].isEnabled()
        panel.detail.move_to(2)
        assert panel.more.steps == 8
        assert panel.ticks.boxes["sample"].isEnabled()
        panel.more.steps = 20
        assert panel.detail.position == 3
        panel.more.steps = 5
        assert panel.cost.text() == "5 steps"
        panel.ticks.tick(("mean",))
        assert panel.cost.text() == "1 step"
        assert panel.make_line.text().startswith("The mean takes one step only.")
        assert panel.detail.position == 3
        assert panel.request().steps == 5

    def test_without_a_model_nothing_runs(
        self, panel: DenoisePanel, viewer: napari.Viewer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from napari_microdiff.models import store

        viewer.add_image(noisy(32, 32))
        monkeypatch.setattr(store, "list_models", list)
        panel.model.reload()
        assert panel.run_bar.run.toolTip().startswith("No model is installed.")


def test_opening_the_panel_imports_no_torch(tiny_model: str) -> None:
    code = """
import sys, time
import numpy as np
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication
app = QApplication([])
viewer = ViewerModel()
viewer.add_image(np.zeros((64, 64)))
from napari_microdiff.viewer.denoise import DenoisePanel
panel = DenoisePanel(viewer)
panel.show()
panel.detail.move_to(2)
assert panel.model.card is not None
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


IMAGES = {
    "2-D": (noisy(70, 90), {}),
    "stack": (noisy(5, 40, 50), {"scale": (1, 0.1, 0.1), "units": ("um",) * 3, "axis_labels": ("z", "y", "x")}),
    "channels": (noisy(2, 5, 40, 50), {}),
    "RGB": (RNG.integers(0, 255, (40, 50, 3), dtype=np.uint8), {"rgb": True}),
    "dask": (da.from_array(noisy(5, 64, 64), chunks=(1, 32, 32)), {}),
    "multiscale": ([noisy(128, 128), noisy(64, 64)], {"multiscale": True}),
    "bool": (RNG.random((40, 50)) > 0.5, {}),
    "float64": (RNG.random((40, 50)) * 1e6, {}),
    "turned": (noisy(40, 50), {"rotate": 30, "shear": (0.2,), "affine": [[2, 0, 1], [0.1, 1, 0], [0, 0, 1]]}),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_run_and_preview_on_all_kinds_of_images(
    panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any, kind: str
) -> None:
    array, arguments = IMAGES[kind]
    layer = viewer.add_image(array, name="actin", **arguments)
    mean, uncertainty = run(qtbot, panel)
    assert [new.name for new in viewer.layers] == ["actin", "actin denoised", "actin uncertainty"]
    full = array[0] if kind == "multiscale" else array
    assert mean.data.shape == full.shape
    assert uncertainty.data.shape == (full.shape[:2] if kind == "RGB" else full.shape)
    assert np.isfinite(mean.data).all()
    assert (uncertainty.data >= 0).all()
    assert (mean.units, mean.axis_labels) == (layer.units, layer.axis_labels)
    np.testing.assert_allclose(mean.extent.world, layer.extent.world)
    viewer.dims.set_current_step(0, 1) if full.ndim > 2 and kind != "RGB" else None
    part, *_ = run(qtbot, panel, "preview")
    memory = recall(part)
    assert memory is not None
    whole = all(span == [0, n] for span, n in zip(memory["region"], full.shape, strict=True))
    assert part.name == ("actin denoised [1]" if whole else "actin denoised (view)")
    where = tuple(slice(*span) for span in memory["region"])
    spread = float(np.ptp(np.asarray(mean.data, float))) or 1
    np.testing.assert_allclose(
        np.asarray(part.data, float), np.asarray(mean.data[where], float), atol=max(0.01 * spread, kind == "RGB")
    )
    corner = tuple(span[0] for span in memory["region"][: layer.ndim])
    np.testing.assert_allclose(part.data_to_world((0,) * layer.ndim), layer.data_to_world(corner))


def test_the_line_says_where_a_result_came_from_and_the_cost_is_known_after_it(
    panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    viewer.add_image(noisy(64, 64), name="actin")
    panel.more.device = "cpu"
    run(qtbot, panel)
    assert panel.results.line.text().startswith("actin denoised, ")
    assert "cpu, 1 step, seed 0" in panel.results.line.text()
    assert panel.cost.text().startswith("1 step, about ")
    panel.detail.move_to(1)
    assert panel.cost.text().startswith("4 steps, about ")


def test_time_is_foretold_for_images_of_other_sizes(panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    viewer.add_image(noisy(64, 64), name="actin")
    panel.more.device = "cpu"
    run(qtbot, panel)
    small, request = panel.runner.last, panel.request().model_copy(update={"tile": 1024})
    panel.runner.job = SimpleNamespace(seconds_per_evaluation=30.0)
    panel.runner._keep_pace(small, small.result)
    panel.runner.job = None
    pace = panel.runner.seconds_of_work(request.model, "cpu")
    assert pace == 30 / (PIXELS_BESIDE + 64**2)
    assert cost(request, (64, 64), pace) == "1 step, about 30 s"
    assert cost(request, (512, 512), pace) == "1 step, about 13 min"  # in one evaluation, too


def test_run_again_gives_the_identical_array(panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    viewer.add_image(noisy(64, 64), name="actin")
    panel.more.device = "cpu"
    panel.detail.move_to(1)
    panel.ticks.tick(("mean", "sample"))
    first = run(qtbot, panel)
    panel.detail.move_to(0)  # what the panel shows now does not matter
    click(qtbot, panel.results.again)
    finish(qtbot, panel)
    second = panel.runner.last.layers
    assert [a.name for a in second] == ["actin denoised [1]", "actin denoised (sample) [1]"]
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


@pytest.mark.parametrize("button", ["run", "preview"])
def test_copied_python_makes_the_same_arrays(
    panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any, button: str
) -> None:
    viewer.add_image(noisy(3, 64, 64), name="the 'actin'")
    panel.more.device = "cpu"
    panel.detail.move_to(1)
    made = run(qtbot, panel, button)
    click(qtbot, panel.results.copy)
    names: dict[str, Any] = {}
    exec(compile(QApplication.clipboard().text(), "copied", "exec"), names)
    for output, layer in zip(("mean", "sample", "uncertainty"), made, strict=True):
        np.testing.assert_array_equal(names[output], layer.data)
    click(qtbot, panel.results.copy_command)
    assert QApplication.clipboard().text().startswith("napari-microdiff denoise INPUT.tif OUTPUT.tif --model")


def test_saving_keeps_type_axes_and_pixel_size(
    panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path
) -> None:
    viewer.add_image(noisy(3, 32, 40), scale=(0.5, 0.1, 0.1), units=("um",) * 3, axis_labels=("z", "y", "x"))
    mean, uncertainty = run(qtbot, panel)
    job = panel.actions.save(tmp_path / "a.b.tif")
    qtbot.waitUntil(lambda: job.over, timeout=LONG)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.b uncertainty.tif", "a.b.tif"]
    assert panel.results.line.text() == "Saved a.b.tif, a.b uncertainty.tif"
    saved = read_image(tmp_path / "a.b.tif")
    assert (saved.axes, saved.array.dtype) == ("ZYX", np.uint16)
    assert saved.pixel_size_um == pytest.approx({"Z": 0.5, "Y": 0.1, "X": 0.1})
    np.testing.assert_array_equal(saved.array, np.clip(np.rint(mean.data), 0, 65535))
    assert json.loads(saved.description)["napari_microdiff"] == json.loads(mean.metadata["napari_microdiff"])
    np.testing.assert_array_equal(read_image(tmp_path / "a.b uncertainty.tif").array, uncertainty.data)


def test_a_folder_that_does_not_exist_is_told(
    panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path, notes: Any
) -> None:
    viewer.add_image(noisy(32, 32))
    run(qtbot, panel)
    job = panel.actions.save(tmp_path / "nowhere" / "a.tif")
    qtbot.waitUntil(lambda: job.over, timeout=LONG)
    assert panel.results.line.warns
    assert panel.results.line.text() in notes()


class TestOnTheScreen:
    @pytest.fixture
    def channels(self, viewer: napari.Viewer, panel: DenoisePanel) -> list[Image]:
        """Open two channels, of which napari adds the second to the first."""
        layers = viewer.add_image(noisy(2, 40, 40), channel_axis=0, name=["dapi", "gfp"])
        assert layers[1].blending == "additive"
        panel.image.choose(layers[1])
        return list(layers)

    def test_a_source_that_would_be_added_to_its_result_is_hidden(
        self, panel: DenoisePanel, channels: list[Image], qtbot: Any
    ) -> None:
        first, second = channels
        result = run(qtbot, panel)[0]
        assert (first.visible, second.visible, result.visible) == (True, False, True)
        assert result.blending == "additive"
        assert "“gfp” is hidden" in panel.results.line.text()

    def test_results_are_not_added_up(self, panel: DenoisePanel, channels: list[Image], qtbot: Any) -> None:
        results = [run(qtbot, panel)[0] for _ in range(3)]
        assert [layer.visible for layer in results] == [False, False, True]
        assert panel.image.layer == channels[1]  # and what is worked on stays, though it is hidden

    @pytest.mark.usefixtures("channels")
    def test_a_part_lies_over_its_source(
        self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("napari_microdiff.viewer.view._corners", lambda _: np.array([[4, 4], [30, 30]]))
        part = run(qtbot, panel, "preview")[0]
        assert part.blending == "translucent"
        assert viewer.layers["gfp"].visible
        assert "hidden" not in panel.results.line.text()

    def test_a_source_that_its_result_covers_stays(
        self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any
    ) -> None:
        source = viewer.add_image(noisy(40, 40), name="actin")
        run(qtbot, panel)
        assert source.visible
        assert "hidden" not in panel.results.line.text()

    def test_a_result_is_not_chosen_for_a_source_that_was_hidden(
        self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any
    ) -> None:
        source = viewer.add_image(noisy(40, 40), name="actin")
        run(qtbot, panel)
        source.visible = False
        run(qtbot, panel)
        assert panel.image.layer == source


class TestWhileItRuns:
    @pytest.fixture(autouse=True)
    def running(self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any) -> None:
        self.layer = viewer.add_image(noisy(512, 512), name="actin")
        long_run(panel)
        click(qtbot, panel.run_bar.run)
        wait_until_it_runs(qtbot, panel)

    def test_cancel_leaves_no_layer(self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any) -> None:
        assert not panel.run_bar.run.isVisible()
        assert panel.run_bar.run.toolTip() == "A job is running. Wait for it or cancel it."
        qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=LONG)  # the preview
        click(qtbot, panel.run_bar.cancel)
        finish(qtbot, panel)
        assert [layer.name for layer in viewer.layers] == ["actin"]
        assert panel.results.line.text() == "Cancelled; nothing was changed."
        assert panel.run_bar.run.isEnabled()

    def test_closing_the_viewer_ends_it(self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any) -> None:
        worker = panel.runner.job._worker
        viewer.close()
        qtbot.waitUntil(lambda: not worker.is_running, timeout=LONG)
        assert [layer.name for layer in viewer.layers if "denoised" in layer.name] == []

    def test_closing_the_panel_ends_it(self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any) -> None:
        job = panel.runner.job
        over: list[bool] = []
        job.destroyed.connect(lambda: over.append(True))
        viewer.window.remove_dock_widget(panel)
        panel.deleteLater()
        qtbot.waitUntil(lambda: bool(over), timeout=LONG)

    def test_taking_the_panel_out_of_the_window_ends_it(
        self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any
    ) -> None:
        viewer.window.remove_dock_widget(panel)  # napari does no more than this when its dock is closed
        qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
        assert [layer.name for layer in viewer.layers if "denoised" in layer.name] == []
        viewer.add_image(noisy(32, 32))
        qtbot.wait(500)
        assert panel.looker.job is None  # it looks at nothing any more


@pytest.mark.parametrize("change", ["renamed", "moved", "removed"])
def test_a_result_lands_right_whatever_became_of_its_source(
    panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any, change: str
) -> None:
    layer = viewer.add_image(noisy(256, 256), name="actin", scale=(0.5, 0.5))
    panel.more.steps = 20
    panel.ticks.tick(("mean", "sample"))
    click(qtbot, panel.run_bar.run)
    wait_until_it_runs(qtbot, panel)
    if change == "renamed":
        layer.name = "tubulin"
    elif change == "moved":
        layer.translate = (7, 8)
    else:
        viewer.layers.remove(layer)
    finish(qtbot, panel)
    mean, *_ = panel.runner.last.layers
    assert mean in viewer.layers
    assert mean.name == ("tubulin denoised" if change == "renamed" else "actin denoised")
    np.testing.assert_allclose(mean.extent.world, layer.extent.world)


class TestBadInput:
    @pytest.mark.parametrize(
        "array",
        [
            np.full((32, 32), np.nan),
            np.zeros((3, 2, 2, 2, 2, 16, 16, 16)),
        ],
        ids=["not a number", "eight axes"],  # napari itself refuses empty and complex images
    )
    def test_is_told_in_words_and_loses_nothing(
        self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any, notes: Any, array: Any
    ) -> None:
        layer = viewer.add_image(array, contrast_limits=(0, 1))
        click(qtbot, panel.run_bar.run)
        finish(qtbot, panel)
        assert panel.runner.last is None
        assert panel.results.line.text() == notes()[-1]
        assert panel.results.line.warns
        assert not any("Unexpected" in note or "Error" in note for note in notes())
        assert list(viewer.layers) == [layer]
        assert panel.run_bar.run.isEnabled()

    def test_an_image_out_of_view_is_told(self, panel: DenoisePanel, viewer: napari.Viewer, notes: Any) -> None:
        layer = viewer.add_image(noisy(32, 32), name="actin")
        camera(viewer).center = (0, 90, 16)
        layer.corner_pixels = np.array([[31, 0], [31, 31]])  # as napari says it, brought into the image
        panel.run_bar.preview.click()
        assert "'actin' is out of view" in notes()[-1]
        assert panel.results.line.text() == notes()[-1]
        assert panel.results.line.warns

    def test_a_stack_that_ends_before_the_slider_is_out_of_view(
        self, panel: DenoisePanel, viewer: napari.Viewer, notes: Any
    ) -> None:
        short = viewer.add_image(noisy(5, 32, 32), name="short")
        viewer.add_image(noisy(30, 32, 32), name="long")
        panel.image.choose(short)
        viewer.dims.set_point(0, 20)
        panel.run_bar.preview.click()
        assert "'short' is out of view" in notes()[-1]
        assert panel.runner.job is None

    def test_what_can_be_seen_is_chosen_rather_than_a_hidden_truth(
        self, panel: DenoisePanel, viewer: napari.Viewer
    ) -> None:
        truth = viewer.add_image(noisy(32, 32), name="cell (truth)", visible=False)
        assert panel.image.layer == truth
        cell = viewer.add_image(noisy(32, 32), name="cell")
        assert panel.image.layer == cell
        panel.image.choose(truth)  # by a user, who may want just that
        viewer.add_image(noisy(32, 32), name="another")
        assert panel.image.layer == truth

    def test_a_layer_stays_chosen_when_it_is_renamed(self, panel: DenoisePanel, viewer: napari.Viewer) -> None:
        viewer.add_image(noisy(32, 32), name="dapi")
        chosen = viewer.add_image(noisy(40, 40), name="gfp")
        panel.image.choose(chosen)
        changes: list[bool] = []
        panel.image.changed.connect(lambda: changes.append(True))
        chosen.name = "gfp, cell 1"
        assert panel.image.layer == chosen
        viewer.layers.move(1, 0)
        chosen.name = "dapi"  # at first napari has two of this name
        assert [layer.name for layer in viewer.layers] == ["dapi [1]", "dapi"]
        assert panel.image.layer == chosen
        assert not changes
        viewer.layers.remove(chosen)
        assert panel.image.layer == viewer.layers["dapi"]
        assert changes

    def test_a_model_that_went_missing(
        self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any, tiny_model: str, notes: Any
    ) -> None:
        viewer.add_image(noisy(32, 32))
        (find_model(tiny_model).folder / "weights.safetensors").write_bytes(b"not weights")
        click(qtbot, panel.run_bar.run)
        finish(qtbot, panel)
        assert panel.results.line.warns
        assert panel.results.line.text() in notes()

    def test_a_request_with_an_unknown_model_says_so(self, panel: DenoisePanel, notes: Any) -> None:
        panel.set_request(Request(model="gone"))
        assert "'gone' is not installed" in notes()[-1]


class TestNoiseLevel:
    def test_it_comes_back_with_the_settings(self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any) -> None:
        options = DenoiseOptions(noise_level=250.0, start="measured-noise")
        request = Request(model=panel.model.card.id, options=options)  # type: ignore[union-attr]
        panel.set_request(request)
        assert panel.options()["options"] == options
        viewer.add_image(noisy(64, 64))
        qtbot.waitUntil(lambda: panel._level is not None, timeout=LONG)
        assert panel.options()["options"] == options
        panel.set_request(request.model_copy(update={"options": DenoiseOptions()}))
        assert panel.options()["options"] == DenoiseOptions()

    def test_one_that_nobody_has_set_is_the_measured_one(
        self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any
    ) -> None:
        panel.automatic.click()
        viewer.add_image(noisy(64, 64))
        qtbot.waitUntil(lambda: panel._level is not None, timeout=LONG)
        assert panel.options()["options"].noise_level == pytest.approx(20, rel=0.3)

    def test_that_of_another_image_can_be_set(self, panel: DenoisePanel, viewer: napari.Viewer, qtbot: Any) -> None:
        viewer.add_image(noisy(64, 64) / 50_000, name="faint")
        qtbot.waitUntil(lambda: panel._level is not None, timeout=LONG)
        panel.automatic.click()
        before = panel.options()["options"].noise_level
        assert before == pytest.approx(4e-4, rel=0.3)
        panel.image.choose(viewer.add_image(noisy(64, 64), name="bright"))
        qtbot.waitUntil(lambda: panel._level > 1, timeout=LONG)
        assert panel.options()["options"].noise_level == pytest.approx(before, rel=0.1)  # set by hand, it stays
        assert panel.noise.maximum() > 60
        panel.automatic.click()
        panel.automatic.click()
        assert panel.options()["options"].noise_level == pytest.approx(20, rel=0.3)


def test_long_names_do_not_make_the_panel_wider(panel: DenoisePanel, viewer: napari.Viewer) -> None:
    before = panel.findChild(QScrollArea).widget().minimumSizeHint().width()
    viewer.add_image(np.zeros((32, 32), np.float32), name="2026-03-01 experiment 12 well B07 field 3 " * 3)
    panel.model.offer([card.model_copy(update={"title": f"{card.title} of ours" * 9}) for card in panel.model.cards])
    assert panel.findChild(QScrollArea).widget().minimumSizeHint().width() == before
