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


def test_without_the_plugin_nothing_is_kept() -> None:
    settings.remember(device="cpu", detail=2)
    assert settings.load() == Preferences()
