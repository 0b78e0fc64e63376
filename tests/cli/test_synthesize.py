"""``napari-microdiff synthesize`` with a real, tiny, untrained network: what becomes of masks and files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml
from skimage.draw import disk

from napari_microdiff.cli import main
from napari_microdiff.files import read_image
from napari_microdiff.imaging.mask_edits import common_background
from napari_microdiff.tasks import synthesize

FAST = ("--model", "synth-tiny", "--device", "cpu", "--precision", "float32", "--steps", 2)
SETTINGS = {"model": "synth-tiny", "device": "cpu", "precision": "float32", "steps": 2}


def mask(*middles: tuple[int, int]) -> np.ndarray:
    labels = np.zeros((48, 64), np.uint16)
    for number, middle in enumerate(middles, start=1):
        labels[disk(middle, 7, shape=labels.shape)] = number
    return labels


MASK, BEFORE = mask((14, 14), (30, 45)), mask((30, 20))
STYLE = np.random.default_rng(0).poisson(300, (96, 112)).astype(np.uint16)


@pytest.fixture(autouse=True)
def folder(painter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a mask and images."""
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("mask.tif", MASK, imagej=True, resolution=(4, 4), metadata={"axes": "YX", "unit": "um"})
    tifffile.imwrite("before.tif", BEFORE)
    tifffile.imwrite("style.tif", STYLE)
    return tmp_path


def code_of(*words: object) -> Any:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


def test_the_image_is_that_of_python_in_the_type_of_the_reference_and_says_that_it_is_synthetic() -> None:
    assert code_of("synthesize", "mask.tif", "out.tif", *FAST, "--style", "style.tif", "--guidance", 1) == 0
    made = read_image("out.tif")
    assert (made.axes, made.dtype, made.pixel_size_um) == ("YX", np.uint16, {"Y": 0.25, "X": 0.25})
    expected = synthesize(MASK, reference=STYLE, guidance=1.0, **SETTINGS).sample
    np.testing.assert_array_equal(made.array, np.clip(np.round(expected), 0, 65535))
    facts = json.loads(made.description)["napari_microdiff"]
    assert facts["report"]["synthetic"] is True
    assert facts["source"] == "mask.tif"


def test_several_images_have_seeds_and_names_of_their_own() -> None:
    assert code_of("synthesize", "mask.tif", "out.ome.tif", *FAST, "--samples", 2, "--seed", 7) == 0
    for number, seed in ((1, 7), (2, 8)):
        made = read_image(f"out-{number}.ome.tif")
        np.testing.assert_array_equal(made.array, synthesize(MASK, seed=seed, **SETTINGS).sample)


def test_what_a_type_cuts_off_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    levels = {"levels": (100.0, 140.0)}
    drawn = synthesize(MASK, **SETTINGS, **levels).sample
    assert drawn is not None
    assert code_of("synthesize", "mask.tif", "roomy.png", *FAST, "--levels", *levels["levels"]) == 0
    np.testing.assert_array_equal(read_image("roomy.png").array, np.round(drawn))
    assert "cut off" not in capsys.readouterr().err
    assert code_of("synthesize", "mask.tif", "tight.png", *FAST, "--levels", 0, 40) == 0
    cut = np.mean(synthesize(MASK, **SETTINGS, levels=(0.0, 40.0)).sample < -0.5)
    assert cut > 0.01
    assert f"note: {cut:.0%} of the pixels of tight.png" in capsys.readouterr().err


def test_objects_are_replaced_and_the_background_of_a_real_image_stays() -> None:
    image = STYLE[:48, :64]
    tifffile.imwrite("real.tif", image)
    words = ("--style", "style.tif", "--behind", "real.tif", "--objects-behind", "before.tif", "--photons", 40)
    assert code_of("synthesize", "mask.tif", "out.tif", *FAST, *words) == 0
    made, kept = read_image("out.tif").array, common_background(BEFORE, MASK)
    np.testing.assert_array_equal(made[kept], image[kept])
    assert (made[~kept] != image[~kept]).mean() > 0.5


def test_colours_are_written_as_such(make_painter: Callable[..., str]) -> None:
    make_painter("colours", channels=3)
    assert code_of("synthesize", "mask.tif", "out.png", "--model", "colours", "--device", "cpu", "--steps", 1) == 0
    assert read_image("out.png").shape == (48, 64, 3)


def test_what_was_done_can_be_done_again() -> None:
    job = {"task": "synthesize", **SETTINGS, "seed": 3, "input": "mask.tif", "output": "again.tif"}
    Path("job.yaml").write_text(yaml.safe_dump(job), encoding="utf-8")
    assert code_of("run", "job.yaml") == 0
    assert code_of("synthesize", "mask.tif", "out.tif", *FAST, "--seed", 3) == 0
    np.testing.assert_array_equal(tifffile.imread("again.tif"), tifffile.imread("out.tif"))


def test_what_was_drawn_over_an_image_is_not_repeated_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    tifffile.imwrite("real.tif", STYLE[:48, :64])
    behind = {"behind": "real.tif", "objects_behind": "before.tif"}
    words = [word for name, path in behind.items() for word in (f"--{name.replace('_', '-')}", path)]
    assert code_of("synthesize", "mask.tif", "out.tif", *FAST, *words) == 0
    facts = json.loads(read_image("out.tif").description)
    assert {name: facts["napari_microdiff"][name] for name in behind} == behind
    Path("job.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    assert code_of("run", "job.yaml", "mask.tif", "again.tif") == 2
    assert "was made with real.tif, which it does not hold. Add 'behind: FILE'" in capsys.readouterr().err
    Path("job.yaml").write_text(yaml.safe_dump({**facts, **behind}), encoding="utf-8")
    assert code_of("run", "job.yaml", "mask.tif", "again.tif") == 0
    np.testing.assert_array_equal(tifffile.imread("again.tif"), tifffile.imread("out.tif"))


def test_axes_and_region_of_a_request_are_those_of_the_file() -> None:
    turned = np.stack([MASK.T, BEFORE.T], axis=-1)
    tifffile.imwrite("turned.tif", turned)
    job = {"task": "synthesize", **SETTINGS, "axes": "XYT", "region": [[8, 60], [0, 40], [0, 2]]}
    Path("job.yaml").write_text(yaml.safe_dump({**job, "input": "turned.tif", "output": "out.tif"}), encoding="utf-8")
    assert code_of("run", "job.yaml") == 0
    made = read_image("out.tif")
    whole = synthesize(turned, axes="XYT", region=((8, 60), (0, 40), (0, 2)), **SETTINGS).sample
    np.testing.assert_array_equal(made.array.transpose([made.axes.index(letter) for letter in "XYT"]), whole)


@pytest.mark.parametrize("axes", ["ZCYX", "TZCYX"])
def test_a_drawn_hyperstack_is_repeated_to_the_last_bit(axes: str) -> None:
    shape = dict(zip("TZC", (2, 3, 2), strict=True))
    masks = np.zeros((*(shape[letter] for letter in axes[:-2]), 40, 48), np.uint16)
    for number, plane in enumerate(masks.reshape(-1, 40, 48)):
        plane[4 + number : 16 + number, 8:24] = 1
    tifffile.imwrite("masks.tif", masks, imagej=True, metadata={"axes": axes})
    assert code_of("synthesize", "masks.tif", "out.tif", *FAST) == 0
    Path("job.json").write_text(read_image("out.tif").description, encoding="utf-8")
    assert code_of("run", "job.json", "masks.tif", "again.tif") == 0
    once, again = read_image("out.tif"), read_image("again.tif")
    assert (again.axes, again.shape) == (once.axes, once.shape)
    np.testing.assert_array_equal(again.array, once.array)
    assert len({plane.tobytes() for plane in once.array.reshape(-1, 40, 48)}) == len(masks.reshape(-1, 40, 48))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--style", "nowhere.tif"), "nowhere.tif"),
        (("--start", 1), "no image behind"),
        (("--behind", "style.tif", "--start", 1), "lies under"),
        (("--behind", "before.tif"), "Nothing would be taken from the image behind"),
        (("--behind", "mask.tif", "--objects-behind", "style.tif"), "same size"),
        (("--levels", 9, 9), "below the upper"),
        (("--model", "tiny"), "is for 'denoise'"),
    ],
)
def test_an_error_leaves_no_file(words: tuple[object, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("synthesize", "mask.tif", "out.tif", *FAST, *words) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
    assert not Path("out.tif").exists()


@pytest.mark.parametrize("name", ["mask.tif", "style.tif", "before.tif"])
def test_inputs_are_not_written_over(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path(name).read_bytes()
    files = ("--style", "style.tif", "--behind", "before.tif", "--overwrite")
    assert code_of("synthesize", "mask.tif", name, *FAST, *files) == 2
    assert "is the input itself" in capsys.readouterr().err
    assert Path(name).read_bytes() == before


def test_classes_of_objects_come_from_a_table(
    make_painter: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_painter("two-kinds", classes=2)
    Path("objects.csv").write_text("label,area,class\n1,149,\n2,149,dividing\n")
    wishes = (*FAST, "--model", model)
    assert code_of("synthesize", "mask.tif", "out.tif", *wishes, "--classes", "objects.csv") == 0
    expected = synthesize(MASK, kinds={2: 2}, **{**SETTINGS, "model": model}).sample
    np.testing.assert_allclose(read_image("out.tif").array, expected, atol=1e-3)
    Path("objects.csv").write_text("label,class\n1,3\n")
    assert code_of("synthesize", "mask.tif", "two.tif", *wishes, "--classes", "objects.csv") == 2
    assert "Known are 1 (resting), 2 (dividing)" in capsys.readouterr().err
    assert not Path("two.tif").exists()
