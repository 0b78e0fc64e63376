"""The Synthesise panel with a real, tiny network: what a user clicks, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QScrollArea
from skimage.draw import disk

from napari_microdiff.engine.request import Request
from napari_microdiff.errors import ImageError
from napari_microdiff.files import read_image
from napari_microdiff.imaging.mask_edits import common_background
from napari_microdiff.models import store
from napari_microdiff.tasks import reference_of, synthesize
from napari_microdiff.viewer.decimals import DecimalSlider
from napari_microdiff.viewer.layers import recall
from napari_microdiff.viewer.script import as_python
from napari_microdiff.viewer.synthesis import words
from napari_microdiff.viewer.synthesis.panel import SynthesizePanel

LONG = 600_000
SCROLL_BAR = 12  # pixels, which the panel has beside its column where the window is low
LEFT = Qt.MouseButton.LeftButton


def mask(shape: tuple[int, int] = (64, 80)) -> np.ndarray:
    labels = np.zeros(shape, np.int32)
    for number, middle in enumerate([(20, 20), (40, 55)], start=1):
        labels[disk(middle, 10, shape=shape)] = number
    return labels


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any, painter: str) -> napari.Viewer:
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer: napari.Viewer, painter: str, segmenter: str, qtbot: Any) -> SynthesizePanel:
    panel = SynthesizePanel(viewer)
    viewer.window.add_dock_widget(panel, name="Synthesise")
    assert panel.model.choose(painter)
    panel.more.steps = 2
    panel.more.device = "cpu"
    return panel


def click(qtbot: Any, button: Any) -> None:
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, LEFT)


def run(qtbot: Any, panel: SynthesizePanel, button: str = "run") -> list[Any]:
    """Click a button, wait, and return the layers that were made."""
    click(qtbot, getattr(panel.run_bar, button))
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.runner.last is not None, panel.results.line.text()
    return list(panel.runner.last.layers)


def test_it_says_what_is_missing(panel: SynthesizePanel, viewer: napari.Viewer) -> None:
    viewer.add_image(np.zeros((8, 8)))
    assert panel.image.layer is None  # an image is no mask
    assert not panel.run_bar.run.isEnabled()
    assert panel.run_bar.run.toolTip() == words.NOTHING_CHOSEN
    assert not panel.gallery_view.draw.isEnabled()
    viewer.add_labels(mask())
    assert panel.run_bar.run.isEnabled()
    assert not panel.follow.isEnabled()
    assert panel.follow.toolTip() == words.NO_IMAGE_YET


def test_nothing_is_cut_off_beside_an_image_on_a_laptop(panel: SynthesizePanel) -> None:
    column = panel.findChild(QScrollArea).widget()
    assert column.minimumSizeHint().width() <= panel.minimumWidth() - SCROLL_BAR


def test_without_a_model_it_says_how_to_get_one(viewer: napari.Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "list_models", list)
    panel = SynthesizePanel(viewer)
    viewer.window.add_dock_widget(panel)
    viewer.add_labels(mask())
    assert panel.model.card is None
    assert "train synth-nuclei" in panel.model_line.text()
    assert panel.run_bar.run.toolTip() == words.NO_MODEL


def test_the_bundled_model_of_nuclei_is_the_usual_one(
    viewer: napari.Viewer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path))
    panel = SynthesizePanel(viewer)
    viewer.window.add_dock_widget(panel)
    assert panel.model.card is not None
    assert panel.model.card.id == "synth-nuclei"
    assert {card.id for card in panel.model.cards} == {"synth-nuclei", "synth-histology"}


def test_an_image_is_drawn_below_its_mask_in_the_style_of_another(
    panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any, noisy: np.ndarray
) -> None:
    style = viewer.add_image(noisy, name="dapi", colormap="green", contrast_limits=(50, 900))
    labels = viewer.add_labels(mask(), name="cells", scale=(0.5, 0.2), translate=(3, 4), units=("um", "um"))
    panel.style.choose(style)
    assert panel.guidance.value() == Request(task="synthesize").guidance > 0
    assert isinstance(panel.guidance, DecimalSlider)  # beside which a comma may be typed
    panel.guidance.setValue(1.0)
    (image,) = run(qtbot, panel)
    assert [layer.name for layer in viewer.layers] == ["dapi", "cells synthetic", "cells"]
    assert isinstance(image, Image)
    assert (image.colormap.name, tuple(image.contrast_limits)) == ("green", (50, 900))
    np.testing.assert_array_equal(image.scale, labels.scale)
    np.testing.assert_array_equal(image.translate, labels.translate)
    assert image.units == labels.units
    assert viewer.layers.selection.active == labels  # who draws goes on drawing
    assert labels.contour == 1
    assert panel.outlines.isChecked()
    memory = recall(image)
    assert memory is not None
    assert memory["report"]["synthetic"] is True
    options = memory["request"].options
    known = reference_of(noisy)
    assert (options.style, options.levels) == (known.style, known.levels)
    again = synthesize(
        mask(), reference=known, steps=2, guidance=1.0, model=memory["request"].model, device="cpu", axes="YX"
    )
    np.testing.assert_array_equal(image.data, again.sample)


def test_preview_draws_what_is_visible_and_outlines_can_be_filled(
    panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    labels = viewer.add_labels(np.stack([mask(), mask()]), name="stack")
    viewer.dims.set_current_step(0, 1)
    (image,) = run(qtbot, panel, "preview")
    assert image.name == "stack synthetic (view)"
    assert image.data.shape == (1, 64, 80)
    assert float(image.translate[0]) == 1
    panel.outlines.click()
    assert labels.contour == 0
    run(qtbot, panel, "preview")
    assert labels.contour == 0  # as the user wants it


def test_run_again_gives_the_same_and_the_style_is_taken_from_a_result(
    panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any, noisy: np.ndarray
) -> None:
    panel.style.choose(viewer.add_image(noisy, name="dapi"))
    viewer.add_labels(mask(), name="cells")
    (first,) = run(qtbot, panel)
    click(qtbot, panel.results.again)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    (second,) = panel.runner.last.layers
    np.testing.assert_array_equal(first.data, second.data)
    memory = recall(first)
    assert memory is not None
    panel.set_request(memory["request"])
    assert panel.style.layer is None
    assert panel.style.none == words.STYLE_KEPT
    options = panel.request().options
    assert options.style == memory["request"].options.style
    panel.style.choose(viewer.layers["dapi"])
    assert panel.style.none == words.NO_STYLE
    assert panel.request().options.style is None  # measured when it runs


def test_a_model_of_colours_draws_colours(
    panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any, make_painter: Callable[..., str], tmp_path: Any
) -> None:
    panel_model = make_painter("colours", channels=3)
    panel.model.reload()
    panel.model.choose(panel_model)
    viewer.add_labels(mask(), name="cells")
    (image,) = run(qtbot, panel)
    assert image.rgb
    assert image.data.shape == (64, 80, 3)
    assert image.data.dtype == np.uint8
    job = panel.actions.save(tmp_path / "made.tif")
    qtbot.waitUntil(lambda: job.over, timeout=LONG)
    saved = read_image(tmp_path / "made.tif")
    assert saved.axes == "YXS"
    np.testing.assert_array_equal(saved.array, image.data)


def test_what_is_refused_is_said_in_the_line(
    panel: SynthesizePanel,
    viewer: napari.Viewer,
    notes: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    viewer.add_labels(mask(), name="cells")

    def refuse(_: Any) -> Any:
        raise ImageError("This mask cannot be drawn.")

    monkeypatch.setattr(panel, "source_of", refuse)
    for begin in (lambda: panel.draw_variations(2, judged=False), lambda: panel.sets.make(folder=tmp_path)):
        panel.results.line.say("as it came out before")
        begin()
        assert panel.results.line.text() == notes()[-1] == "This mask cannot be drawn."
        assert panel.results.line.warns


def test_run_again_is_with_the_model_of_then(
    panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any, make_painter: Callable[..., str]
) -> None:
    viewer.add_labels(mask(), name="cells")
    (first,) = run(qtbot, panel)
    colours = make_painter("colours", channels=3)
    panel.model.reload()
    panel.model.choose(colours)
    click(qtbot, panel.results.again)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    (second,) = panel.runner.last.layers
    np.testing.assert_array_equal(first.data, second.data)


def test_a_closed_panel_lets_go_of_the_mask(panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    labels = viewer.add_labels(mask(), name="cells")
    free = set(labels.keymap)
    run(qtbot, panel)
    panel.follow.click()
    panel.objects.fold.expand(animate=False)
    assert set(labels.keymap) > free
    viewer.window.remove_dock_widget(panel)
    assert set(labels.keymap) == free
    assert panel.follower.pair is None
    viewer.layers.selection.active = viewer.layers[0]
    viewer.layers.selection.active = labels
    assert set(labels.keymap) == free


def test_the_camera_is_part_of_the_request(panel: SynthesizePanel, viewer: napari.Viewer) -> None:
    viewer.add_labels(mask())
    assert panel.request().options.photons is None
    panel.camera.on.click()
    panel.camera.photons.setValue(30)
    panel.camera.blur.setValue(1.5)
    request = panel.request()
    assert (request.options.photons, request.options.read_noise, request.options.blur) == (30, 0, 1.5)
    panel.camera.on.click()
    panel.set_request(request)
    assert panel.request().options == request.options
    panel.camera.photons.setValue(0)
    assert panel.request().options.photons is None


def test_a_new_mask_is_laid_out_like_one(panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    labels = viewer.add_labels(np.stack([np.zeros((64, 80), np.int32), mask()]), name="stack", scale=(2, 0.5, 0.5))
    viewer.dims.set_current_step(0, 1)
    click(qtbot, panel.layout_button)
    qtbot.waitUntil(lambda: panel.layouts.job is None, timeout=LONG)
    new = panel.image.layer
    assert isinstance(new, Labels)
    assert new != labels
    assert new.data.shape == (64, 80)
    assert new.data.max() > 0
    np.testing.assert_array_equal(new.scale, (0.5, 0.5))
    viewer.dims.set_current_step(0, 0)
    panel.image.choose(labels)
    click(qtbot, panel.layout_button)
    qtbot.waitUntil(lambda: panel.layouts.job is None, timeout=LONG)
    assert "no objects" in panel.results.line.text()


def test_the_background_of_a_real_image_is_kept_and_its_objects_are_replaced(
    panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    before = mask()
    real = (100 + 300 * (before > 0) + np.random.default_rng(0).normal(0, 5, before.shape)).astype(np.uint16)
    viewer.add_image(real, name="dapi")
    viewer.add_labels(before, name="nuclei")
    labels = viewer.add_labels(np.roll(before, 9, axis=1), name="cells")
    panel.image.choose(labels)
    fields = panel.behind
    assert not fields.objects.isEnabled()
    fields.image.choose(viewer.layers["dapi"])
    fields.objects.choose(viewer.layers["nuclei"])
    (image,) = run(qtbot, panel)
    kept = common_background(before, np.roll(before, 9, axis=1))
    np.testing.assert_array_equal(image.data[kept], real[kept])
    assert (image.data != real)[~kept].mean() > 0.9
    assert tuple(image.contrast_limits) == tuple(viewer.layers["dapi"].contrast_limits)
    last = panel.runner.last
    assert last is not None
    assert last.result is not None
    found: dict[str, Any] = {}
    exec(as_python(last.result.request, labels, last.source.beside), found)
    np.testing.assert_array_equal(found["sample"], image.data)
    fields.image.choose(None)
    click(qtbot, panel.results.again)  # with what was behind then
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    np.testing.assert_array_equal(panel.runner.last.layers[0].data, image.data)
    fields.image.choose(viewer.layers["dapi"])
    fields.objects.choose(viewer.layers["nuclei"])
    assert not panel.follow.isEnabled()
    assert panel.follow.toolTip() == words.NOT_WITH_BEHIND
    assert panel.request().options.start is None
    fields.begins.click()
    fields.noise.setValue(0.5)
    assert panel.request().options.start == 0.5
    panel.image.choose(viewer.add_labels(np.zeros((9, 9), int), name="small"))
    panel.run_bar.run.click()
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert "Choose masks of the same size" in panel.results.line.text()
    fields.image.choose(None)
    assert panel.request().options.start is None


def test_a_mask_that_was_edited_meanwhile_is_told_of(
    panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any, notes: Callable[[], list[str]]
) -> None:
    labels = viewer.add_labels(mask(), name="cells")
    click(qtbot, panel.run_bar.run)
    labels.data_setitem((np.arange(3), np.arange(3)), 7)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert any("'cells' was edited while the image was drawn" in note for note in notes())
