"""Figures that stay from an earlier run."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not part of this copy")


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield importlib.import_module("report")
    sys.modules.pop("report", None)


def test_a_row_is_put_together_from_its_tables(report, tmp_path):
    made = report.Report("speed", {})
    made.table("a", [{"method": "ours", "x": 1.0}, {"method": "theirs", "x": 2.0, "how": "slowly"}])
    made.table("b", [{"method": "theirs", ".50": 0.5}])
    made.save(tmp_path / "speed.json", quick=False)
    found = report.earlier_row("speed", ["a", "b"], "theirs", tmp_path)
    assert found == {"method": "theirs", "x": 2.0, "how": "slowly", ".50": 0.5}
    assert report.earlier_row("speed", ["a", "b"], "ours", tmp_path) is None
    assert report.earlier_row("speed", ["c"], "theirs", tmp_path) is None
    assert report.earlier_row("quality", ["a"], "theirs", tmp_path) is None


def test_notes_of_an_earlier_run_are_found_by_how_they_begin(report, tmp_path):
    made = report.Report("speed", {})
    for note in ("theirs: trained for an hour", "ours: never"):
        made.note(note)
    made.save(tmp_path / "speed.json", quick=False)
    assert report.earlier_notes("speed", "theirs:", tmp_path) == ["theirs: trained for an hour"]
    assert report.earlier_notes("quality", "theirs:", tmp_path) == []
