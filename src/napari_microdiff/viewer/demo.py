"""Open napari with a noisy image and the Denoise panel, and run it: what ``make demo`` does."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication

from ..errors import FileError, MicrodiffError
from .denoise import DenoisePanel
from .samples import noisy_cell

SCREENSHOT, RESULT = "napari-microdiff.png", "cell-denoised.tif"
PATIENCE = 600  # seconds
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def main(screenshot: Path | None = None) -> list[Path]:
    """Show how an image is denoised.

    Parameters
    ----------
    screenshot : Path, optional
        A folder, which is made if need be. If given, the run is awaited, a picture of the window and the result are
        written there, the window is closed and the files are returned. If not, the window stays open until the user
        closes it.

    Raises
    ------
    MicrodiffError
        If there is no display, the run fails or does not end, or the files cannot be written.
    """
    _check_display()
    if screenshot is not None:
        _make_folder(Path(screenshot))
    viewer = napari.Viewer(title="napari-microdiff demo", show_welcome_screen=False)
    viewer.window.resize(1320, 720)
    for array, arguments, kind in noisy_cell():
        viewer.add_layer(napari.layers.Layer.create(array, arguments, kind))
    panel = DenoisePanel(viewer)
    viewer.window.add_dock_widget(panel, name="Denoise", area="right")
    panel.image.choose(viewer.layers["cell"])
    viewer.reset_view()
    if screenshot is None:
        panel.run_all()
        napari.run()
        return []
    try:
        return _to_the_end(viewer, panel, Path(screenshot))
    finally:
        viewer.close()


def _check_display() -> None:
    """Say what is missing; without a display Qt ends the process."""
    if sys.platform == "linux" and not any(map(os.environ.get, _DISPLAYS)):
        raise MicrodiffError(
            "There is no display to open a window on. Run it on a desktop, or on a virtual display: xvfb-run -a "
            "napari-microdiff demo --screenshot FOLDER."
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"The folder {folder} cannot be made: {os.strerror(error.errno or 0)}. Choose another."
        ) from None


def _to_the_end(viewer: napari.Viewer, panel: DenoisePanel, folder: Path) -> list[Path]:
    panel.run_all()
    _wait(lambda: panel.runner.job is None)
    if panel.runner.last is None:
        raise MicrodiffError(panel.results.line.text() or "The demo's run did not make a result. Run it again.")
    _wait(lambda: panel.looker.job is None, seconds=30)
    for _ in range(10):  # let napari draw
        QApplication.processEvents()
        time.sleep(0.02)
    viewer.screenshot(str(folder / SCREENSHOT), canvas_only=False, flash=False)
    saving = panel.actions.save(folder / RESULT)
    _wait(lambda: saving.over)
    if not (folder / RESULT).exists():
        raise FileError(panel.results.line.text())
    return [folder / SCREENSHOT, folder / RESULT]


def _wait(ready: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Run the event loop until ``ready``."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise MicrodiffError(f"The demo did not get ready within {seconds:.0f} s. Try it on a faster machine.")
        QApplication.processEvents()
        time.sleep(0.01)
