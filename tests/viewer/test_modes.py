"""Finer pixels, isotropic z and repair are modes of one panel, clicked as a user would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.viewer import Viewer
from npe2 import PluginManifest
from qtpy.QtCore import Qt

import napari_microdiff
from napari_microdiff.engine.options import IsotropicOptions, RepairOptions, SuperresolveOptions
from napari_microdiff.engine.request import Request
from napari_microdiff.viewer import settings
from napari_microdiff.viewer.isotropic import IsotropicPanel
from napari_microdiff.viewer.layers import LayerSource
from napari_microdiff.viewer.modes import SuperresolveModes
from napari_microdiff.viewer.repair import RepairPanel
from napari_microdiff.viewer.superresolve import SuperresolvePanel

from .conftest import add_results, result_of

KINDS = {"superresolve": SuperresolvePanel, "isotropic": IsotropicPanel, "repair": RepairPanel}


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any, npe2pm: Any, sharpener: str, slicer: str) -> Viewer:
    npe2pm.register(PluginManifest.from_file(Path(napari_microdiff.__file__).with_name("napari.yaml")))
    return make_napari_viewer_proxy()


@pytest.fixture
def modes(viewer: Viewer) -> SuperresolveModes:
    viewer.add_image(np.random.default_rng(0).random((48, 48)).astype(np.float32), name="other")
    viewer.add_image(np.random.default_rng(1).random((48, 48)).astype(np.float32), name="cell")
    _, panel = viewer.window.add_plugin_dock_widget(settings.PLUGIN, "Super-resolve")
    return panel


def click(qtbot: Any, modes: SuperresolveModes, word: str) -> None:
    number = [modes.bar.tabText(n) for n in range(modes.bar.count())].index(word)
    qtbot.mouseClick(modes.bar, Qt.MouseButton.LeftButton, pos=modes.bar.tabRect(number).center())


def test_a_click_brings_each_mode_with_the_image_that_was_chosen(modes: SuperresolveModes, qtbot: Any) -> None:
    assert type(modes.panel) is SuperresolvePanel
    modes.panel.image.choose(modes.viewer.layers["other"])
    for word, kind in (("Isotropic z", IsotropicPanel), ("Repair", RepairPanel), ("Finer pixels", SuperresolvePanel)):
        click(qtbot, modes, word)
        assert type(modes.panel) is kind
        assert not modes.panel.isHidden()
        assert modes.panel.image.layer.name == "other"


def test_a_mode_is_built_once_when_it_is_first_chosen(modes: SuperresolveModes, qtbot: Any) -> None:
    assert modes.findChildren(IsotropicPanel) == []
    click(qtbot, modes, "Isotropic z")
    built = modes.panel
    built.factor.setValue(7)
    click(qtbot, modes, "Finer pixels")
    click(qtbot, modes, "Isotropic z")
    assert modes.panel is built
    assert built.factor.value() == 7


def test_a_job_goes_on_while_another_mode_is_looked_at(modes: SuperresolveModes, qtbot: Any) -> None:
    panel = modes.panel
    assert panel.model.choose("superres-tiny")
    panel.more.device = "cpu"
    before = len(modes.viewer.layers)
    with qtbot.waitSignal(panel.runner.changed):
        qtbot.mouseClick(panel.run_bar.run, Qt.MouseButton.LeftButton)
    click(qtbot, modes, "Repair")
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=60_000)
    assert len(modes.viewer.layers) > before
    assert panel.runner.last.result is not None


@pytest.mark.parametrize("task", KINDS)
def test_the_layer_menu_opens_the_mode_with_the_selected_image(
    modes: SuperresolveModes, viewer: Viewer, task: str
) -> None:
    from app_model import Application

    viewer.layers.selection.active = viewer.layers["other"]
    Application.get_app("test_app").commands.execute_command(f"napari-microdiff.{task}_layer").result()
    assert type(modes.panel) is KINDS[task]
    assert modes.panel.image.layer.name == "other"


@pytest.mark.parametrize(
    "options", [SuperresolveOptions(factor=4), IsotropicOptions(factor=3), RepairOptions()], ids=KINDS
)
def test_a_result_brings_its_mode_and_settings_back(modes: SuperresolveModes, viewer: Viewer, options: Any) -> None:
    from app_model import Application

    task = {SuperresolveOptions: "superresolve", IsotropicOptions: "isotropic", RepairOptions: "repair"}[type(options)]
    stack = viewer.add_image(np.zeros((4, 16, 16), np.float32), name="stack", axis_labels=("z", "y", "x"))
    source = LayerSource.of(stack)
    request = Request(task=task, axes="ZYX", steps=6, outputs=("sample",), options=options)
    shape = [b - a for a, b in request.finer.region(tuple((0, n) for n in stack.data.shape), "ZYX")]
    made = result_of(np.zeros(shape, np.float32), request)
    add_results(viewer, source, made)
    Application.get_app("test_app").commands.execute_command("napari-microdiff.again").result()
    assert type(modes.panel) is KINDS[task]
    assert modes.panel.image.layer.name == "stack"
    assert modes.panel.more.steps == 6
    if task == "isotropic":
        assert modes.panel.factor.value() == 3
