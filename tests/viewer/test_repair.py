"""The Repair panel with a real, tiny network: what a user clicks, and what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import napari
import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt
from skimage.draw import disk

from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.viewer import commands, looking
from napari_microdiff.viewer.layers import recall
from napari_microdiff.viewer.repair import RepairPanel
from napari_microdiff.viewer.script import as_command, as_python

LONG = 600_000


def filaments(*shape: int) -> np.ndarray:
    image = filaments_and_blobs(shape[-2:], seed=1)
    return np.broadcast_to((100 * image).astype(np.uint16), shape).copy()


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any, tiny_model: str) -> napari.Viewer:
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer: napari.Viewer, tiny_model: str) -> RepairPanel:
    panel = RepairPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Repair")
    assert panel.model.choose(tiny_model)
    return panel


def run(qtbot: Any, panel: RepairPanel) -> list[Any]:
    """Click Run, wait, and return the layers that were made."""
    assert panel.run_bar.run.isEnabled(), panel.run_bar.run.toolTip()
    qtbot.mouseClick(panel.run_bar.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.runner.last is not None, panel.results.line.text()
    return list(panel.runner.last.layers)


def paint(panel: RepairPanel, qtbot: Any) -> Labels:
    """Click on painting, and paint a disc."""
    qtbot.mouseClick(panel.new_mask, Qt.MouseButton.LeftButton)
    mask = panel.mask.layer
    assert isinstance(mask, Labels)
    mask.data[(..., *disk((20, 24), 6))] = 1
    mask.refresh()
    return mask


def test_whether_the_model_knows_such_images_is_said_of_the_result(
    panel: RepairPanel, viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer.add_image(filaments(48, 56))
    paint(panel, qtbot)
    assert panel.told.text() == ""
    run(qtbot, panel)
    assert (panel.told.text(), panel.told.warns) == ("The image is like those that the model was trained on.", False)
    strange = property(lambda likeness: False)
    monkeypatch.setattr("napari_microdiff.tasks.likeness.Likeness.alike", strange)
    run(qtbot, panel)
    assert panel.told.text().startswith("The image is unlike those that the model was trained on")
    assert panel.told.warns
    panel.run_bar.run.click()
    panel.run_bar.cancel.click()
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.told.text() == ""


def test_what_was_painted_is_repaired_and_all_else_kept(panel: RepairPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    assert "Choose an image" in panel.run_bar.run.toolTip()
    place = {"scale": (0.5, 0.2), "translate": (3, 4), "rotate": 20, "units": ("um", "um")}
    image = viewer.add_image(filaments(48, 56), name="section", **place)
    assert "Paint the damaged" in panel.run_bar.run.toolTip()
    mask = paint(panel, qtbot)
    assert mask.name == "section damage"
    assert mask.mode == "paint"
    np.testing.assert_allclose(mask.scale, image.scale)
    np.testing.assert_allclose(mask.translate, image.translate)
    (made,) = run(qtbot, panel)
    assert made.name == "section repaired"
    np.testing.assert_allclose(made.translate, image.translate)
    gone = mask.data > 0
    np.testing.assert_array_equal(made.data[~gone], image.data[~gone])
    assert (made.data[gone] != image.data[gone]).mean() > 0.9
    request = recall(made)["request"]  # type: ignore[index]
    assert (request.task, request.sampler, request.steps) == ("repair", "ddpm", 12)
    assert "napari-microdiff repair INPUT.tif DAMAGED.tif OUTPUT.tif" in as_command(request)
    code = as_python(request, image, panel.runner.last.source.beside)  # type: ignore[union-attr]
    compile(code, "copied", "exec")
    assert "    image,\n    damaged=damaged," in code


def test_again_means_with_the_same_mask(
    panel: RepairPanel, viewer: napari.Viewer, qtbot: Any, notes: Callable[[], list[str]]
) -> None:
    viewer.add_image(filaments(48, 56), name="section")
    paint(panel, qtbot)
    (first,) = run(qtbot, panel)
    other = viewer.add_labels(np.zeros((48, 56), np.uint8), name="dust")
    other.data[5:9, 5:9] = 1
    panel.mask.choose(other)
    for gone in (False, True):
        if gone:
            for layer in [layer for layer in viewer.layers if isinstance(layer, Labels)]:
                viewer.layers.remove(layer)
        qtbot.mouseClick(panel.results.again, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
        np.testing.assert_array_equal(panel.runner.last.layers[0].data, first.data)  # type: ignore[union-attr]
    assert notes() == []


def test_a_repair_is_made_again_where_it_was(
    panel: RepairPanel, viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "open_panel", lambda viewer, task: panel)
    viewer.add_image(filaments(48, 56), name="section")
    mask = paint(panel, qtbot)
    (made,) = run(qtbot, panel)
    other = viewer.add_labels(np.ones((48, 56), np.uint8), name="dust")
    panel.mask.choose(other)
    viewer.layers.selection.active = made
    commands.make_again(viewer)
    assert panel.mask.layer == mask
    assert not panel.mask_line.text()
    viewer.layers.remove(mask)
    assert panel.mask.layer == other  # as for any run
    commands.make_again(viewer)
    assert panel.mask.layer is None
    assert "'section damage'" in panel.mask_line.text()
    assert "'section damage'" in panel.run_bar.run.toolTip()
    assert not panel.run_bar.run.isEnabled()
    panel.mask.choose(other)
    assert not panel.mask_line.text()
    assert panel.run_bar.run.isEnabled()


def test_noise_can_be_left_out_and_comes_back_with_the_settings(
    panel: RepairPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    image = viewer.add_image(filaments(48, 56) + np.random.default_rng(0).normal(0, 0.1, (48, 56)), name="section")
    mask = paint(panel, qtbot)
    (noisy,) = run(qtbot, panel)
    qtbot.mouseClick(panel.fold.toggleButton(), Qt.MouseButton.LeftButton)
    panel.noisy.click()
    (clean,) = run(qtbot, panel)
    gone = mask.data > 0
    assert (noisy.data != clean.data)[gone].mean() > 0.9
    np.testing.assert_array_equal(clean.data[~gone], image.data[~gone])
    panel.set_request(recall(noisy)["request"])  # type: ignore[index]
    assert panel.noisy.isChecked()
    panel.set_request(recall(clean)["request"])  # type: ignore[index]
    assert not panel.noisy.isChecked()


def test_torch_is_loaded_before_anything_is_painted(
    viewer: napari.Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def load() -> Any:
        threads.append(threading.current_thread().name)
        yield from ()

    monkeypatch.setattr(looking, "_prepare", load)
    monkeypatch.setattr(looking, "sys", SimpleNamespace(modules={}))
    panel = RepairPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Repair")
    qtbot.wait(500)
    assert threads == []  # there is no image yet
    viewer.add_image(filaments(32, 32))
    qtbot.waitUntil(lambda: len(threads) == 1, timeout=LONG)
    assert threads != [threading.main_thread().name]
    qtbot.waitUntil(lambda: panel.looker.job is None, timeout=LONG)


def test_painting_while_the_job_runs_changes_nothing_and_is_said(
    panel: RepairPanel, viewer: napari.Viewer, qtbot: Any, notes: Callable[[], list[str]]
) -> None:
    image = viewer.add_image(filaments(48, 56), name="section")
    mask = paint(panel, qtbot)
    gone = mask.data > 0
    qtbot.mouseClick(panel.run_bar.run, Qt.MouseButton.LeftButton)
    mask.data[...] = 1
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    made = panel.runner.last.layers[0]  # type: ignore[union-attr]
    np.testing.assert_array_equal(made.data[~gone], image.data[~gone])
    assert notes() == ["'section damage' was edited while the job ran; run it again to include the changes."]


@pytest.mark.parametrize(("change", "said"), [("dot", True), ("plane", True), ("label", False), ("gone", False)])
def test_what_counts_as_an_edit_of_the_mask(
    panel: RepairPanel, viewer: napari.Viewer, qtbot: Any, change: str, said: bool
) -> None:
    image = viewer.add_image(filaments(2, 300, 300))
    mask = paint(panel, qtbot)
    source = panel.source_of(image)
    assert source.changes(viewer) == []
    if change == "dot":
        mask.data[1, 41, 43] = 1
    elif change == "plane":
        mask.data = mask.data[0]
    elif change == "label":
        mask.data[mask.data > 0] = 5  # which is damaged as before
    else:
        viewer.layers.remove(mask)
    assert len(source.changes(viewer)) == said


def test_a_mask_of_one_plane_serves_a_stack_and_colours(panel: RepairPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    stack = viewer.add_image(filaments(2, 48, 56), name="stack")
    mask = viewer.add_labels(np.zeros((48, 56), np.uint8))
    mask.data[disk((20, 24), 6)] = 3
    panel.image.choose(stack)
    panel.mask.choose(mask)
    (made,) = run(qtbot, panel)
    assert made.data.shape == (2, 48, 56)
    assert ((made.data != stack.data) <= (mask.data > 0)).all()
    colours = viewer.add_image(np.stack([filaments(48, 56) // 40] * 3, axis=-1).astype(np.uint8), rgb=True)
    panel.image.choose(colours)
    (made,) = run(qtbot, panel)
    assert made.rgb
    assert ((made.data != colours.data).any(axis=-1) <= (mask.data > 0)).all()


class OnDisk:
    """An array whose planes are read one by one; says how many pixels were read at once."""

    ndim = 3

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels, self.most = pixels, 0
        self.shape, self.dtype, self.size = pixels.shape, pixels.dtype, pixels.size

    def __getitem__(self, index: Any) -> np.ndarray:
        part = self._pixels[index]
        self.most = max(self.most, part.size)
        return part

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        self.most = self.size
        return np.asarray(self._pixels, dtype)


def test_a_mask_on_disk_is_read_plane_by_plane(panel: RepairPanel, viewer: napari.Viewer, qtbot: Any) -> None:
    stack = viewer.add_image(filaments(3, 48, 56), name="stack")
    painted = np.zeros((3, 48, 56), np.uint8)
    painted[(1, *disk((20, 24), 6))] = 1
    on_disk = OnDisk(painted)
    panel.mask.choose(viewer.add_labels(on_disk))
    on_disk.most = 0
    (made,) = run(qtbot, panel)
    np.testing.assert_array_equal((made.data != stack.data).any(axis=(1, 2)), [False, True, False])
    assert ((made.data != stack.data) <= (painted > 0)).all()
    assert 0 < on_disk.most <= 48 * 56
    painted[...] = 0
    qtbot.mouseClick(panel.run_bar.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert "Nothing is painted" in panel.results.line.text()


def test_what_cannot_be_is_said(panel: RepairPanel, viewer: napari.Viewer, qtbot: Any, notes: Any) -> None:
    viewer.add_image(filaments(48, 56))
    mask = paint(panel, qtbot)
    run(qtbot, panel)
    mask.data[...] = 0
    for button in (panel.run_bar.run, panel.results.again):
        panel.results.line.say("as it came out before")
        button.click()
        assert "Nothing is painted" in notes()[-1]
        assert panel.results.line.text() == notes()[-1]
        assert panel.results.line.warns
    small = viewer.add_labels(np.ones((5, 5), np.uint8))
    panel.mask.choose(small)
    panel.run_bar.run.click()
    assert "lies on the image pixel by pixel" in notes()[-1]
    for elsewhere in ({"translate": (0, 60)}, {"scale": (4, 4)}):
        panel.mask.choose(viewer.add_labels(np.ones((48, 56), np.uint8), **elsewhere))
        panel.run_bar.run.click()
        assert "does not lie on 'Image'" in notes()[-1]
    assert panel.runner.job is None


def test_a_mask_without_pixel_sizes_lies_on_an_image_with_some(
    panel: RepairPanel, viewer: napari.Viewer, qtbot: Any
) -> None:
    viewer.add_image(filaments(48, 56), scale=(0.1, 0.1), translate=(3, 4))
    mask = np.zeros((48, 56), np.uint8)
    mask[disk((20, 24), 6)] = 1
    panel.mask.choose(viewer.add_labels(mask))
    assert run(qtbot, panel)


def test_only_models_that_denoise_are_offered(panel: RepairPanel) -> None:
    assert {card.task for card in panel.model.cards} == {"denoise"}


@pytest.mark.parametrize("shape", [(2, 48, 56, 3), (48, 56, 3)])
def test_copied_code_repairs_colours_with_the_mask_as_it_was_painted(
    panel: RepairPanel, viewer: napari.Viewer, qtbot: Any, shape: tuple[int, ...]
) -> None:
    colours = np.broadcast_to(filaments(48, 56).clip(0, 255).astype(np.uint8)[..., None], shape).copy()
    image = viewer.add_image(colours, name="stained", rgb=True)
    paint(panel, qtbot)
    (made,) = run(qtbot, panel)
    found: dict[str, Any] = {}
    exec(as_python(recall(made)["request"], image, panel.runner.last.source.beside), found)  # type: ignore[index, union-attr]
    np.testing.assert_array_equal(np.round(found["sample"]).clip(0, 255), made.data)
