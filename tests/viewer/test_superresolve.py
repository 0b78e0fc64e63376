"""The Super-resolve panel with a real, tiny network: what a user clicks, and what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import napari
import numpy as np
import pytest
import tifffile
from napari.layers import Image
from napari.layers._source import layer_source
from qtpy.QtCore import Qt

from napari_microdiff.cli.request_file import read_request
from napari_microdiff.engine.options import SuperresolveOptions
from napari_microdiff.engine.trust import disagrees
from napari_microdiff.files import read_image
from napari_microdiff.files.optics import RecordedOptics
from napari_microdiff.imaging.optics import Binning
from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.viewer import words
from napari_microdiff.viewer.layers import recall
from napari_microdiff.viewer.script import as_command, as_python
from napari_microdiff.viewer.superresolve import SuperresolvePanel

LONG = 600_000


def filaments(*shape: int) -> np.ndarray:
    image = filaments_and_blobs(shape[-2:], seed=1)
    rng = np.random.default_rng(0)
    return (1000 * image / image.max() + 20 * rng.standard_normal(shape) + 100).astype(np.float32)


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any, sharpener: str) -> napari.Viewer:
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer: napari.Viewer, sharpener: str) -> SuperresolvePanel:
    panel = SuperresolvePanel(viewer)
    viewer.window.add_dock_widget(panel, name="Super-resolve")
    assert panel.model.choose(sharpener)
    return panel


def run(qtbot: Any, panel: SuperresolvePanel, button: str = "run") -> list[Any]:
    """Click a button, wait, and return the layers that were made."""
    target = getattr(panel.run_bar, button)
    assert target.isEnabled(), target.toolTip()
    qtbot.mouseClick(target, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.runner.last is not None, panel.results.line.text()
    return list(panel.runner.last.layers)


def corners(layer: Image) -> np.ndarray:
    """Return where the outer corners of the first and of the last pixel lie in the world."""
    shape = np.array(layer.data.shape[: layer.ndim])
    return np.array([layer.data_to_world(np.full(layer.ndim, -0.5)), layer.data_to_world(shape - 0.5)])


@pytest.mark.parametrize("factor", [2, 4])
def test_the_result_lies_on_the_image_corner_on_corner(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any, factor: int
) -> None:
    place = {"scale": (0.5, 0.2), "translate": (3, 4), "rotate": 30, "shear": [0.1], "units": ("um", "um")}
    image = viewer.add_image(filaments(40, 52), name="actin", colormap="green", **place)
    panel.factor.value = factor
    mean, sigma = run(qtbot, panel)
    assert mean.name == "actin super-resolved"
    assert mean.data.shape == sigma.data.shape == (40 * factor, 52 * factor)
    for made in (mean, sigma):
        np.testing.assert_allclose(corners(made), corners(image), rtol=0, atol=1e-9)
        assert made.units == image.units
    assert mean.colormap.name == "green"
    memory = recall(mean)
    assert memory is not None
    assert memory["request"].options.factor == factor
    assert [layer.name for layer in viewer.layers][:2] == ["actin", "actin super-resolved"]


def test_a_stack_is_made_finer_in_its_planes_only(panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    image = viewer.add_image(filaments(3, 32, 40), scale=(2, 0.5, 0.5), translate=(7, 1, 2))
    mean = run(qtbot, panel)[0]
    assert mean.data.shape == (3, 64, 80)
    np.testing.assert_allclose(mean.scale, (2, 0.25, 0.25))
    np.testing.assert_allclose(corners(mean), corners(image), atol=1e-9)


def test_preview_lies_where_it_was_looked_at(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = viewer.add_image(filaments(96, 96))
    monkeypatch.setattr("napari_microdiff.viewer.view._corners", lambda _: np.array([[20, 30], [61, 75]]))
    mean = run(qtbot, panel, "preview")[0]
    assert mean.name.endswith("(view)")
    region = recall(mean)["region"]  # type: ignore[index]
    first = np.array([start for start, _ in region])
    np.testing.assert_allclose(corners(mean)[0], image.data_to_world(first - 0.5), atol=1e-9)
    # The pixels are those of the whole.
    whole = run(qtbot, panel)[0].data
    part = whole[tuple(slice(2 * a, 2 * b) for a, b in region)]
    np.testing.assert_allclose(mean.data, part, atol=1e-3 * np.ptp(whole))


def test_what_forms_is_where_the_result_will_be(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = viewer.add_image(filaments(64, 64), scale=(0.3, 0.3), translate=(5, 6))
    monkeypatch.setattr("napari_microdiff.viewer.worker.PREVIEW_EVERY", 0.0)
    monkeypatch.setattr("napari_microdiff.viewer.worker.NEWS_EVERY", 0.0)
    forming: list[np.ndarray] = []
    panel.more.tile.value = 256
    panel.factor.value = 4
    panel.detail.move_to(3)

    def note(event: Any) -> None:
        if event.value.name.endswith("(forming)"):
            forming.append(corners(event.value))

    viewer.layers.events.inserted.connect(note)
    run(qtbot, panel)
    assert forming
    np.testing.assert_allclose(forming[0], corners(image), atol=1e-9)


def test_optics_that_cannot_be_are_said_for_the_fields_of_the_panel(
    panel: SuperresolvePanel, viewer: napari.Viewer, notes: Any
) -> None:
    viewer.add_image(filaments(32, 32), scale=(1, 1), units=("nm", "nm"))
    panel.blur.way.setCurrentIndex(2)
    panel.run_bar.run.click()
    assert panel.runner.job is None
    assert "the wavelength and the side of a pixel" in notes()[-1]
    assert "micrometres" not in notes()[-1]  # the fields are in nm
    assert panel.results.line.text() == notes()[-1]
    assert panel.results.line.warns


def test_rows_of_the_blur_come_and_go_and_make_the_request(panel: SuperresolvePanel, viewer: napari.Viewer) -> None:
    image = viewer.add_image(filaments(32, 32), scale=(0.08, 0.08), units=("um", "um"))
    panel.show()
    blur = panel.blur
    assert not blur.sigma.isVisibleTo(panel)
    assert not blur.aperture.isVisibleTo(panel)
    assert panel.options()["options"].optics is None
    blur.way.setCurrentIndex(1)
    blur.sigma.setValue(1.25)
    assert blur.sigma.isVisibleTo(panel)
    assert panel.options()["options"].blur == 1.25
    blur.way.setCurrentIndex(2)
    assert blur.aperture.isVisibleTo(panel)
    assert not blur.sigma.isVisibleTo(panel)
    assert blur.pixel.value() == pytest.approx(80)  # nm, from the layer
    assert panel.options()["options"].optics == pytest.approx((0.52, 1.4, 0.08))
    assert panel.request().finer.factor == 2
    viewer.layers.remove(image)
    assert "Choose an image" in panel.run_bar.run.toolTip()


def test_how_the_result_agrees_is_seen_in_a_low_window(
    viewer: napari.Viewer, sharpener: str, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = SuperresolvePanel(viewer)
    qtbot.addWidget(panel)
    assert panel.model.choose(sharpener)
    viewer.add_image(filaments(48, 48))
    panel.resize(400, 300)
    panel.show()
    seen = panel.column.viewport()

    def end() -> int:
        return int(panel.agreement.mapTo(seen, panel.agreement.rect().bottomLeft()).y())

    run(qtbot, panel)
    qtbot.waitUntil(lambda: panel.column.verticalScrollBar().maximum() > 0)
    qtbot.waitUntil(lambda: end() <= seen.height())
    first = panel.agreement.text()
    panel.column.verticalScrollBar().setValue(0)
    run(qtbot, panel)
    assert panel.agreement.text() == first
    qtbot.waitUntil(lambda: end() <= seen.height())
    brought: list[Any] = []
    monkeypatch.setattr(panel.column, "bring_into_view", brought.append)
    viewer.layers[0].units, viewer.layers[0].scale = ("um", "um"), (0.1, 0.1)
    assert panel.agreement.text() != first
    assert not brought  # it is the same result


def test_nothing_is_said_of_a_result_below_what_another_run_came_to(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    viewer.add_image(filaments(48, 48))
    run(qtbot, panel)
    said = panel.agreement.text()
    assert said
    panel.image.choose(viewer.add_image(np.ones((48, 48), np.float32)))
    panel.run_bar.run.click()
    assert panel.agreement.text() == ""
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert "same value everywhere" in panel.results.line.text()
    assert panel.agreement.text() == ""
    panel.results.again.click()
    panel.run_bar.cancel.click()
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.agreement.text() == ""
    panel.results.again.click()
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.agreement.text() == said


def test_without_noise_the_result_is_said_to_be_the_image(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    image = viewer.add_image(filaments(48, 48))
    assert panel.agreement.text() == ""
    panel.noiseless.click()
    mean = run(qtbot, panel)[0]
    np.testing.assert_allclose(Binning(2).forward(mean.data), image.data, atol=1e-4 * float(np.ptp(image.data)))
    assert "just what your image shows" in panel.agreement.text()
    assert "Ask for 4 samples" in panel.agreement.text()
    assert "finer than your microscope can record" in panel.agreement.text()
    panel.noiseless.click()
    run(qtbot, panel)
    assert "whose noise is" in panel.agreement.text()
    assert panel.agreement.warns == disagrees(panel.runner.last.result)  # type: ignore[union-attr, arg-type]


def test_a_part_that_the_blur_reaches_over_is_not_said_to_agree(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer.add_image(filaments(96, 96))
    panel.blur.way.setCurrentIndex(1)
    panel.blur.sigma.setValue(3.0)
    monkeypatch.setattr("napari_microdiff.viewer.view._corners", lambda _: np.array([[40, 40], [60, 60]]))
    run(qtbot, panel, "preview")
    assert "too small to be compared" in panel.agreement.text()
    assert not panel.agreement.warns


def test_what_was_made_up_is_said_with_the_way_to_see_it(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    viewer.add_image(filaments(48, 48))
    run(qtbot, panel)
    last = panel.runner.last
    assert last is not None
    assert last.result is not None
    for places, said in ((1, "in 1 place, more"), (3, "in 3 places, more")):
        last.result.report["residual"]["places"] = places
        panel.refresh()
        assert said in panel.agreement.text()
        assert panel.agreement.warns


def test_a_result_brings_its_settings_back(panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    viewer.add_image(filaments(32, 32))
    panel.factor.value = 4
    panel.blur.way.setCurrentIndex(2)
    panel.blur.aperture.setValue(0.75)
    panel.blur.pixel.setValue(90)
    panel.noiseless.click()
    panel.residual.click()
    request = recall(run(qtbot, panel)[0])["request"]  # type: ignore[index]
    other = SuperresolvePanel(viewer)
    other.set_request(request)
    assert other.options()["options"] == request.options
    assert other.request().outputs == request.outputs
    other.close()


def test_copies_and_files_know_the_finer_pixels(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path, write_ome: Any
) -> None:
    viewer.add_image(filaments(32, 32), scale=(0.08, 0.08), units=("um", "um"), name="a")
    panel.blur.way.setCurrentIndex(2)
    run(qtbot, panel)
    request = panel.runner.last.result.request  # type: ignore[union-attr]
    code = as_python(request, viewer.layers["a"])
    assert "napari_microdiff.superresolve(" in code
    assert "optics=(0.52, 1.4, 0.08)" in code
    command = as_command(request)
    assert "superresolve" in command
    assert "--wavelength 0.52 --aperture 1.4 --pixel 0.08" in command
    job = panel.actions.save(tmp_path / "out.ome.tif")
    qtbot.waitUntil(lambda: job.over, timeout=LONG)
    saved = read_image(tmp_path / "out.ome.tif")
    assert saved.shape == (64, 64)
    assert saved.pixel_size_um == pytest.approx({"Y": 0.04, "X": 0.04})
    (tmp_path / "again.json").write_text(saved.description, encoding="utf-8")
    assert read_request(tmp_path / "again.json").request == request


def test_what_is_left_over_lies_on_the_pixels_of_the_image(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    image = viewer.add_image(filaments(40, 52), scale=(0.5, 0.2), translate=(3, 4))
    panel.residual.click()
    left = next(layer for layer in run(qtbot, panel) if layer.name.endswith("left over"))
    assert left.data.shape == image.data.shape
    np.testing.assert_allclose(corners(left), corners(image), atol=1e-9)
    low, high = left.contrast_limits
    assert low == -high


def test_what_is_left_over_may_be_all_that_is_made(panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    image = viewer.add_image(filaments(40, 52))
    panel.ticks.tick(())
    assert not panel.run_bar.run.isEnabled()
    panel.residual.click()
    (left,) = run(qtbot, panel)
    assert left.name.endswith("left over")
    assert left.visible
    assert left.data.shape == image.data.shape


def test_several_samples_tell_how_far_detail_can_be_trusted(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    viewer.add_image(filaments(64, 64), scale=(0.1, 0.1), units=("um", "um"))
    panel.detail.move_to(1)
    panel.more.samples = 4
    run(qtbot, panel)
    said = panel.agreement.text()
    assert "samples of the result" in said
    assert "µm" in said or "hardly more than noise" in said


def test_a_model_that_denoises_serves_for_any_factor(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    viewer.add_image(np.random.default_rng(0).random((24, 30)).astype(np.float32), name="cell", scale=(0.3, 0.3))
    titles = {card.id: card.title for card in panel.model.cards}
    assert titles["tiny"].endswith("any factor")
    assert "any factor" not in titles["superres-tiny"]
    assert list(panel.factor.choices) == [2, 4]
    panel.detail.move_to(0)
    assert panel.model.choose("tiny")
    assert list(panel.factor.choices) == list(range(2, 9))
    assert panel.more.steps == 8
    panel.factor.value = 3
    panel.ticks.tick(("mean", "sample"))
    layers = run(qtbot, panel)
    assert {layer.data.shape for layer in layers} == {(72, 90)}
    np.testing.assert_allclose(layers[0].scale, 0.1)
    assert panel.runner.last.request.samples == 1
    assert panel.runner.last.result.request.samples == 4
    assert "agree" in panel.agreement.text()


@pytest.fixture
def told_by_file(panel: SuperresolvePanel, viewer: napari.Viewer, tmp_path: Path, write_ome: Any) -> None:
    """Open an image whose file tells of NA 0.95, 610 nm and pixels of 65 nm, and whose layer tells nothing."""
    path = tmp_path / "cell.ome.tif"
    objective, channel = '<Objective ID="O:0" LensNA="0.95"/>', '<Channel ID="C:0" EmissionWavelength="610"/>'
    write_ome(path, filaments(24, 24)[None], objectives=objective, channels=channel)
    with layer_source(path=str(path)):  # as napari says of layers that it opens
        viewer.add_image(tifffile.imread(path), name="cell")


@pytest.mark.usefixtures("told_by_file")
def test_what_the_file_tells_of_the_objective_is_filled_in(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    qtbot.waitUntil(lambda: "NA 0.95" in panel.optics_line.text(), timeout=LONG)
    assert "610 nm" in panel.optics_line.text()
    assert panel.options()["options"].optics is None  # it is offered, not done
    panel.blur.way.setCurrentIndex(2)
    panel.blur.pixel.setValue(90)
    wavelength, aperture, _ = panel.options()["options"].optics
    assert (wavelength, aperture) == pytest.approx((0.61, 0.95))
    viewer.add_image(filaments(24, 24), name="made here")
    panel.image.choose(viewer.layers["made here"])
    assert "The file tells" not in panel.optics_line.text()
    panel.image.choose(viewer.layers[0])
    qtbot.waitUntil(lambda: "NA 0.95" in panel.optics_line.text(), timeout=LONG)


@pytest.mark.usefixtures("told_by_file")
def test_optics_of_one_file_are_not_those_of_the_next(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    qtbot.waitUntil(lambda: "NA 0.95" in panel.optics_line.text(), timeout=LONG)
    panel.blur.way.setCurrentText("of the objective")
    viewer.add_image(filaments(24, 24), name="made here")
    panel.image.choose(viewer.layers["made here"])
    assert (panel.blur.wavelength.value(), panel.blur.aperture.value()) == (520, 1.4)
    assert "does not tell light and NA" in panel.optics_line.text()
    panel.blur.aperture.setValue(0.8)  # of this microscope
    panel.image.choose(viewer.layers["cell"])
    qtbot.waitUntil(lambda: panel.blur.aperture.value() == 0.95, timeout=LONG)
    assert "does not tell light" not in panel.optics_line.text()
    panel.image.choose(viewer.layers["made here"])
    assert (panel.blur.wavelength.value(), panel.blur.aperture.value()) == (520, 0.8)


@pytest.mark.usefixtures("told_by_file")
def test_two_layers_of_one_file_have_its_optics(panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: "NA 0.95" in panel.optics_line.text(), timeout=LONG)
    with layer_source(path=viewer.layers["cell"].source.path):
        viewer.add_image(filaments(24, 24), name="other channel")
    panel.image.choose(viewer.layers["other channel"])
    assert panel.blur.aperture.value() == 0.95
    assert "NA 0.95" in panel.optics_line.text()


def test_nothing_is_run_before_it_is_known_what_the_file_tells(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def read(path: str) -> Iterator[RecordedOptics]:
        gate.wait(60)
        if path == "damaged.tif":
            raise OSError(path)
        yield RecordedOptics(0.61, 0.95)

    monkeypatch.setattr("napari_microdiff.viewer.recorded_optics._read", read)
    for path in ("cell.tif", "damaged.tif"):
        gate.clear()
        with layer_source(path=path):
            layer = viewer.add_image(filaments(24, 24), scale=(0.1, 0.1), units=("um", "um"))
        panel.image.choose(layer)
        panel.blur.way.setCurrentText("leave as it is")
        assert panel.run_bar.run.isEnabled()
        panel.blur.way.setCurrentText("of the objective")
        assert panel.run_bar.run.toolTip() == words.READING_OPTICS
        gate.set()
        qtbot.waitUntil(panel.run_bar.run.isEnabled, timeout=LONG)
        told = (0.61, 0.95) if path == "cell.tif" else (0.52, 1.4)
        assert panel.options()["options"].optics == pytest.approx((*told, 0.1))


@pytest.mark.usefixtures("told_by_file")
def test_the_file_tells_the_pixel_where_its_reader_did_not(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    layer = viewer.layers["cell"]
    qtbot.waitUntil(lambda: "NA 0.95" in panel.optics_line.text(), timeout=LONG)
    panel.blur.way.setCurrentText("of the objective")
    assert panel.options()["options"].optics == pytest.approx((0.61, 0.95, 0.065))
    assert "pixels of 65 nm" in panel.optics_line.text()
    assert not panel.optics_line.warns
    run(qtbot, panel)
    assert "µm" in panel.agreement.text()
    panel.blur.pixel.setValue(0)
    told = "The file tells NA 0.95 and light of 610 nm, which “of the objective” uses."
    assert panel.optics_line.text() == f"{told} {words.NO_PIXEL}"
    assert panel.optics_line.warns
    panel.blur.pixel.setValue(65)
    layer.scale = (0.065, 0.065)  # as readers do that know no units
    assert panel.blur.pixel.value() == 65
    layer.scale = (2, 2)  # of whoever knows what for
    assert panel.blur.pixel.text() == "not known"
    assert words.PIXEL_UNTOLD in panel.optics_line.text()
    layer.units, layer.scale = ("um", "um"), (0.2, 0.2)
    assert panel.blur.pixel.value() == 200  # what the layer says was said later
    assert "pixels of" not in panel.optics_line.text()


def test_oblong_pixels_are_told_by_the_file_too(
    panel: SuperresolvePanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path
) -> None:
    path = tmp_path / "oblong.tif"
    tifffile.imwrite(path, filaments(24, 24), imagej=True, resolution=(10, 5), metadata={"unit": "um"})
    with layer_source(path=str(path)):
        viewer.add_image(tifffile.imread(path))
    qtbot.waitUntil(lambda: "0.2 × 0.1 µm" in panel.oblong_line.text(), timeout=LONG)
    assert panel.blur.pixel.text() == "not known"


@pytest.mark.usefixtures("told_by_file")
def test_optics_of_a_request_are_not_replaced_by_those_of_the_file(panel: SuperresolvePanel, qtbot: Any) -> None:
    asked = panel.request().model_copy(update={"options": SuperresolveOptions(optics=(0.7, 0.8, 0.1))})
    panel.set_request(asked)  # while the file is being read
    qtbot.waitUntil(lambda: "NA 0.95" in panel.optics_line.text(), timeout=LONG)
    assert panel.request().options.optics == pytest.approx((0.7, 0.8, 0.1))


def test_optics_that_cannot_be_are_told_in_a_sentence(
    panel: SuperresolvePanel, viewer: napari.Viewer, notes: Any
) -> None:
    viewer.add_image(filaments(32, 32))
    panel.blur.way.setCurrentText("of the objective")
    panel.blur.pixel.setValue(0.1)
    panel.run_bar.run.click()
    assert notes()[-1].startswith("optics: they would blur over 836 pixels")


def test_pixels_that_are_no_squares_have_no_side(panel: SuperresolvePanel, viewer: napari.Viewer) -> None:
    viewer.add_image(filaments(32, 32), scale=(0.2, 0.1), units=("um", "um"))
    panel.blur.way.setCurrentText("of the objective")
    assert panel.blur.pixel.text() == "not known"
    assert "0.2 × 0.1 µm" in panel.oblong_line.text()
    assert "how large" not in panel.optics_line.text()  # it says that
    assert panel.run_bar.run.toolTip() == panel.oblong_line.text()
    panel.blur.pixel.setValue(100)
    assert panel.run_bar.run.isEnabled()
    viewer.add_image(filaments(32, 32), scale=(0.1, 0.1), units=("um", "um"), name="square")
    panel.image.choose(viewer.layers["square"])
    assert panel.blur.pixel.value() == pytest.approx(100)
    assert panel.oblong_line.text() == ""


def test_an_image_without_pixel_size_has_not_that_of_another(panel: SuperresolvePanel, viewer: napari.Viewer) -> None:
    viewer.add_image(filaments(32, 32), scale=(0.3, 0.3), units=("um", "um"), name="known")
    silent = viewer.add_image(filaments(32, 32), name="silent")
    panel.blur.way.setCurrentText("of the objective")
    assert panel.blur.pixel.value() == 300
    panel.image.choose(silent)
    assert panel.blur.pixel.text() == "not known"
    assert panel.run_bar.run.toolTip() == words.NO_PIXEL
    assert words.PIXEL_UNTOLD in panel.optics_line.text()
    assert panel.optics_line.warns
    panel.blur.pixel.setValue(65)
    assert panel.run_bar.run.isEnabled()
    assert words.PIXEL_UNTOLD not in panel.optics_line.text()
    silent.data = silent.data + 1
    assert panel.options()["options"].optics == pytest.approx((0.52, 1.4, 0.065))
    panel.image.choose(viewer.layers["known"])
    assert panel.blur.pixel.value() == 300
    panel.image.choose(silent)
    assert panel.blur.pixel.text() == "not known"
    silent.units, silent.scale = ("um", "um"), (0.2, 0.2)
    assert panel.blur.pixel.value() == 200


def test_an_image_that_is_there_before_the_panel_tells_its_pixel(
    viewer: napari.Viewer, panel: SuperresolvePanel
) -> None:
    viewer.add_image(filaments(32, 32), scale=(0.065, 0.065), units=("um", "um"))
    assert SuperresolvePanel(viewer).blur.pixel.value() == pytest.approx(65)
