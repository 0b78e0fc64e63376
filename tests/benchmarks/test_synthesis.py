"""The parts of the benchmarks of synthesis that can be held against known answers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tifffile
from skimage.draw import disk

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not part of this copy")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def outlined(load: Callable[[str], ModuleType], seed: int = 0) -> Any:
    """Bright discs on dark, with their labels."""
    labels = np.zeros((80, 96), np.int32)
    for number, middle in enumerate([(20, 20), (50, 30), (40, 70)], start=1):
        labels[disk(middle, 9, shape=labels.shape)] = number
    image = np.where(labels > 0, 150, 20) + np.random.default_rng(seed).normal(0, 4, labels.shape)
    return load("outlined").Outlined("discs", "bright", image.clip(0, 255).astype(np.uint8), labels)


def test_sets_of_one_distribution_are_at_no_distance_and_others_are(load: Callable[[str], ModuleType]) -> None:
    distance = load("deep_features").kernel_distance
    rng = np.random.default_rng(0)
    same = [distance(rng.normal(size=(60, 4)), rng.normal(size=(60, 4))) for _ in range(40)]
    shifted = [distance(rng.normal(size=(60, 4)), rng.normal(1, 1, size=(60, 4))) for _ in range(40)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(len(same)) + 1e-3  # without bias
    assert np.mean(shifted) > 10 * np.std(same)


def test_simple_ways_show_the_objects_of_the_mask(load: Callable[[str], ModuleType]) -> None:
    simple = load("simple_synthesis")
    item, donors = outlined(load), [outlined(load, seed) for seed in (1, 2)]
    for image in (
        simple.by_rule(item, np.random.default_rng(0)),
        simple.pasted(item, donors, np.random.default_rng(0)),
    ):
        assert (image.shape, image.dtype) == (item.labels.shape, np.uint8)
        assert np.median(image[item.labels > 0]) == pytest.approx(150, abs=15)
        assert np.median(image[item.labels == 0]) == pytest.approx(20, abs=5)


def test_nothing_is_drawn_twice(
    load: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, item = load("drawn"), outlined(load)
    made = np.full(item.labels.shape, 7, np.uint8)
    tifffile.imwrite(tmp_path / "discs.tif", made)
    monkeypatch.setattr(drawn.napari_microdiff, "synthesize", None)
    (image,) = drawn.drawn_under([item], tmp_path, model="any")
    np.testing.assert_array_equal(image, made)


def test_what_was_held_out_of_a_training_is_apart_from_the_test_images(
    load: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    for part, count in (("train", 17), ("test", 2)):
        for kind in ("images", "labels"):
            folder = tmp_path / "dsb2018" / "fluo" / part / kind
            folder.mkdir(parents=True)
            for number in range(count):
                tifffile.imwrite(folder / f"{part}{number:02}.tif", np.full((8, 8), number % 2, np.uint8))
    names = load("outlined").load_outlined
    assert [item.name for item in names(tmp_path, "fluo")] == ["test00", "test01"]
    assert [item.name for item in names(tmp_path, "fluo", held_out=True)] == ["train07", "train15"]
    assert [item.name for item in names(tmp_path, "fluo", 1, held_out=True)] == ["train07"]


def test_a_share_is_every_so_many_of_the_images(load: Callable[[str], ModuleType], tmp_path: Path) -> None:
    gain = load("augmentation_gain")
    for part in ("images", "labels"):
        folder = tmp_path / gain.TRAIN / part
        folder.mkdir(parents=True)
        for number in range(40):
            (folder / f"{number:02}.tif").write_bytes(b"x")
    plan = gain.Plan(tmp_path, tmp_path / "work", "cpu", 1.0, 4, 10, 1)
    assert gain.take_share(plan, 25) == 10
    names = sorted(path.name for path in (plan.folder(25) / "real" / "images").iterdir())
    assert names == [f"{number:02}.tif" for number in range(0, 40, 4)]


def test_gains_are_means_over_seeds(load: Callable[[str], ModuleType]) -> None:
    gain = load("augmentation_gain")
    scores = {(False, 0): 0.5, (False, 1): 0.6, (True, 0): 0.58, (True, 1): 0.62}
    rows = [{"share": "10 %", "synthetic": s, "seed": n, gain.SCORE: v} for (s, n), v in scores.items()]
    (row,) = gain.summary(rows)
    assert row["images alone"] == pytest.approx(0.55)
    assert row["gain"] == pytest.approx(0.05)
    assert row["sd of the gain over seeds"] == pytest.approx(np.std([0.08, 0.02], ddof=1))
