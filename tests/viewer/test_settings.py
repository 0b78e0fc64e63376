from __future__ import annotations

from pathlib import Path
from typing import Any

import napari.settings
import pytest
from npe2 import PluginManifest

import napari_microdiff
from napari_microdiff.viewer import settings
from napari_microdiff.viewer.settings import Preferences

MANIFEST = Path(napari_microdiff.__file__).with_name("napari.yaml")


@pytest.fixture
def stored(npe2pm: Any) -> Any:
    """napari's own settings of this plugin, in a folder of the test."""
    if not hasattr(napari.settings, "get_plugin_settings"):
        pytest.skip("napari keeps settings of plugins from 0.9")
    npe2pm.register(PluginManifest.from_file(MANIFEST))
    return napari.settings.get_plugin_settings(settings.PLUGIN)


def test_defaults_are_the_same_with_and_without_napari_knowing_the_plugin(stored: Any) -> None:
    assert settings.load() == Preferences()


def test_what_was_used_last_is_kept_in_naparis_settings(stored: Any) -> None:
    settings.remember(device="cpu", detail=2)
    assert settings.load() == Preferences(device="cpu", detail=2)
    assert "detail: 2" in stored.config_path.read_text()


def test_what_was_set_in_the_preferences_meanwhile_is_not_undone(stored: Any) -> None:
    began = settings.load()  # where a panel began
    stored.panels.device = "cpu"
    after = settings.remember_changes(began, device="auto", detail=3)  # of which only the detail was moved there
    assert settings.load() == Preferences(device="cpu", detail=3)
    stored.panels.detail = 1
    after = settings.remember_changes(after, device="auto", detail=3)
    assert settings.load() == Preferences(device="cpu", detail=1)
    settings.remember_changes(after, device="cuda", detail=3)
    assert settings.load() == Preferences(device="cuda", detail=1)


def test_without_the_plugin_nothing_is_kept() -> None:
    settings.remember(device="cpu", detail=2)
    assert settings.load() == Preferences()
