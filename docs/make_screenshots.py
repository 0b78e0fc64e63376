"""Make the pictures of the documentation, from sample images that come with the package.

Needs a display: ``xvfb-run -a -s "-screen 0 1366x768x24" python docs/make_screenshots.py``. Another folder can be
given as the only argument.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")  # nobody's preferences are touched

import imageio.v3 as iio
import napari
import numpy as np
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks
from qtpy.QtWidgets import QApplication, QScrollArea
from skimage.draw import disk
from wrapt import ObjectProxy

import napari_microdiff
from napari_microdiff.files import write_image
from napari_microdiff.imaging.camera import Camera, simulate
from napari_microdiff.imaging.layout import random_layout
from napari_microdiff.imaging.optics import Binning, Blur, PointSpread
from napari_microdiff.imaging.population import population_of
from napari_microdiff.imaging.samples import noisy_sample, nuclei
from napari_microdiff.viewer import samples
from napari_microdiff.viewer.denoise import DenoisePanel
from napari_microdiff.viewer.isotropic import IsotropicPanel
from napari_microdiff.viewer.modes import SuperresolveModes
from napari_microdiff.viewer.panel import Panel
from napari_microdiff.viewer.repair import RepairPanel
from napari_microdiff.viewer.segment import SegmentPanel
from napari_microdiff.viewer.series.panel import SeriesPanel
from napari_microdiff.viewer.superresolve import SuperresolvePanel
from napari_microdiff.viewer.synthesis.panel import SynthesizePanel

FOLDER = Path(__file__).parent / "images"
WINDOW = 1366, 740
SIDE = 480  # of an image in a row
TITLES = {"synthesize": "Synthesise"}  # else their task
GALLERY, BRIGHT = 8, 3  # images; photons in the style, for each of the usual sample
DUST, DEAD = ((110, 130, 16), (260, 300, 20), (400, 150, 12)), slice(350, 353)  # in the simulated nuclei
STROKES = {"cut": ((67, 326), (51, 343)), "add": ((252, 298), (264, 306))}  # in the simulated nuclei
CLOSE, GAP = 100, 8  # pixels of the image that are seen around a stroke, and of the picture between two steps
OPTICS = (0.52, 1.3, 0.08)  # of the beads: wavelength and pixel in micrometres, and numerical aperture between them
MASK = slice(128, 320)  # part of the simulated nuclei that a mask is made from


def wait(ready: Callable[[], bool], seconds: float = 600) -> None:
    """Run the event loop until ``ready``."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            sys.exit("error: the viewer did not get ready in time")
        QApplication.processEvents()
        time.sleep(0.01)


def settle(seconds: float = 1.0) -> None:
    """Let napari draw."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() > end)


class Studio:
    """A viewer with one sample and a panel."""

    def __init__(
        self, sample: Callable[[], list[samples.LayerData]], folder: Path, kind: type[Panel] = DenoisePanel
    ) -> None:
        self.folder = folder
        self.viewer = napari.Viewer(show_welcome_screen=False)
        self.viewer.window.resize(*WINDOW)
        for array, arguments, layer in sample():
            self.viewer.add_layer(napari.layers.Layer.create(array, arguments, layer))
        self.source = self.viewer.layers[-1]
        self.panel = self._open(kind)
        self.panel.image.choose(self.source)
        settle()
        self.viewer.reset_view()
        wait(lambda: self.panel.familiar.isVisible() or self.panel.looker.job is None)
        settle()

    def _open(self, kind: type[Panel]) -> Panel:
        if kind in (mode for _, mode, _ in SuperresolveModes.kinds):
            modes = SuperresolveModes(self.viewer)
            self.viewer.window.add_dock_widget(modes, name="Super-resolve", area="right")
            return modes.choose(kind.task)
        panel = kind(self.viewer)
        self.viewer.window.add_dock_widget(panel, name=TITLES.get(kind.task, kind.task.capitalize()), area="right")
        return panel

    def picture(self, name: str) -> None:
        """Save the whole window."""
        settle()
        self.viewer.screenshot(str(self.folder / name), canvas_only=False, flash=False)

    def finish(self) -> None:
        """Wait for the running job."""
        wait(lambda: self.panel.runner.job is None)
        if self.panel.runner.last is None:
            sys.exit(f"error: {self.panel.results.line.text()}")


def panel_pictures(folder: Path) -> None:
    """Take the panel before, during and after a run."""
    studio = Studio(samples.simulated_filaments, folder)
    panel = studio.panel
    studio.picture("panel-before.png")
    panel.detail.move_to(1)
    panel.fold.expand(animate=False)
    panel.more.tile.value = 256
    panel.run_bar.run.click()
    bar = panel.run_bar.bar
    wait(lambda: panel.runner.job is None or 3 * bar.value() > bar.maximum() > 0)
    studio.viewer.screenshot(str(folder / "panel-during.png"), canvas_only=False, flash=False)
    studio.finish()
    panel.fold.collapse(animate=False)
    studio.picture("panel-after.png")
    studio.viewer.close()


def result_picture(folder: Path) -> None:
    """Take the noisy image, the result and its uncertainty side by side."""
    studio = Studio(samples.simulated_filaments, folder)
    studio.panel.detail.move_to(0)
    studio.panel.run_bar.run.click()
    studio.finish()
    viewer = studio.viewer
    viewer.layers.remove("filaments (truth)")
    for layer in viewer.layers:
        layer.visible = True
    in_a_row(viewer, folder / "result-uncertainty.png")


def superresolve_picture(folder: Path) -> None:
    """Take the Super-resolve panel after several samples of what is visible."""
    studio = Studio(samples.simulated_filaments, folder, SuperresolvePanel)
    panel = studio.panel
    panel.blur.way.setCurrentText("of the objective")
    panel.detail.move_to(1)
    panel.more.samples = 4
    panel.run_bar.run.click()
    studio.finish()
    studio.picture("superresolve-after.png")
    studio.viewer.close()


def beads_picture(folder: Path) -> None:
    """Take the Super-resolve panel with the blur measured on an image of beads."""

    def beads() -> list[samples.LayerData]:
        (image, arguments, kind), *_ = samples.simulated_filaments()[-1:]
        rng, fine = np.random.default_rng(0), np.zeros((640 * 4,) * 2)
        fine[tuple(rng.integers(0, len(fine), (2, 60)))] = 16 * rng.uniform(4000, 16000, 60)
        blurred = Blur(PointSpread(airy=OPTICS).kernel(4), (len(fine),) * 2).forward(fine)
        seen = rng.poisson(np.maximum(Binning(4).forward(blurred) + 100, 0)).astype(np.uint16)
        where = {"scale": (OPTICS[2],) * 2, "units": ("micrometer",) * 2}
        return [(seen, {"name": "beads", **where}, "image"), (image, {**arguments, "visible": False}, kind)]

    studio = Studio(beads, folder, SuperresolvePanel)
    panel = studio.panel
    panel.blur.way.setCurrentText("measured on beads")
    panel.blur.beads.layer.choose(studio.viewer.layers["beads"])
    wait(lambda: not panel.blur.beads.busy)
    studio.picture("superresolve-beads.png")
    studio.viewer.close()


def isotropic_picture(folder: Path) -> None:
    """Take the Super-resolve panel, mode Isotropic z, with a stack from the side, before and after."""
    studio = Studio(samples.simulated_slices, folder, IsotropicPanel)
    viewer, panel = studio.viewer, studio.panel
    panel.ticks.tick(("sample",))
    panel.run_bar.run.click()
    studio.finish()
    viewer.layers.remove(viewer.layers[0])  # the truth, which is hidden
    viewer.dims.order = (1, 0, 2)
    viewer.dims.set_point(1, 0.8)
    grid = getattr(viewer, "canvas", viewer).grid  # napari 0.9 moved it
    grid.enabled, grid.shape = True, (2, 1)
    viewer.reset_view()
    studio.picture("isotropic-after.png")
    viewer.close()


def repair_picture(folder: Path) -> None:
    """Take the Super-resolve panel, mode Repair, with an image before and after, in halves."""

    def dusty() -> list[samples.LayerData]:
        (image, arguments, kind), *_ = samples.simulated_nuclei()[-1:]
        spoiled = image.copy()
        for row, column, radius in DUST:
            spoiled[disk((row, column), radius)] = spoiled.max()
        spoiled[:, DEAD] = 0
        return [(spoiled, arguments, kind)]

    studio = Studio(dusty, folder, RepairPanel)
    panel = studio.panel
    panel.new_mask.click()
    mask = panel.mask.layer
    for row, column, radius in DUST:
        mask.data[disk((row, column), radius + 2)] = 1
    mask.data[:, DEAD.start - 1 : DEAD.stop + 1] = 1
    mask.refresh()
    panel.run_bar.run.click()
    studio.finish()
    studio.viewer.layers[-1].visible = True
    mask.visible = True
    studio.viewer.layers.move(studio.viewer.layers.index(mask), len(studio.viewer.layers))
    mask.contour = 1
    studio.picture("repair-after.png")
    studio.viewer.close()


def segment_picture(folder: Path) -> None:
    """Take the Segment panel after a run, with the objects coloured by confidence."""
    studio = Studio(samples.simulated_nuclei, folder, SegmentPanel)
    panel = studio.panel
    panel.detail.move_to(1)
    panel.run_bar.run.click()
    studio.finish()
    panel.by_confidence.click()
    studio.picture("segment-after.png")
    studio.viewer.close()


def correct_pictures(folder: Path) -> None:
    """Take the most doubtful object with the tools to correct it, then a cut and an added object, step by step."""
    studio = Studio(samples.simulated_nuclei, folder, SegmentPanel)
    panel = studio.panel
    assert isinstance(panel, SegmentPanel)
    panel.detail.move_to(1)
    panel.run_all()
    studio.finish()
    editor, labels = panel.corrections.editor, panel.labels
    assert editor is not None
    assert labels is not None
    wait(lambda: editor.book is not None)
    panel.corrections.buttons["next"].click()
    wait(lambda: editor.selected is not None)
    studio.picture("correct-doubtful.png")
    labels.contour = 1
    for tool, line in STROKES.items():
        middle, before = np.mean(line, axis=0), labels.data.copy()
        editor.use(tool)
        labels.selected_label = int(before[tuple(np.rint(middle).astype(int))])
        steps = [close_up(studio.viewer, labels, middle)]
        with stroke(labels, *np.array(line, dtype=float)):
            steps.append(close_up(studio.viewer, labels, middle))
        wait(lambda: not editor.busy)
        if len(np.unique(labels.data)) != len(np.unique(before)) + 1:
            sys.exit(f"error: the stroke to {tool} made no object")
        steps.append(close_up(studio.viewer, labels, middle))
        gap = np.full((SIDE, GAP, 3), 255, np.uint8)
        iio.imwrite(folder / f"correct-{tool}.png", np.hstack([steps[0], gap, steps[1], gap, steps[2]]))
    studio.viewer.close()


@contextmanager
def stroke(layer: napari.layers.Labels, start: np.ndarray, end: np.ndarray) -> Iterator[None]:
    """Draw a line with the mouse, in pixels of the layer, and release it afterwards."""

    def event(kind: str, place: np.ndarray) -> Any:
        facts = {"type": kind, "position": layer.data_to_world(place), "is_dragging": True}
        return ObjectProxy(SimpleNamespace(**facts, button=1, modifiers=(), handled=False))  # as napari passes it on

    mouse_press_callbacks(layer, event("mouse_press", start))
    mouse_move_callbacks(layer, event("mouse_move", end))
    yield
    mouse_release_callbacks(layer, event("mouse_release", end))


def close_up(viewer: napari.Viewer, layer: napari.layers.Labels, place: np.ndarray) -> np.ndarray:
    """Return a picture of what is around a place of a layer."""
    camera = viewer.scene.camera
    camera.center, camera.zoom = layer.data_to_world(place), SIDE / (CLOSE * layer.scale[-1])
    QApplication.processEvents()
    return viewer.screenshot(size=(SIDE, SIDE), flash=False)[..., :3]


def series_picture(folder: Path) -> None:
    """Take a folder of simulated nuclei with one image done and the next one open."""
    images = Path(tempfile.mkdtemp()) / "plate 1"
    images.mkdir()
    for number in range(1, 7):
        image, _ = noisy_sample("nuclei", number)
        write_image(images / f"well A{number}.tif", image[:256, :256], pixel_size_um={"Y": 0.65, "X": 0.65})
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(*WINDOW)
    panel = SeriesPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Series", area="right")
    browser = panel.browser
    panel.open_folder(images)
    wait(lambda: browser.can_finish)
    browser.finish()
    wait(lambda: browser.can_finish and browser.current == "well A2.tif")
    wait(lambda: browser.preparation.segmenter.idle and browser.thumbnails.idle)
    viewer.reset_view()
    panel.here.by_confidence.click()
    settle()
    viewer.screenshot(str(folder / "series.png"), canvas_only=False, flash=False)
    viewer.close()


def synthesize_picture(folder: Path) -> None:
    """Take an image that was drawn under a mask, and the mask, side by side."""
    noisy, _ = noisy_sample("nuclei", 0)
    objects = napari_microdiff.segment(noisy[MASK, MASK]).labels
    assert objects is not None
    mask = random_layout(population_of([objects]), objects.shape, np.random.default_rng(0)).labels
    image = napari_microdiff.synthesize(mask, reference=noisy).sample
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.add_image(image, name="cells synthetic")
    viewer.add_labels(mask, name="cells", opacity=1.0)
    in_a_row(viewer, folder / "synthesize.png")


def synthesize_panel_pictures(folder: Path) -> None:
    """Take the Synthesise panel with an image drawn in the style of another, then with a gallery."""
    camera, rng = Camera(gain=4.0, offset=20.0, read_noise=1.0), np.random.default_rng(0)
    seen = simulate(BRIGHT * nuclei((512, 512), 0)[MASK, MASK], camera, rng, quantise=True).astype(np.uint16)
    objects = napari_microdiff.segment(seen).labels
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(*WINDOW)
    style = viewer.add_image(seen, name="nuclei")
    mask = viewer.add_labels(objects, name="mask")
    panel = SynthesizePanel(viewer)
    viewer.window.add_dock_widget(panel, name="Synthesise", area="right")
    panel.image.choose(mask)
    panel.style.choose(style)
    settle()
    viewer.reset_view()
    settle()
    panel.run_bar.run.click()
    wait(lambda: panel.runner.job is None)
    style.visible = False
    settle()
    viewer.screenshot(str(folder / "synthesize-panel.png"), canvas_only=False, flash=False)
    view = panel.gallery_view
    view.count.setValue(GALLERY)
    view.draw.click()
    wait(lambda: panel.gallery.job is None)
    settle()
    view.grid.setCurrentRow(2)
    view.keep.click()
    view.grid.setCurrentRow(5)
    area = panel.findChild(QScrollArea)
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    settle()
    viewer.screenshot(str(folder / "synthesize-gallery.png"), canvas_only=False, flash=False)
    viewer.close()


def in_a_row(viewer: napari.Viewer, path: Path) -> None:
    """Take all layers side by side, the lowest one to the left."""
    viewer.canvas.grid.enabled = True
    viewer.canvas.grid.stride = 1
    viewer.canvas.grid.shape = (1, len(viewer.layers))
    settle()
    viewer.reset_view()
    height = viewer.layers[0].extent.world[:, 0]
    viewer.scene.camera.zoom = 0.98 * SIDE / (height[1] - height[0])
    viewer.screenshot(str(path), size=(SIDE, SIDE * len(viewer.layers)), flash=False)
    viewer.close()


def main() -> None:
    """Make all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    panel_pictures(folder)
    result_picture(folder)
    superresolve_picture(folder)
    beads_picture(folder)
    isotropic_picture(folder)
    repair_picture(folder)
    segment_picture(folder)
    correct_pictures(folder)
    series_picture(folder)
    synthesize_picture(folder)
    synthesize_panel_pictures(folder)
    sys.stdout.write(f"pictures are in {folder}\n")


if __name__ == "__main__":
    main()
