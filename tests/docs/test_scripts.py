"""The scripts that make the pictures of the documentation find all that they use."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SCRIPTS = sorted(path.stem for path in DOCS.glob("make_*.py"))


@pytest.mark.skipif(not SCRIPTS, reason="the documentation is not part of this copy")
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_loaded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)
    assert callable(importlib.import_module(name).main)
