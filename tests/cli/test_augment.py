"""``napari-microdiff augment`` with a real, tiny, untrained network: sets of pairs that can be gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from skimage.draw import disk

from napari_microdiff.cli import main
from napari_microdiff.files import read_image

FAST = (
    "--model",
    "synth-tiny",
    "--device",
    "cpu",
    "--precision",
    "float32",
    "--steps",
    1,
    "--segmenter",
    "segment-tiny",
)


def mask(*middles: tuple[int, int]) -> np.ndarray:
    labels = np.zeros((48, 64), np.uint16)
    for number, middle in enumerate(middles, start=1):
        labels[disk(middle, 7, shape=labels.shape)] = number
    return labels


MASKS = {"a.tif": mask((14, 14), (30, 45)), "b.tif": mask((20, 20), (34, 30), (20, 50))}


def table(path: str, *classes: object) -> None:
    """Write the classes of objects 1, 2 and so on."""
    rows = [f"{label},{name}" for label, name in enumerate(classes, start=1)]
    Path(path).write_text("\n".join(["label,class", *rows]) + "\n")


@pytest.fixture(autouse=True)
def folder(painter: str, segmenter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with masks and an image."""
    monkeypatch.chdir(tmp_path)
    Path("masks").mkdir()
    for name, labels in MASKS.items():
        tifffile.imwrite(f"masks/{name}", labels, imagej=True, resolution=(4, 4), metadata={"axes": "YX", "unit": "um"})
    tifffile.imwrite("style.tif", np.random.default_rng(0).poisson(300, (96, 112)).astype(np.uint16))
    return tmp_path


def code_of(*words: object) -> Any:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


def lines(folder: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(folder, "manifest.jsonl").read_text().splitlines()][1:]


def test_pairs_of_given_masks_are_written_for_another_program(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--format", "stardist", "--layouts", "given", "--style", "style.tif", "--agreement", 0)
    assert code_of("augment", "masks", "set", "--count", 3, *words, *FAST) == 0
    assert "holds 3 pairs, 3 of them new; 0 were rejected" in capsys.readouterr().err
    made = [read_image(f"set/masks/0000{n}.tif") for n in (1, 2, 3)]
    for picture, name in zip(made, ("a.tif", "b.tif", "a.tif"), strict=True):
        np.testing.assert_array_equal(picture.array, MASKS[name])
        assert picture.pixel_size_um == {"Y": 0.25, "X": 0.25}
    assert read_image("set/images/00001.tif").dtype == np.uint16
    first = lines("set")[0]
    assert first["synthetic"] is first["report"]["synthetic"] is True
    assert (first["parents"], first["style"]) == (["a.tif"], "style.tif")


def test_an_interrupted_set_goes_on_and_is_as_if_it_had_not_been_interrupted() -> None:
    words = ("--size", 40, 56, "--agreement", 0, *FAST)
    assert code_of("augment", "masks", "whole", "--count", 3, *words) == 0
    assert code_of("augment", "masks", "parts", "--count", 1, *words) == 0
    assert code_of("augment", "masks", "parts", "--count", 3, *words) == 0
    for part in ("images", "labels"):
        for n in (1, 2, 3):
            one, other = (read_image(f"{name}/{part}/0000{n}.ome.tif").array for name in ("whole", "parts"))
            assert one.shape == (40, 56)
            np.testing.assert_array_equal(one, other)
    assert Path("parts/recipe.yaml").exists()


def test_a_complete_set_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("augment", "masks", "set", "--count", 1, "--agreement", 0, *FAST) == 0
    before = Path("set/images/00001.ome.tif").read_bytes()
    assert code_of("augment", "masks", "set", "--count", 1, "--agreement", 0, *FAST) == 0
    assert Path("set/images/00001.ome.tif").read_bytes() == before
    assert "0 of them new" in capsys.readouterr().err


def test_images_in_which_the_mask_does_not_come_back_are_not_in_the_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("augment", "masks", "set", "--count", 1, "--layouts", "given", "--agreement", 1, *FAST) == 2
    error = capsys.readouterr().err
    assert "Of 20 images that were drawn 20 were rejected" in error
    assert "do not come back" in error
    assert not list(Path("set/images").iterdir())
    assert all(line["reasons"] and line["scores"]["mask"] < 1 for line in lines("set"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("masks", "set", "--model", "tiny"), "is for 'denoise'"),
        (("masks", "set", "--segmenter", "tiny"), "is for 'denoise'"),
        (("masks", "set", "--segmenter", "nope", "--agreement", "0"), "There is no model called 'nope'"),
        (("nowhere", "set"), "nowhere"),
        (("empty", "set"), "no images"),
        (("masks", "masks"), "not empty"),
        (("style.tif", "set", "--style", "nowhere.tif"), "nowhere.tif"),
        (("masks", "set", "--format", "other"), "other"),
        (("masks", "set", "--size", -5, 10, "--agreement", 0), "cannot hold objects"),
    ],
)
def test_what_cannot_be_made_is_said(
    words: tuple[object, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    assert code_of("augment", *words[:2], "--count", 1, *FAST, *words[2:]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not Path("set").exists()
    assert not Path("set").exists()


def test_classes_come_from_tables_of_the_same_names(make_painter: Callable[..., str]) -> None:
    model = make_painter("two-kinds", classes=2)
    wishes = ("--count", 2, *FAST, "--model", model, "--layouts", "given", "--agreement", 0)
    Path("tables").mkdir()
    table("tables/a.csv", "resting", "dividing")
    table("tables/b.csv", "dividing", "resting", 2)
    assert code_of("augment", "masks", "set", *wishes, "--classes", "tables") == 0
    lines = [json.loads(line) for line in Path("set/manifest.jsonl").read_text().splitlines()]
    kinds = [line["request"]["options"]["kinds"] for line in lines[1:]]
    assert kinds == [[[1, 1], [2, 2]], [[1, 2], [2, 1], [3, 2]]]
    table("tables/b.csv", "resting", "resting", "resting")
    assert code_of("augment", "masks", "set", *wishes, "--classes", "tables") == 2


def test_tables_that_do_not_fit_are_said(make_painter: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    model = make_painter("two-kinds", classes=2)
    wishes = ("--count", 1, *FAST, "--model", model, "--classes")
    table("a.csv", "resting", "sleeping")
    assert code_of("augment", "masks", "set", *wishes, "a.csv") == 2
    assert "one table, but there are 2 masks" in capsys.readouterr().err
    assert code_of("augment", "masks/a.tif", "set", *wishes, "a.csv") == 2
    assert "class 'sleeping'" in capsys.readouterr().err
    assert not Path("set").exists()
