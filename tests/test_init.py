"""Importing the package is cheap, and its short names work."""

from __future__ import annotations

import importlib.metadata
import runpy
import subprocess
import sys

import pytest

import napari_microdiff


def test_import_is_light() -> None:
    code = (
        "import sys, napari_microdiff\n"
        "assert not {'torch', 'napari', 'qtpy', 'numpy'} & set(sys.modules)\n"
        "napari_microdiff.Request\n"
        "assert not {'torch', 'napari', 'qtpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)


def test_names() -> None:
    from napari_microdiff.engine.events import Result
    from napari_microdiff.engine.request import Request

    assert napari_microdiff.Request is Request
    assert napari_microdiff.Result is Result
    assert {"Request", "Result", "denoise", "run", "__version__"} <= set(dir(napari_microdiff))
    with pytest.raises(AttributeError, match="no attribute 'unheard_of'"):
        _ = napari_microdiff.unheard_of


def test_version() -> None:
    try:
        expected = importlib.metadata.version("napari-microdiff")
    except importlib.metadata.PackageNotFoundError:
        expected = "0+unknown"
    assert napari_microdiff.__version__ == expected


def test_module_runs_the_command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["napari-microdiff", "--version"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("napari_microdiff", run_name="__main__")
    assert stop.value.code == 0
    assert napari_microdiff.__version__ in capsys.readouterr().out
