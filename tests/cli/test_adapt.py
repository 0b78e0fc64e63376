"""``napari-microdiff adapt`` with tiny networks: what becomes of an image file is a model in the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_microdiff.cli import main
from napari_microdiff.imaging.samples import filaments_and_blobs
from napari_microdiff.models.store import find_model, list_models

FAST = ("--steps", 2, "--device", "cpu")


@pytest.fixture(autouse=True)
def folder(tiny_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a noisy image."""
    monkeypatch.chdir(tmp_path)
    clean = 200 * filaments_and_blobs((136, 144), seed=5)
    noisy = clean + 20 * np.random.default_rng(0).standard_normal(clean.shape)
    tifffile.imwrite("noisy.tif", noisy.astype(np.float32))
    return tmp_path


def code_of(*words: object) -> Any:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


def test_a_noisy_image_makes_a_model_of_its_own(tiny_model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("adapt", "noisy.tif", "--model", tiny_model, "--name", "My actin", *FAST) == 0
    out, err = capsys.readouterr()
    card = find_model("my-actin").card
    assert (card.task, card.parent, card.training["adapted_steps"]) == ("denoise", tiny_model, 2)
    said = err.splitlines()
    assert out == ""
    assert said[0].startswith("note: Learning from")
    assert any("Whether adapting helped was not measured" in line for line in said)
    assert said[-1] == "the model is 'my-actin'; to use it: napari-microdiff denoise IN OUT --model my-actin"


def test_a_stack_is_learned_from_as_far_apart_as_its_file_says(slicer: str, capsys: pytest.CaptureFixture[str]) -> None:
    stack = np.random.default_rng(0).integers(0, 60_000, (2, 160, 168)).astype(np.uint16)
    told = {"axes": "ZYX", "unit": "um", "spacing": 0.06}
    tifffile.imwrite("stack.tif", stack, imagej=True, resolution=(50, 50), metadata=told)
    assert code_of("adapt", "stack.tif", "--model", slicer, *FAST) == 0
    assert "2 slices of 160 x 168 pixels" in capsys.readouterr().err
    assert find_model(f"{slicer}-adapted-1").card.parent == slicer
    tifffile.imwrite("plain.tif", stack, metadata={"axes": "ZYX"})
    assert code_of("adapt", "plain.tif", "--model", slicer, *FAST) == 2
    assert "--factor" in capsys.readouterr().err
    assert code_of("adapt", "plain.tif", "--model", slicer, "--factor", 4, *FAST) == 0
    assert capsys.readouterr().err.endswith(f"napari-microdiff isotropic IN OUT --model {slicer}-adapted-2\n")


def test_an_isotropic_stack_is_learned_from_along_all_axes(slicer: str, capsys: pytest.CaptureFixture[str]) -> None:
    tifffile.imwrite("cubes.tif", np.random.default_rng(0).integers(0, 255, (160, 160, 168)).astype(np.uint8))
    words = ("--model", slicer, "--isotropic", "--factor", 4, "--axes", "ZYX")
    assert code_of("adapt", "cubes.tif", *words, *FAST) == 0
    assert "Learning from 160 x 160 x 168 voxels, cut along all axes." in capsys.readouterr().err


@pytest.mark.usefixtures("segmenter", "slicer")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none.tif",), "none.tif"),
        (("noisy.tif", "--model", "nope"), "There is no model called 'nope'"),
        (("noisy.tif", "--model", "segment-tiny"), "models that denoise or fill in slices"),
        (("noisy.tif", "--model", "tiny", "--name", "tiny"), "There already is a model 'tiny'"),
        (("noisy.tif", "--model", "tiny", "--name", "n" * 300), "has 300 letters"),
        (("noisy.tif", "--model", "tiny", "--factor", 3), "--factor says nothing"),
        (("noisy.tif", "--model", "tiny", "--isotropic"), "--isotropic says nothing"),
        (("noisy.tif", "--model", "isotropic-tiny", "--isotropic"), "Give by --factor"),
        (("noisy.tif", "--model", "tiny", "--steps", 0), "--steps"),
        (("noisy.tif", "--model", "tiny", "--seed", -1), "seed must be at least 0"),
        (("noisy.tif", "--model", "isotropic-tiny", "--factor", 3), "one slice is no stack"),
        (("small.tif", "--model", "tiny"), "128"),
        (("noisy.tif", "--model", "tiny", "--device", "nosuch"), "device must be auto, cpu, cuda, cuda:N or mps"),
        (("noisy.tif", "--model", "tiny", "--device", "cuda:x"), "device must be auto, cpu, cuda, cuda:N or mps"),
        (("noisy.tif", "--model", "isotropic-tiny", "--factor", 3, "--device", "cuda:x"), "device must be auto, cpu"),
    ],
)
def test_what_cannot_be_is_one_line_and_no_model(
    words: tuple[object, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite("small.tif", tifffile.imread("noisy.tif")[:40, :40])
    before = [model.card.id for model in list_models()]
    assert code_of("adapt", "--device", "cpu", *words) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert errors[-1].startswith("error: ")
    assert said in errors[-1]
    assert [model.card.id for model in list_models()] == before
