"""An old napari is told by its version, not by what it lacks."""

from __future__ import annotations

import re
from pathlib import Path

import napari
import pytest

from napari_microdiff.errors import VersionError
from napari_microdiff.viewer.oldest import OLDEST, check_napari


@pytest.mark.parametrize("version", ["0.6.6", "0.5.0rc1"])
def test_an_old_napari_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(napari, "__version__", version)
    with pytest.raises(VersionError, match=rf"napari {version} is too old .* needs 0\.7 or later"):
        check_napari()


@pytest.mark.parametrize("version", ["0.7.0", "0.10rc1", "1.0.0", "0.9.3.dev7+gabc", "not-installed"])
def test_a_newer_one_is_not(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(napari, "__version__", version)
    check_napari()


def test_it_is_the_one_that_the_extras_ask_for() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.findall(r"napari\[\w+\]>=(\d+)\.(\d+)", text)
    assert wanted
    assert {tuple(map(int, one)) for one in wanted} == {OLDEST}
