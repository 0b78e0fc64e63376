"""What the documentation says of the benchmarks is what they printed."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not part of this copy")

MACHINE = {"cpu": "Some CPU", "cores": 2}
CLAIMS = [
    {"claim": "faster", "value": 12.5, "least": 10.0, "most": None, "met": True},
    {"claim": "slope", "value": 1.5, "least": 0.8, "most": 1.25, "met": False},
    {"claim": "difference", "value": 2e-5, "least": None, "most": 1e-3, "met": True},
]


@pytest.fixture
def fill_docs(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(BENCHMARKS)
    module = importlib.import_module("fill_docs")
    yield module
    sys.modules.pop("fill_docs", None)


@pytest.fixture
def results(fill_docs, monkeypatch, tmp_path):
    monkeypatch.setattr(fill_docs, "RESULTS", tmp_path)
    rows = [{"method": "ours", "dB over Gaussian": 1.25, "PSNR dB": 30.0, "SSIM": 0.9, "resolution px": None, "x": 1}]
    quality = {"machine": MACHINE, "tables": {"mean over the images": rows}, "claims": [], "notes": ["On real pairs."]}
    (tmp_path / "denoise_quality.json").write_text(json.dumps(quality))
    speed = {"machine": {**MACHINE, "gpu": "Some GPU"}, "tables": {}, "claims": CLAIMS, "notes": []}
    (tmp_path / "denoise_speed.json").write_text(json.dumps(speed))
    return tmp_path


def test_the_documentation_shows_the_committed_results(fill_docs):
    for page in fill_docs.pages():
        text = page.read_text(encoding="utf-8")
        assert fill_docs.filled(text) == text, f"{page.name}: run python benchmarks/fill_docs.py"


def test_a_table_takes_the_place_of_its_mark(fill_docs, results):
    text = "before\n<!-- figures: denoise_quality -->\nafter\n"
    once = fill_docs.filled(text)
    assert "| ours | 1.25 | 30 | 0.9 |  |" in once
    assert "Some CPU, 2 cores. On real pairs.*" in once
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert fill_docs.filled(once) == once


def test_claims_say_what_was_wanted_and_whether_it_holds(fill_docs, results):
    made = fill_docs.filled("<!-- figures: denoise_speed -->\n")
    assert "| faster | 12.5 | at least 10 | yes |" in made
    assert "| slope | 1.5 | 0.8 to 1.25 | **no** |" in made
    assert "| difference | 2.0e-05 | at most 0.001 | yes |" in made
    assert "Some GPU" in made


def test_marks_next_to_each_other_keep_apart_and_old_results_go(fill_docs, results):
    text = "<!-- figures: unknown -->\n<!-- figures: denoise_speed -->\n<!-- figures: denoise_quality -->\nend\n"
    once = fill_docs.filled(text)
    assert once.count("<!-- figures:") == 3
    (results / "denoise_speed.json").unlink()
    later = fill_docs.filled(once)
    assert "slope" not in later
    assert "ours" in later
    assert later.endswith("end\n")


def test_a_result_of_a_variant_names_the_script_that_printed_it(fill_docs):
    assert fill_docs.script("gui_responsiveness_segment") == "gui_responsiveness"
    assert fill_docs.script("augmentation_gain_longer") == "augmentation_gain"
