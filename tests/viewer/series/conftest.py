"""What the tests of the series share: a folder of images, a panel with a tiny model, and waiting for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import napari
import numpy as np
import pytest

from napari_microdiff.files import write_image
from napari_microdiff.viewer.series.panel import SeriesPanel

LONG = 600_000
SHAPE = (64, 80)


def nuclei(shape: tuple[int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    spots = sum(np.exp(-((y - a) ** 2 + (x - b) ** 2) / 60) for a, b in rng.uniform(0, shape, (6, 2)))
    return (100 + 200 * spots + 5 * rng.standard_normal(shape)).astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of five images with a pixel size."""
    folder = tmp_path / "plate"
    folder.mkdir()
    for number in range(1, 6):
        write_image(folder / f"cell {number}.tif", nuclei(seed=number + 1), pixel_size_um={"Y": 0.5, "X": 0.25})
    return folder


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any, segmenter: str) -> napari.Viewer:
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer: napari.Viewer, segmenter: str, oracle: Any, qtbot: Any) -> Iterator[SeriesPanel]:
    """A panel in its dock, with a model that finds the objects; whatever it began has ended when the test ends."""
    panel = SeriesPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Series")
    assert panel.recipe.model.choose(segmenter)
    panel.recipe.diameter.automatic.setChecked(False)
    panel.recipe.diameter.pixels.setValue(24)
    panel.browser.recipe = panel.recipe.recipe
    panel.recipe.stop()
    yield panel
    panel.shut()
    browser = panel.browser
    qtbot.waitUntil(lambda: browser.preparation.segmenter.idle and browser.thumbnails.idle, timeout=LONG)
    qtbot.waitUntil(lambda: not browser.reading, timeout=LONG)


@pytest.fixture
def shown(panel: SeriesPanel, qtbot: Any) -> None:
    """Show the window of the panel, so that it can get keys; nothing of it is held afterwards."""
    panel.window().show()
    panel.window().activateWindow()
    qtbot.waitUntil(lambda: panel.isVisible() and panel.isActiveWindow(), timeout=LONG)


@pytest.fixture
def opened(panel: SeriesPanel, qtbot: Any) -> Callable[..., None]:
    """Open a folder, or wait for the image of a name, until its labels are there."""

    def wait(name: str = "", folder: Path | None = None) -> None:
        if folder is not None:
            panel.open_folder(folder)
        browser = panel.browser
        qtbot.waitUntil(
            lambda: browser.can_finish and not browser.reading and name in ("", browser.current), timeout=LONG
        )

    return wait
