"""The blur is measured in the background on a layer of beads, and a run waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dask.array as da
import napari
import numpy as np
import pytest

from napari_microdiff.imaging.optics import PointSpread
from napari_microdiff.imaging.point_spread import measure_psf
from napari_microdiff.viewer.layers import recall
from napari_microdiff.viewer.superresolve import SuperresolvePanel

LONG = 600_000
BEAD = 1000 * PointSpread(airy=(0.52, 1.2, 0.05)).kernel()
MICROMETRES = {"scale": (0.05, 0.05), "units": ("um", "um")}


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any, sharpener: str) -> napari.Viewer:
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer: napari.Viewer, sharpener: str) -> Iterator[SuperresolvePanel]:
    cells = np.random.default_rng(0).poisson(50, (32, 40)).astype(np.float32)
    viewer.add_image(cells, name="cells", scale=(0.1, 0.1), units=("um", "um"))
    panel = SuperresolvePanel(viewer)
    viewer.window.add_dock_widget(panel, name="Super-resolve")
    assert panel.model.choose(sharpener)
    panel.image.choose(viewer.layers["cells"])
    panel.blur.way.setCurrentText("measured on beads")
    return panel


def choose(qtbot: Any, panel: SuperresolvePanel, layer: Any) -> None:
    panel.blur.beads.layer.choose(layer)
    qtbot.waitUntil(lambda: not panel.blur.beads.busy, timeout=LONG)


def test_beads_are_asked_for_measured_and_used(panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    beads = panel.blur.beads
    assert beads.isVisibleTo(panel)
    assert not panel.run_bar.run.isEnabled()
    assert "Choose an image of beads" in panel.run_bar.run.toolTip()
    panel.blur.beads.layer.choose(viewer.add_image(BEAD, name="beads", **MICROMETRES))
    assert panel.run_bar.run.toolTip() == "The beads are being measured."
    qtbot.waitUntil(panel.run_bar.run.isEnabled, timeout=LONG)
    expected = measure_psf(BEAD).on_pixels(2)  # whose pixels are twice as large
    assert panel.options()["options"].psf == expected.parts
    nanometres = f"{100 * expected.width:.0f} nm"
    assert beads.line.text() == f"{expected.width:.2f} px wide, {nanometres} (standard deviation), measured on 1 bead."
    panel.run_bar.run.click()
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    memory = recall(panel.runner.last.layers[0])  # type: ignore[union-attr]
    assert memory is not None
    assert memory["request"].options.psf == expected.parts


def test_what_was_measured_comes_back_with_a_result(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    choose(qtbot, panel, viewer.add_image(BEAD, name="beads", **MICROMETRES))
    asked = panel.request()
    panel.blur.way.setCurrentText("leave as it is")
    assert panel.request().options.psf == ()
    panel.set_request(asked)
    assert panel.request().options == asked.options  # and not converted to other pixels once more
    assert panel.blur.beads.line.text().endswith("as it was measured.")
    assert panel.blur.beads.layer.layer is None
    assert panel.run_bar.run.isEnabled()


def test_what_shows_no_beads_is_said_and_nothing_is_run(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    choose(qtbot, panel, viewer.layers["cells"])
    assert "No bead can be measured" in panel.blur.beads.line.text()
    assert panel.blur.beads.line.warns
    assert not panel.run_bar.run.isEnabled()
    choose(qtbot, panel, viewer.add_image(BEAD, name="beads", **MICROMETRES))
    assert panel.run_bar.run.isEnabled()
    choose(qtbot, panel, None)
    assert panel.blur.beads.line.text() == ""
    assert not panel.run_bar.run.isEnabled()


@pytest.mark.parametrize("lazy", [False, True])
def test_of_a_stack_the_plane_that_is_shown_is_measured(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any, lazy: bool
) -> None:
    stack = np.stack([0 * BEAD, BEAD])
    layer = viewer.add_image(da.from_array(stack, chunks=1) if lazy else stack, name="beads")
    viewer.dims.set_point(0, 1)
    choose(qtbot, panel, layer)
    assert panel.blur.beads.psf == measure_psf(BEAD)  # a layer without units: pixels like those of the image


def test_when_another_plane_is_shown_that_is_measured(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    blurred, beads = 1000 * PointSpread(2.0).kernel(), panel.blur.beads
    side = max(len(blurred), len(BEAD))
    wide, narrow = (np.pad(bead, (side - len(bead)) // 2) for bead in (blurred, BEAD))
    layer = viewer.add_image(np.stack([wide, narrow]), name="beads")
    viewer.dims.set_point(0, 0)
    choose(qtbot, panel, layer)
    first = beads.psf
    assert first == measure_psf(wide)
    viewer.dims.set_point(0, 1)
    assert panel.run_bar.run.toolTip() == "The beads are being measured."
    qtbot.waitUntil(lambda: not beads.busy, timeout=LONG)
    assert beads.psf == measure_psf(narrow) != first
    viewer.add_image(np.zeros((3, 2, 8, 8)), name="other")
    viewer.dims.set_point(0, 2)  # which is no axis of theirs
    assert not beads.busy
    panel.shut()
    viewer.dims.set_point(1, 0)
    assert not beads.busy


def test_the_size_of_beads_is_taken_back_where_pixels_have_one(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    beads = panel.blur.beads
    choose(qtbot, panel, viewer.add_image(BEAD, name="beads", **MICROMETRES))
    points = beads.psf
    beads.size.setValue(100)
    qtbot.waitUntil(lambda: not beads.busy, timeout=LONG)
    assert beads.psf == measure_psf(BEAD, diameter=2.0).on_pixels(2)
    assert beads.psf.width < points.width  # type: ignore[union-attr]
    choose(qtbot, panel, viewer.add_image(BEAD, name="no units"))
    assert not beads.size.isEnabled()
    assert beads.psf == measure_psf(BEAD)


def test_beads_that_are_removed_are_chosen_no_more(panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    layer = viewer.add_image(BEAD, name="beads", **MICROMETRES)
    panel.blur.beads.layer.choose(layer)
    viewer.layers.remove(layer)  # while they are being measured
    assert panel.blur.beads.psf is None
    assert "Choose an image of beads" in panel.run_bar.run.toolTip()
    qtbot.wait(300)
    assert panel.blur.beads.psf is None


def test_while_the_size_changes_nothing_is_measured_but_the_last(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[float] = []

    def measured(image: np.ndarray, diameter: float) -> Any:
        sizes.append(diameter)
        return measure_psf(image)

    monkeypatch.setattr("napari_microdiff.imaging.point_spread.measure_psf", measured)
    choose(qtbot, panel, viewer.add_image(BEAD, name="beads", **MICROMETRES))
    sizes.clear()
    for nanometres in (10, 20, 50, 75):
        panel.blur.beads.size.setValue(nanometres)
        assert panel.blur.beads.line.text() == "Measuring…"
    qtbot.waitUntil(lambda: not panel.blur.beads.busy, timeout=LONG)
    assert sizes == pytest.approx([1.5])


def test_units_that_are_told_later_count(panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    layer, beads = viewer.add_image(BEAD, name="beads"), panel.blur.beads
    choose(qtbot, panel, layer)
    assert beads.psf == measure_psf(BEAD)
    layer.scale, layer.units = (0.05, 0.05), ("um", "um")
    qtbot.waitUntil(lambda: not beads.busy, timeout=LONG)
    assert beads.psf == measure_psf(BEAD).on_pixels(2)
    assert beads.size.isEnabled()
    layer.scale = (0.05, 0.06)
    qtbot.waitUntil(lambda: not beads.busy, timeout=LONG)
    assert "no squares" in beads.line.text()
    assert not panel.run_bar.run.isEnabled()


def test_why_nothing_was_measured_stays_when_another_image_is_chosen(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    choose(qtbot, panel, viewer.layers["cells"])
    said = panel.blur.beads.line.text()
    panel.image.choose(viewer.add_image(np.zeros((32, 32)), name="other"))
    assert panel.blur.beads.line.text() == said != ""


def test_beads_in_colours_are_refused_and_others_are_forgotten(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    choose(qtbot, panel, viewer.add_image(BEAD, name="beads"))
    choose(qtbot, panel, viewer.add_image(np.zeros((20, 20, 3), np.uint8), rgb=True, name="colours"))
    assert "two axes" in panel.blur.beads.line.text()
    assert panel.blur.beads.psf is None


def test_a_blur_that_is_too_wide_for_the_image_is_said(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    wide = 1000 * PointSpread(2.0).kernel()
    choose(qtbot, panel, viewer.add_image(wide, name="beads", scale=(0.5, 0.5), units=("um", "um")))
    assert "10.0 pixels wide in the image, and 8 are the most. Make" in panel.blur.beads.line.text()
    assert panel.blur.beads.line.warns
    assert not panel.run_bar.run.isEnabled()
