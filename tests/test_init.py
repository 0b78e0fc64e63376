"""Importing the package is cheap, and its short names work."""

from __future__ import annotations

import importlib.metadata
import runpy
import subprocess
import sys
from typing import Any

import pytest

import napari_microdiff
from napari_microdiff.__main__ import main


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
    monkeypatch.delitem(sys.modules, "napari_microdiff.__main__")
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("napari_microdiff", run_name="__main__")
    assert stop.value.code == 0
    assert napari_microdiff.__version__ in capsys.readouterr().out


def test_an_interrupt_while_the_command_line_is_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "napari_microdiff.cli":
                raise KeyboardInterrupt

    for name in [name for name in sys.modules if name.startswith("napari_microdiff.cli")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 130
    assert capsys.readouterr().err == "cancelled\n"
