"""``napari-microdiff isotropic`` with a tiny, untrained network: what matters here is what becomes of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml

import napari_microdiff
from napari_microdiff.cli import main
from napari_microdiff.files import read_image

FAST = ("--model", "isotropic-tiny", "--device", "cpu", "--steps", 2)


@pytest.fixture(autouse=True)
def folder(slicer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with five slices 0.06 um apart, of 0.02 um pixels."""
    monkeypatch.chdir(tmp_path)
    stack = np.random.default_rng(0).integers(0, 60_000, (5, 32, 40)).astype(np.uint16)
    told = {"axes": "ZYX", "unit": "um", "spacing": 0.06}
    tifffile.imwrite("in.tif", stack, imagej=True, resolution=(50, 50), metadata=told)
    return tmp_path


def code_of(*words: object) -> Any:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


@pytest.mark.parametrize("name", ["out.tif", "out.ome.tif"])
def test_the_distance_of_slices_is_read_and_voxels_become_cubes(name: str) -> None:
    assert code_of("isotropic", "in.tif", name, *FAST, "--mean", "mean.tif", "--uncertainty", "sigma.tif") == 0
    made = read_image(name)
    assert (made.axes, made.dtype, made.shape) == ("ZYX", np.uint16, (13, 32, 40))
    assert made.pixel_size_um == pytest.approx({"Z": 0.02, "Y": 0.02, "X": 0.02})
    stack = tifffile.imread("in.tif")
    np.testing.assert_array_equal(made.array[::3], stack)
    expected = napari_microdiff.isotropic(
        stack, factor=3, model="isotropic-tiny", axes="ZYX", device="cpu", steps=2, outputs=("sample", "mean")
    )
    for array, path in ((expected.sample, name), (expected.mean, "mean.tif")):
        np.testing.assert_array_equal(read_image(path).array, np.clip(np.round(array), 0, 65535).astype(np.uint16))
    sigma = read_image("sigma.tif")
    assert (sigma.dtype, sigma.shape) == (np.float32, (13, 32, 40))


def test_slices_that_float32_does_not_hold_are_kept() -> None:
    stack = (tifffile.imread("in.tif") * np.uint32(12345) + np.uint32(1)).astype(np.uint32)
    tifffile.imwrite("large.tif", stack, metadata={"axes": "ZYX"})
    assert code_of("isotropic", "large.tif", "out.tif", *FAST, "--factor", 3) == 0
    np.testing.assert_array_equal(read_image("out.tif").array[::3], stack)


def test_the_distance_may_be_said() -> None:
    assert code_of("isotropic", "in.tif", "out.tif", *FAST, "--factor", 2) == 0
    assert read_image("out.tif").shape == (9, 32, 40)
    assert read_image("out.tif").pixel_size_um["Z"] == pytest.approx(0.03)


def test_how_much_of_it_the_slices_tell_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("isotropic", "in.tif", "out.tif", *FAST) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("note: Slices so far apart tell about")]
    assert said[-1].startswith("wrote out.tif")


@pytest.mark.parametrize(("resolution", "noted"), [((100, 33.3), True), ((50, 50.5), False)])
@pytest.mark.parametrize("words", [(), ("--factor", 3)])
def test_pixels_that_are_not_square_are_noted(
    words: tuple[object, ...], resolution: tuple[float, float], noted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"axes": "ZYX", "unit": "um", "spacing": 0.05}
    tifffile.imwrite("oblong.tif", tifffile.imread("in.tif"), imagej=True, resolution=resolution, metadata=told)
    assert code_of("isotropic", "oblong.tif", "out.tif", *FAST, *words) == 0
    assert ("note: The pixels of oblong.tif are not square" in capsys.readouterr().err) == noted


def test_a_request_file_does_the_same(folder: Path) -> None:
    request = {
        "task": "isotropic",
        "model": "isotropic-tiny",
        "device": "cpu",
        "steps": 2,
        "options": {"factor": 3},
        "input": "in.tif",
        "output": "again.tif",
    }
    (folder / "request.yaml").write_text(yaml.safe_dump(request))
    assert code_of("run", "request.yaml") == 0
    assert code_of("isotropic", "in.tif", "out.tif", *FAST) == 0
    np.testing.assert_array_equal(read_image("again.tif").array, read_image("out.tif").array)


def test_what_is_not_known_is_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = tifffile.imread("in.tif")
    tifffile.imwrite("plain.tif", stack)
    assert code_of("isotropic", "plain.tif", "out.tif", *FAST) == 2
    assert "--factor" in capsys.readouterr().err
    told = {"axes": "ZYX", "unit": "um", "spacing": 0.5}
    tifffile.imwrite("far.tif", stack, imagej=True, resolution=(50, 50), metadata=told)
    assert code_of("isotropic", "far.tif", "out.tif", *FAST) == 2
    assert "2 to 10 pixels apart" in capsys.readouterr().err
    tifffile.imwrite("flat.tif", stack[0])
    assert code_of("isotropic", "flat.tif", "out.tif", *FAST, "--factor", 3) == 2
    assert "one slice, and one slice is no stack" in capsys.readouterr().err
    tifffile.imwrite("one.tif", stack[:1], imagej=True, metadata={"axes": "ZYX"})
    assert code_of("isotropic", "one.tif", "out.tif", *FAST, "--factor", 3) == 2
    assert "one slice" in capsys.readouterr().err
    tifffile.imwrite("movie.tif", stack, imagej=True, metadata={"axes": "TYX"})
    assert code_of("isotropic", "movie.tif", "out.tif", *FAST, "--factor", 3) == 2
    assert "no axis of depth" in capsys.readouterr().err
    assert not (folder / "out.tif").exists()
