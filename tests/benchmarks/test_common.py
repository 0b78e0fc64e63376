"""The pure functions that the benchmarks share."""

from __future__ import annotations

import importlib
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import typer
from scipy import ndimage

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not part of this copy")


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield
    for name in ("common", "report", "profiling", "peers", "peers.groupnorm_unet"):
        sys.modules.pop(name, None)


@pytest.fixture
def common(benchmarks):
    return importlib.import_module("common")


@pytest.fixture
def report(benchmarks):
    return importlib.import_module("report")


@pytest.fixture
def truth():
    rng = np.random.default_rng(0)
    return 100 * ndimage.gaussian_filter(rng.standard_normal((64, 64)), 2)


def save_pair(folder, size=48):
    for kind in ("noisy", "clean"):
        path = folder / "gigadb_100888" / "test" / kind
        path.mkdir(parents=True)
        tifffile.imwrite(path / "a.tif", np.full((size, size), len(kind), dtype=np.uint8))


def test_real_pairs_are_found_with_their_model(common, tmp_path):
    save_pair(tmp_path)
    (pair,), what = common.load_pairs(tmp_path)
    assert what == "real test pairs"
    assert (pair.name, pair.model) == ("gigadb_100888/a", "denoise-fluorescence")
    assert pair.noisy.shape == pair.clean.shape == (48, 48)
    assert pair.crop(16).noisy.shape == (16, 16)
    assert pair.crop(None) is pair


def test_a_named_folder_without_pairs_is_refused(common, tmp_path):
    with pytest.raises(typer.BadParameter, match="neither"):
        common.load_pairs(tmp_path)


def test_without_pairs_they_are_simulated_and_this_is_said(common, tmp_path, monkeypatch):
    monkeypatch.setattr(common, "DATA", tmp_path)
    pairs, what = common.load_pairs(None)
    assert "SIMULATED" in what
    assert {pair.model for pair in pairs} == {"denoise-fluorescence", "denoise-em"}
    for pair in pairs:
        assert pair.noisy.shape == pair.clean.shape == (512, 512)
        assert np.corrcoef(pair.noisy.ravel(), pair.clean.ravel())[0, 1] > 0.3


def test_the_truth_has_the_best_figures(common, truth):
    found = common.measures(truth, 3 * truth - 7)
    assert found["PSNR dB"] > 200
    assert found["SSIM"] == pytest.approx(1)
    assert found["HF energy"] == pytest.approx(1)
    assert found["resolution px"] == pytest.approx(2)


def test_best_gaussian_is_better_than_any_of_a_coarse_grid(common, truth):
    noisy = truth + truth.std() * np.random.default_rng(1).standard_normal(truth.shape)
    sigma, image = common.best_gaussian(truth, noisy)
    np.testing.assert_array_equal(image, ndimage.gaussian_filter(noisy, sigma))
    best = common.quality.psnr(truth, image)
    assert all(
        best >= common.quality.psnr(truth, ndimage.gaussian_filter(noisy, s)) - 0.02 for s in (0.5, 1, 1.5, 2, 3)
    )


def test_best_of_chooses_with_the_truth(common, truth):
    setting, image = common.best_of(truth, {1.0: truth[::-1], 2.0: truth, 3.0: truth.T})
    assert setting == 2.0
    assert image is truth


def test_timed_warms_up_and_takes_the_median(common, monkeypatch):
    ticks = iter([0, 5, 10, 11, 20, 22])
    monkeypatch.setattr(common.time, "perf_counter", lambda: next(ticks))
    calls = []
    found = common.timed(lambda: calls.append(None), repeats=3, warm_up=2)
    assert (found.median, found.shortest, found.repeats, len(calls)) == (2, 1, 3, 5)


def test_a_peer_that_is_not_installed_gives_none(common, truth, tmp_path):
    assert common.run_peer(tmp_path / "python", "run_bm3d.py", truth) is None


def test_a_peer_that_fails_says_why(common, truth):
    with pytest.raises(RuntimeError, match=r"run_bm3d\.py failed:(.|\n)*Error"):
        common.run_peer(Path(sys.executable), "run_bm3d.py", truth, "no number")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "NO"),
        (3, "3"),
        ("a", "a"),
        (0.0, "0"),
        (math.inf, "inf"),
        (28.5678, "28.57"),
        (12345.6, "12346"),
        (-0.00012, "-1.2e-04"),
    ],
)
def test_shown(report, value, text):
    assert report.shown(value) == text


def test_plain_values_go_into_json(report):
    given = {"a": np.float32(0.1), 2: [np.arange(2), math.nan], "c": (True, None, 1 / 3)}
    assert report.plain(given) == {"a": 0.1, "2": [[0, 1], None], "c": [True, None, 0.333333]}


def test_mean_rows(report):
    rows = [{"m": "x", "v": 1.0, "how": "a"}, {"m": "y", "v": 5.0, "how": "b"}, {"m": "x", "v": 3.0, "how": "c"}]
    assert report.mean_rows(rows, "m") == [{"m": "x", "v": 2.0}, {"m": "y", "v": 5.0}]


def test_a_report_is_saved_with_its_claims(report, tmp_path):
    made = report.Report("name", {"side": 4})
    made.table("title", [{"method": "a", "x": 1.0}, {"method": "b"}])
    made.claim("faster", 12.0, least=10)
    made.claim("equal", 0.5, most=0.1)
    made.claim("known", math.nan, most=1)
    made.note("said once")
    made.note("said once")
    made.save(tmp_path / "out" / "a.json", quick=True)
    saved = json.loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8"))
    assert saved["benchmark"] == "name"
    assert saved["quick"] is True
    assert [claim["met"] for claim in saved["claims"]] == [True, False, False]
    assert saved["tables"] == {"title": [{"method": "a", "x": 1.0}, {"method": "b"}]}
    assert saved["notes"] == ["said once"]
    assert {"cpu", "cores", "torch"} <= set(saved["machine"])


def test_a_quick_run_leaves_the_results_alone(report, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    report.Report("name", {}).save(None, quick=True)
    assert not list(tmp_path.iterdir())
    report.Report("name", {}).save(None, quick=False)
    assert [path.name for path in tmp_path.iterdir()] == ["name.json"]


def test_the_groupnorm_peer_has_the_size_that_is_asked_for(benchmarks):
    import torch

    peer = importlib.import_module("peers.groupnorm_unet")
    network = peer.of_size(500_000)
    assert abs(peer.count(network) / 500_000 - 1) < 0.3
    for precision in (torch.float32, torch.bfloat16):
        drawn = peer.sample(network, torch.zeros(1, 1, 16, 24), 2, precision)
        assert drawn.shape == (1, 1, 16, 24)
        assert drawn.dtype == torch.float32
        assert torch.isfinite(drawn).all()


def test_the_profile_is_put_into_words(benchmarks):
    profiling = importlib.import_module("profiling")
    assert profiling.kind_of("aten::mkldnn_convolution") == "convolution"
    assert profiling.kind_of("aten::silu") == "activation and arithmetic"
    assert profiling.kind_of("aten::upsample_nearest2d") == "resizing"
    assert profiling.kind_of("aten::mystery") == "other"
    kinds = {"convolution": 0.8, "resizing": 0.15, "other": 0.05}
    rows = [
        {"convolution": "fast", "ms": 6.0, "% of product": 90.0},
        {"convolution": "slow", "ms": 4.0, "% of product": 10.0},
    ]
    text = profiling.explanation(kinds, rows)
    assert "Convolutions take 80 % of the time, at 58 %" in text
    assert "34 % of the time is lost within them and 20 % is spent outside" in text
    assert text.endswith("The next thing to gain: the convolutions of slow.")
