"""What is said of structures that were pasted into results."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not part of this copy")


@pytest.fixture
def trust(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    before = set(sys.modules)
    yield importlib.import_module("trust")
    for name in set(sys.modules) - before:
        if (BENCHMARKS / f"{name}.py").is_file():
            sys.modules.pop(name)


def counted(kind, found, hidden, hidden_found, places):
    kinds = {"spots": found, "parts": 0, "lines": 0}
    return {
        "kind": kind,
        **kinds,
        **{f"{name} found": number for name, number in kinds.items()},
        "hidden in noise": hidden,
        "hidden found": hidden_found,
        "places told": places,
    }


def test_what_no_one_can_see_counts_among_all(trust):
    rows = [counted("clear", 4, 0, 0, 0), counted("noisy", 5, 5, 1, 0)]
    assert "100 % (clear), 60 % (noisy) are found" in trust.found_of_all(rows)


def test_what_is_warned_of_anyhow_is_not_found(trust):
    rows = [counted("noisy", 5, 5, 0, 0), counted("noisy", 0, 10, 10, 1)]
    assert "25 % (noisy)" in trust.found_of_all(rows)
