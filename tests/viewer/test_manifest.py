from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.viewer import Viewer
from npe2 import PluginManifest

import napari_microdiff
from napari_microdiff.engine.request import Request
from napari_microdiff.viewer import settings
from napari_microdiff.viewer.denoise import DenoisePanel
from napari_microdiff.viewer.layers import LayerSource

from .conftest import add_results, result_of

MANIFEST = PluginManifest.from_file(Path(napari_microdiff.__file__).with_name("napari.yaml"))


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any, npe2pm: Any) -> Viewer:
    npe2pm.register(MANIFEST)
    return make_napari_viewer_proxy()


@pytest.mark.parametrize("command", MANIFEST.contributions.commands, ids=lambda command: command.id)
def test_every_command_exists(command: Any) -> None:
    module, name = command.python_name.split(":")
    assert callable(getattr(import_module(module), name))


def test_the_manifest_is_filed_under_one_name() -> None:
    assert MANIFEST.name == MANIFEST.display_name == settings.PLUGIN


def test_samples_open_from_the_menu(viewer: Viewer) -> None:
    for sample in MANIFEST.contributions.sample_data:
        viewer.open_sample(settings.PLUGIN, sample.key)
    assert len(viewer.layers) == 2 * len(MANIFEST.contributions.sample_data)


def test_the_panel_opens_as_a_dock(viewer: Viewer) -> None:
    _, panel = viewer.window.add_plugin_dock_widget(settings.PLUGIN, "Denoise")
    assert isinstance(panel, DenoisePanel)


def test_the_layer_menu_opens_the_panel_with_the_selected_image(viewer: Viewer) -> None:
    from app_model import Application

    viewer.open_sample(settings.PLUGIN, "simulated_filaments")
    viewer.open_sample(settings.PLUGIN, "noisy_cell")
    viewer.layers.selection.active = viewer.layers["filaments"]
    execute = Application.get_app("test_app").commands.execute_command
    execute("napari-microdiff.denoise_layer").result()
    _, panel = viewer.window.add_plugin_dock_widget(settings.PLUGIN, "Denoise")
    assert panel.image.layer.name == "filaments"
    viewer.layers.selection.active = viewer.layers["cell"]
    execute("napari-microdiff.denoise_layer").result()
    assert panel.image.layer.name == "cell"  # the panel that was open


def test_the_menu_of_a_mask_opens_the_synthesise_panel_with_it(viewer: Viewer) -> None:
    from app_model import Application

    for name in ("cells", "others"):
        viewer.add_labels(np.eye(16, dtype=int), name=name)
    viewer.layers.selection.active = viewer.layers["cells"]
    Application.get_app("test_app").commands.execute_command("napari-microdiff.synthesize_layer").result()
    _, panel = viewer.window.add_plugin_dock_widget(settings.PLUGIN, "Synthesise")
    assert panel.image.layer.name == "cells"


def test_a_result_layer_brings_its_settings_back(viewer: Viewer, notes: Any) -> None:
    from app_model import Application

    execute = Application.get_app("test_app").commands.execute_command
    viewer.open_sample(settings.PLUGIN, "noisy_cell")
    cell = next(layer for layer in viewer.layers if layer.name == "cell")
    source = LayerSource.of(cell)
    request = Request(axes="YX", steps=8, samples=3, seed=5, outputs=("sample",), sampler="heun")
    add_results(viewer, source, result_of(source.array, request))
    execute("napari-microdiff.again").result()
    _, panel = viewer.window.add_plugin_dock_widget(settings.PLUGIN, "Denoise")
    assert panel.image.layer is cell
    assert panel.ticks.ticked == ("sample",)
    fields = panel.more.fields()
    assert (fields["steps"], fields["samples"], fields["seed"], fields["sampler"]) == (8, 3, 5, "heun")
    assert panel.detail.position == 2
    viewer.layers.selection.active = cell
    execute("napari-microdiff.again").result()
    assert "was not made by napari-microdiff" in notes()[-1]
