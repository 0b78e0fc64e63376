"""Commands in napari's layer menus and its command palette."""

from __future__ import annotations

from napari.utils.notifications import show_info
from napari.viewer import Viewer

from .layers import recall
from .modes import SuperresolveModes
from .panel import Panel
from .settings import PLUGIN

_TITLES = {
    "denoise": "Denoise",
    "superresolve": "Super-resolve",
    "isotropic": "Super-resolve",
    "repair": "Super-resolve",
    "segment": "Segment",
    "synthesize": "Synthesise",
}


def open_panel(viewer: Viewer, task: str) -> Panel:
    """Open the panel for a task, or bring the one that is open to the front."""
    dock, panel = viewer.window.add_plugin_dock_widget(PLUGIN, _TITLES[task])
    dock.show()
    dock.raise_()
    if isinstance(panel, SuperresolveModes):
        return panel.choose(task)
    assert isinstance(panel, Panel)
    return panel


def denoise_layer(viewer: Viewer) -> None:
    """Open the Denoise panel with the selected image."""
    _open_with_selected(viewer, "denoise")


def superresolve_layer(viewer: Viewer) -> None:
    """Open the Super-resolve panel with the selected image, to make pixels finer."""
    _open_with_selected(viewer, "superresolve")


def isotropic_layer(viewer: Viewer) -> None:
    """Open the Super-resolve panel with the selected stack, to draw what lies between slices."""
    _open_with_selected(viewer, "isotropic")


def repair_layer(viewer: Viewer) -> None:
    """Open the Super-resolve panel with the selected image, to repair it."""
    _open_with_selected(viewer, "repair")


def segment_layer(viewer: Viewer) -> None:
    """Open the Segment panel with the selected image."""
    _open_with_selected(viewer, "segment")


def synthesize_layer(viewer: Viewer) -> None:
    """Open the Synthesise panel with the selected mask."""
    _open_with_selected(viewer, "synthesize")


def _open_with_selected(viewer: Viewer, task: str) -> None:
    panel = open_panel(viewer, task)
    layer = viewer.layers.selection.active
    if isinstance(layer, panel.image.kind):
        panel.image.choose(layer)


def make_again(viewer: Viewer) -> None:
    """Open the panel that made the selected layer, with the settings that it had."""
    layer = viewer.layers.selection.active
    memory = recall(layer) if layer is not None else None
    if memory is None:
        show_info("This layer was not made by napari-microdiff. Select a result layer.")
        return
    panel = open_panel(viewer, memory["request"].task)
    source = memory["source"]
    if source in viewer.layers and isinstance(viewer.layers[source], panel.image.kind):
        panel.image.choose(viewer.layers[source])
    panel.set_request(memory["request"])
    panel.choose_beside(memory)
