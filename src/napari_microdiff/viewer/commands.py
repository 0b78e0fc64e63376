"""Commands in napari's layer menus and its command palette."""

from __future__ import annotations

from napari.layers import Image
from napari.utils.notifications import show_info
from napari.viewer import Viewer

from .denoise import DenoisePanel
from .layers import recall
from .settings import PLUGIN


def _open_panel(viewer: Viewer) -> DenoisePanel:
    dock, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Denoise")
    dock.show()
    dock.raise_()
    assert isinstance(panel, DenoisePanel)
    return panel


def denoise_layer(viewer: Viewer) -> None:
    """Open the Denoise panel with the selected image."""
    panel = _open_panel(viewer)
    layer = viewer.layers.selection.active
    if isinstance(layer, Image):
        panel.image.choose(layer)


def denoise_again(viewer: Viewer) -> None:
    """Open the Denoise panel with the settings that made the selected layer."""
    layer = viewer.layers.selection.active
    memory = recall(layer) if layer is not None else None
    if memory is None:
        show_info("This layer was not made by napari-microdiff. Select a result layer.")
        return
    panel = _open_panel(viewer)
    source = memory["source"]
    if source in viewer.layers and isinstance(viewer.layers[source], Image):
        panel.image.choose(viewer.layers[source])
    panel.set_request(memory["request"])
