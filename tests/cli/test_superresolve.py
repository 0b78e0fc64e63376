"""``napari-microdiff superresolve`` with a tiny, untrained network: what matters here is what becomes of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml

import napari_microdiff
from napari_microdiff.cli import main
from napari_microdiff.files import read_image, write_image
from napari_microdiff.imaging.optics import PointSpread
from napari_microdiff.imaging.point_spread import measure_psf
from napari_microdiff.imaging.samples import filaments_and_blobs

FAST = ("--model", "superres-tiny", "--device", "cpu")


@pytest.fixture(autouse=True)
def folder(sharpener: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with two channels of 0.2 um pixels."""
    monkeypatch.chdir(tmp_path)
    image = np.stack([filaments_and_blobs((48, 64), seed=n) for n in (1, 2)])
    image = (image / image.max() * 60_000).astype(np.uint16)
    tifffile.imwrite("in.tif", image, imagej=True, resolution=(5, 5), metadata={"axes": "CYX", "unit": "um"})
    return tmp_path


def code_of(*words: object) -> Any:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


@pytest.mark.parametrize("name", ["out.tif", "out.ome.tif"])
def test_pixels_are_finer_in_number_and_in_size(name: str) -> None:
    optics = ("--wavelength", 0.52, "--aperture", 0.8)
    assert code_of("superresolve", "in.tif", name, *FAST, "--factor", 4, *optics, "--uncertainty", "sigma.tif") == 0
    made = read_image(name)
    assert (made.axes, made.dtype, made.shape) == ("CYX", np.uint16, (2, 192, 256))
    assert made.pixel_size_um == pytest.approx({"Y": 0.05, "X": 0.05})
    sigma = read_image("sigma.tif")
    assert (sigma.dtype, sigma.shape) == (np.float32, (2, 192, 256))
    image = tifffile.imread("in.tif")
    expected = napari_microdiff.superresolve(
        image, factor=4, optics=(0.52, 0.8, 0.2), model="superres-tiny", axes="CYX", device="cpu"
    )
    np.testing.assert_array_equal(made.array, np.clip(np.round(expected.mean), 0, 65535).astype(np.uint16))


def test_the_pixel_may_be_said_instead_of_read() -> None:
    tifffile.imwrite("plain.tif", tifffile.imread("in.tif")[0])
    optics = ("--wavelength", 0.52, "--aperture", 0.8)
    assert code_of("superresolve", "plain.tif", "one.tif", *FAST, *optics, "--pixel", 0.2) == 0
    expected = napari_microdiff.superresolve(
        tifffile.imread("plain.tif"), optics=(0.52, 0.8, 0.2), model="superres-tiny", device="cpu"
    )
    assert np.abs(tifffile.imread("one.tif") - np.clip(expected.mean, 0, 65535)).max() <= 1
    assert read_image("one.tif").pixel_size_um == {}


@pytest.fixture
def beads() -> np.ndarray:
    """Write one point, seen with pixels of 0.1 um, with that and without."""
    drawn = (60_000 * PointSpread(airy=(1.1, 1.4, 0.1)).kernel()).astype(np.uint16)
    tifffile.imwrite("beads.tif", drawn, imagej=True, resolution=(10, 10), metadata={"axes": "YX", "unit": "um"})
    tifffile.imwrite("plain.tif", drawn)
    write_image("oblong.ome.tif", drawn, pixel_size_um={"Y": 0.1, "X": 0.2})
    return drawn


def test_the_blur_is_measured_on_beads(beads: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    found = measure_psf(beads)
    image = tifffile.imread("in.tif")
    for name, expected in (("beads.tif", found.on_pixels(2)), ("plain.tif", found)):
        made = Path(f"of-{name}")
        assert code_of("superresolve", "in.tif", made, *FAST, "--beads", name) == 0
        said = capsys.readouterr().err
        assert f"the blur is {expected.width:.2f} pixels wide, measured on 1 bead." in said
        assert ("they are taken for alike" in said) == (name == "plain.tif")
        fields = {"model": "superres-tiny", "axes": "CYX", "device": "cpu"}
        wanted = napari_microdiff.superresolve(image, psf=expected.parts, **fields)
        np.testing.assert_array_equal(tifffile.imread(made), np.clip(np.round(wanted.mean), 0, 65535).astype(np.uint16))


def test_the_beads_are_not_written_over(beads: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    words = (*FAST, "--beads", "beads.tif", "--overwrite")
    assert code_of("superresolve", "in.tif", "beads.tif", *words) == 2
    assert "beads.tif is the input itself" in capsys.readouterr().err
    assert code_of("superresolve", "in.tif", "out.tif", *words, "--uncertainty", "beads.tif") == 2
    np.testing.assert_array_equal(tifffile.imread("beads.tif"), beads)


@pytest.mark.usefixtures("beads")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--factor", 3), "2 or 4 times as fine, not 3"),
        (("--factor", 1), "factor"),
        (("--wavelength", 0.5), "belong together"),
        (("--pixel", 0.5), "says nothing without"),
        (("--wavelength", 0.5, "--aperture", 1.2, "--psf", 1), "one of blur, optics and psf"),
        (("--psf", -1), "blur"),
        (("--bead-size", 0.1), "says nothing without --beads"),
        (("--beads", "missing.tif"), "missing.tif"),
        (("--beads", "in.tif"), "in.tif: An image of beads must have two axes"),
        (("--beads", "beads.tif", "--psf", 1), "one of blur, optics and psf"),
        (("--beads", "beads.tif", "--bead-size", 2), "cannot look as small"),
        (("--beads", "beads.tif", "--bead-size", -1), "--bead-size"),
        (("--beads", "oblong.ome.tif"), "The pixels of oblong.ome.tif are 0.1 x 0.2 um"),
        (("--beads", "plain.tif", "--bead-size", 0.1), "plain.tif does not say how large its pixels are"),
        (("--noise-level", -1), "noise_level"),
        (("--model", "segment-nuclei"), "is for 'segment'"),
    ],
)
def test_what_cannot_be_is_one_line_and_no_file(
    words: tuple[object, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of("superresolve", "in.tif", "out.tif", *FAST, *words) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert errors[-1].startswith("error: ")
    assert said in errors[-1]
    assert not Path("out.tif").exists()


def test_optics_need_square_pixels(capsys: pytest.CaptureFixture[str]) -> None:
    write_image("oblong.ome.tif", tifffile.imread("in.tif")[0], pixel_size_um={"Y": 0.2, "X": 0.1})
    words = ("--wavelength", 0.5, "--aperture", 1.2)
    assert code_of("superresolve", "oblong.ome.tif", "out.tif", *FAST, *words) == 2
    assert "The pixels of oblong.ome.tif are 0.2 x 0.1 um" in capsys.readouterr().err


def test_optics_need_the_size_of_a_pixel(capsys: pytest.CaptureFixture[str]) -> None:
    tifffile.imwrite("plain.tif", tifffile.imread("in.tif")[0])
    assert code_of("superresolve", "plain.tif", "out.tif", *FAST, "--wavelength", 0.5, "--aperture", 1.2) == 2
    assert "does not say how large its pixels are" in capsys.readouterr().err


def test_a_png_tells_its_pixel_too() -> None:
    image = (tifffile.imread("in.tif")[0] // 256).astype(np.uint8)
    write_image("in.png", image, axes="YX", pixel_size_um={"Y": 0.2, "X": 0.2})
    optics = ("--wavelength", 0.52, "--aperture", 0.8)
    assert code_of("superresolve", "in.png", "told.tif", *FAST, *optics) == 0
    assert code_of("superresolve", "in.png", "said.tif", *FAST, *optics, "--pixel", 0.2) == 0
    np.testing.assert_allclose(tifffile.imread("told.tif"), tifffile.imread("said.tif"), atol=1)


def test_optics_may_be_those_that_the_file_tells(write_ome: Any, capsys: pytest.CaptureFixture[str]) -> None:
    image = tifffile.imread("in.tif")
    objective, first = '<Objective ID="O:0" LensNA="0.8"/>', '<Channel ID="C:0" EmissionWavelength="520"/>'
    same, other = (f'<Channel ID="C:1" EmissionWavelength="{nm}"/>' for nm in (520, 450))
    write_ome(Path("told.ome.tif"), image, objectives=objective, channels=first + same)
    assert code_of("superresolve", "told.ome.tif", "out.tif", *FAST, "--optics") == 0
    words = ("--wavelength", 0.52, "--aperture", 0.8, "--pixel", 0.065)
    assert code_of("superresolve", "in.tif", "same.tif", *FAST, *words) == 0
    np.testing.assert_array_equal(tifffile.imread("out.tif"), tifffile.imread("same.tif"))
    write_ome(Path("two.ome.tif"), image, objectives=objective, channels=first + other)
    assert code_of("superresolve", "two.ome.tif", "other.tif", *FAST, "--optics") == 2
    assert "does not tell one wavelength for all of it" in capsys.readouterr().err
    assert code_of("superresolve", "two.ome.tif", "other.tif", *FAST, "--optics", "--wavelength", 0.52) == 0
    np.testing.assert_array_equal(tifffile.imread("other.tif"), tifffile.imread("same.tif"))
    assert code_of("superresolve", "in.tif", "none.tif", *FAST, "--optics", "--wavelength", 0.52) == 2
    assert "does not tell the numerical aperture" in capsys.readouterr().err
    assert not Path("none.tif").exists()


def test_how_far_the_result_can_be_trusted_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--noise-level", 0)
    assert code_of("superresolve", "in.tif", "out.tif", *FAST, *words) == 0
    said = capsys.readouterr().err.splitlines()
    assert "note: This microscope would see of the result just what your image shows." in said
    assert any(line.startswith("note: Your image shows detail down to") and " µm." in line for line in said)
    assert said[-1].startswith("wrote out.tif")

    image = 1000 * filaments_and_blobs((96, 128), seed=5) + np.random.default_rng(0).normal(50, 20, (96, 128))
    tifffile.imwrite("noisy.tif", image.astype(np.float32))
    assert code_of("superresolve", "noisy.tif", "out.tif", *FAST, "--psf", 2.0, "--overwrite") == 0
    said = capsys.readouterr().err.splitlines()  # so wide was no blur
    assert any("whose noise is" in line and "The file of --residual shows where." in line for line in said)


def test_whether_the_model_suits_the_image_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("superresolve", "in.tif", "out.tif", *FAST, "--model", "tiny", "--steps", 4) == 0
    assert "note: The image is unlike those that the model was trained on" in capsys.readouterr().err


def test_what_was_done_can_be_done_again() -> None:
    job = {
        "task": "superresolve",
        "model": "superres-tiny",
        "device": "cpu",
        "options": {"factor": 2, "blur": 0.6, "noise_level": 0},
        "steps": 3,
        "outputs": ["mean", "sample"],
        "input": "in.tif",
        "output": "again.tif",
    }
    Path("job.yaml").write_text(yaml.safe_dump(job), encoding="utf-8")
    assert code_of("run", "job.yaml") == 0
    words = ("--factor", 2, "--psf", 0.6, "--noise-level", 0, "--steps", 3, "--sample", "sample.tif")
    assert code_of("superresolve", "in.tif", "out.tif", *FAST, *words) == 0
    np.testing.assert_array_equal(tifffile.imread("again.tif"), tifffile.imread("out.tif"))
    np.testing.assert_array_equal(tifffile.imread("again.sample.tif"), tifffile.imread("sample.tif"))
