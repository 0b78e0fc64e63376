"""``napari-microdiff repair`` with a tiny, untrained network: what matters here is what becomes of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml
from skimage.draw import disk

import napari_microdiff
from napari_microdiff.cli import main
from napari_microdiff.files import read_image
from napari_microdiff.imaging.samples import filaments_and_blobs


@pytest.fixture(autouse=True)
def folder(tiny_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with an image and a mask of its dust."""
    monkeypatch.chdir(tmp_path)
    image = (filaments_and_blobs((64, 80), seed=1) * 100).astype(np.uint16)
    mask = np.zeros(image.shape, dtype=np.uint8)
    mask[disk((30, 30), 8)] = 255
    image[mask > 0] = 60_000
    tifffile.imwrite("in.tif", image, imagej=True, resolution=(5, 5), metadata={"axes": "YX", "unit": "um"})
    tifffile.imwrite("dust.tif", mask)
    return tmp_path


def code_of(*words: object) -> Any:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


FAST = ("--model", "tiny", "--device", "cpu")


def test_dust_is_drawn_over_and_all_else_kept() -> None:
    extra = ("--mean", "mean.tif", "--uncertainty", "sigma.tif", "--samples", 2, "--seed", 3)
    assert code_of("repair", "in.tif", "dust.tif", "out.tif", *FAST, *extra) == 0
    image, mask, made = tifffile.imread("in.tif"), tifffile.imread("dust.tif") > 0, read_image("out.tif")
    assert (made.dtype, made.pixel_size_um) == (np.uint16, {"Y": 0.2, "X": 0.2})
    np.testing.assert_array_equal(made.array[~mask], image[~mask])
    assert (made.array[mask] < 30_000).all()
    fields = {"model": "tiny", "device": "cpu", "samples": 2, "seed": 3}
    expected = napari_microdiff.repair(image, mask, outputs=("sample", "mean", "uncertainty"), **fields)
    np.testing.assert_array_equal(made.array, np.clip(np.round(expected.sample), 0, 65535))
    assert (tifffile.imread("sigma.tif")[~mask] == 0).all()


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.float64])
def test_pixels_that_float32_does_not_hold_are_kept(dtype: type) -> None:
    image = (tifffile.imread("in.tif") * 1234.1 + 2e8).astype(dtype)
    tifffile.imwrite("large.tif", image)
    assert code_of("repair", "large.tif", "dust.tif", "out.tif", *FAST) == 0
    mask, made = tifffile.imread("dust.tif") > 0, read_image("out.tif")
    assert made.dtype == dtype
    np.testing.assert_array_equal(made.array[~mask], image[~mask])


def test_what_was_done_can_be_done_again() -> None:
    job = {
        "task": "repair",
        "model": "tiny",
        "device": "cpu",
        "input": "in.tif",
        "damaged": "dust.tif",
        "output": "again.tif",
    }
    Path("job.yaml").write_text(yaml.safe_dump(job), encoding="utf-8")
    assert code_of("run", "job.yaml") == 0
    assert code_of("repair", "in.tif", "dust.tif", "out.tif", *FAST) == 0
    np.testing.assert_array_equal(tifffile.imread("again.tif"), tifffile.imread("out.tif"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("in.tif", "none.tif", "out.tif"), "none.tif"),
        (("in.tif", "small.tif", "out.tif"), "lies on the image pixel by pixel"),
        (("in.tif", "empty.tif", "out.tif"), "zero everywhere"),
        (("in.tif", "dust.tif", "dust.tif", "--overwrite"), "is the input itself"),
        (("in.tif", "dust.tif", "out.tif", "--start", 0), "start"),
        (("in.tif", "dust.tif", "out.tif", "--model", "segment-nuclei"), "is for 'segment'"),
    ],
)
def test_what_cannot_be_is_one_line_and_no_file(
    words: tuple[object, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite("small.tif", np.zeros((5, 5), np.uint8))
    tifffile.imwrite("empty.tif", np.zeros((64, 80), np.uint8))
    before = Path("dust.tif").read_bytes()
    assert code_of("repair", *FAST, *words) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert errors[-1].startswith("error: ")
    assert said in errors[-1]
    assert not Path("out.tif").exists()
    assert Path("dust.tif").read_bytes() == before


def test_what_is_drawn_can_be_left_without_noise() -> None:
    assert code_of("repair", "in.tif", "dust.tif", "noisy.tif", *FAST) == 0
    assert code_of("repair", "in.tif", "dust.tif", "clean.tif", *FAST, "--no-noise") == 0
    image, mask = tifffile.imread("in.tif"), tifffile.imread("dust.tif") > 0
    expected = napari_microdiff.repair(image, mask, model="tiny", device="cpu", noise=False)
    np.testing.assert_array_equal(read_image("clean.tif").array, np.round(expected.sample).clip(0))
