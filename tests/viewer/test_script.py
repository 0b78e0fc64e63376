from __future__ import annotations

import shlex
from types import SimpleNamespace

import numpy as np
import pytest
from napari.layers import Image
from napari.layers._source import layer_source

from napari_microdiff.engine.options import (
    DenoiseOptions,
    IsotropicOptions,
    RepairOptions,
    SuperresolveOptions,
    SynthesizeOptions,
)
from napari_microdiff.engine.request import Request
from napari_microdiff.viewer.script import as_command, as_python, command_copied

REQUEST = Request(
    model="denoise-em",
    steps=8,
    samples=2,
    seed=3,
    sampler="ddim",
    axes="ZYX",
    region=((0, 1), (0, 8), (0, 8)),
    tile=256,
    outputs=("mean", "uncertainty"),
    options=DenoiseOptions(noise_level=2.5),
)


def layer(name: str, *, multiscale: bool = False) -> Image:
    levels = [np.zeros((8, 8)), np.zeros((4, 4))]
    return Image(levels if multiscale else levels[0], name=name, multiscale=multiscale)


def test_python_names_the_layer_and_everything_that_was_chosen() -> None:
    code = as_python(REQUEST, layer("my 'actin'", multiscale=True))
    compile(code, "copied", "exec")
    assert """layers["my 'actin'"].data[0]""" in code
    for line in ("model='denoise-em',", "steps=8,", "region=((0, 1), (0, 8), (0, 8)),", "noise_level"):
        assert line in code
    assert "device=" not in code  # at its default
    assert code.rstrip().endswith("uncertainty = result.uncertainty")


def test_python_always_says_what_a_reader_wants_to_see() -> None:
    code = as_python(Request(), layer("actin"))
    for line in ("model='denoise-fluorescence'", "steps=1", "seed=0", "outputs=('mean', 'uncertainty')"):
        assert line in code


def test_a_command_for_windows_has_double_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_microdiff.viewer.script.os", SimpleNamespace(name="nt"))
    source = r"C:\my data\actin.tif"
    assert as_command(REQUEST, source).startswith(
        rf'napari-microdiff denoise "{source}" OUTPUT.tif --model denoise-em '
    )


def test_who_copies_a_command_is_told_what_is_left_to_do() -> None:
    said = command_copied(REQUEST, whole=False)
    assert "names in capitals" in said
    assert "whole image" in said
    assert "whole image" not in command_copied(REQUEST, whole=True)
    assert "--bead-size" not in said
    measured = SuperresolveOptions(psf=(("gaussian", 1.5, 1.0),))
    assert "--bead-size" in command_copied(Request(task="superresolve", options=measured), whole=True)


def test_a_command_names_the_same_options() -> None:
    words = shlex.split(as_command(REQUEST, "/data/my actin.tif"))
    assert words[:4] == ["napari-microdiff", "denoise", "/data/my actin.tif", "OUTPUT.tif"]
    options = dict(zip(words[4::2], words[5::2], strict=True))
    assert options == {
        "--model": "denoise-em",
        "--sampler": "ddim",
        "--steps": "8",
        "--samples": "2",
        "--seed": "3",
        "--axes": "ZYX",
        "--tile": "256",
        "--noise-level": "2.5",
        "--uncertainty": "UNCERTAINTY.tif",
    }


@pytest.mark.parametrize("outputs", [("mean",), ("sample",)])
def test_a_command_asks_for_no_uncertainty_that_was_not_made(outputs: tuple[str, ...]) -> None:
    assert "--uncertainty" not in as_command(Request(outputs=outputs))


DRAWN = Request(
    task="synthesize",
    model="synth-mine",
    guidance=1.5,
    seed=4,
    axes="YX",
    options=SynthesizeOptions(style=(1.0, 0.25), levels=(10.0, 900.0), kinds=((3, 2),), photons=50),
)


def test_python_for_a_mask_takes_the_style_as_a_reference() -> None:
    code = as_python(DRAWN, layer("cells"))
    compile(code, "copied", "exec")
    for line in (
        "from napari_microdiff.tasks import Reference",
        "mask = napari.current_viewer().layers['cells'].data",
        "result = napari_microdiff.synthesize(\n    mask,",
        "    reference=Reference(style=(1.0, 0.25), levels=(10.0, 900.0)),",
        "    kinds={3: 2},",
        "    photons=50.0,",
        "    guidance=1.5,",
        "sample = result.sample",
    ):
        assert line in code
    for name in ("style=(1.0, 0.25),\n", "    levels="):
        assert name not in code
    plain = DRAWN.model_copy(update={"options": SynthesizeOptions(levels=(0.0, 1.0))})
    assert "    levels=(0.0, 1.0)," in as_python(plain, layer("cells"))
    assert "Reference" not in as_python(plain, layer("cells"))


def test_what_has_another_default_for_a_mask_is_always_said() -> None:
    unguided = Request(task="synthesize", guidance=0)
    assert "    guidance=0.0," in as_python(unguided, layer("cells"))
    assert "--guidance 0.0" in as_command(unguided)
    assert "guidance" not in as_python(Request(), layer("cells"))


def test_a_command_for_a_mask_takes_the_style_from_a_file() -> None:
    words = shlex.split(as_command(DRAWN, "cells.tif"))
    assert words[:4] == ["napari-microdiff", "synthesize", "cells.tif", "OUTPUT.tif"]
    options = dict(zip(words[4::2], words[5::2], strict=True))
    assert options == {
        "--model": "synth-mine",
        "--steps": "16",
        "--seed": "4",
        "--guidance": "1.5",
        "--photons": "50.0",
        "--style": "STYLE.tif",
        "--classes": "CLASSES.csv",
    }
    plain = DRAWN.model_copy(update={"options": SynthesizeOptions(levels=(0.0, 1.0))})
    assert as_command(plain).endswith("--levels 0.0 1.0")


def test_what_differs_from_the_usual_of_its_task_is_said() -> None:
    fields = {"task": "isotropic", "sampler": "dpmpp-2m", "options": IsotropicOptions(factor=2)}
    request = Request.model_validate(fields)
    code, words = as_python(request, layer("stack")), as_command(request)
    assert "    sampler='dpmpp-2m'," in code
    assert "    factor=2," in code
    assert "--sampler dpmpp-2m" in words
    assert "--factor 2" in words
    usual = Request.model_validate({"task": "isotropic", "options": IsotropicOptions(factor=2)})
    assert "sampler" not in as_python(usual, layer("stack"))


def test_a_command_names_what_lies_behind_a_mask() -> None:
    options = SynthesizeOptions(start=2.0, kinds=((1, 2),))
    request = Request.model_validate({"task": "synthesize", "options": options, "guidance": 0})
    with layer_source(path="/data/real.tif"):
        opened = layer("real")
    words = shlex.split(as_command(request, "cells.tif", {"behind": opened, "objects": layer("nuclei")}))
    options_said = dict(zip(words[4::2], words[5::2], strict=True))
    assert options_said["--start"] == "2.0"
    assert options_said["--classes"] == "CLASSES.csv"
    assert options_said["--behind"] == "/data/real.tif"
    assert options_said["--objects-behind"] == "OBJECTS.tif"
    repair = Request.model_validate({"task": "repair"})
    with layer_source(path="/data/dust.tif"):
        dust = layer("dust")
    assert shlex.split(as_command(repair, "a.tif", {"damaged": dust}))[2:4] == ["a.tif", "/data/dust.tif"]


def test_a_measured_blur_is_numbers_in_python_and_an_image_in_a_shell() -> None:
    options = SuperresolveOptions(psf=(("airy", 0.9, 0.8), ("gaussian", 2.0, 0.2)))
    request = Request.model_validate({"task": "superresolve", "options": options})
    assert "psf=(('airy', 0.9, 0.8), ('gaussian', 2.0, 0.2))," in as_python(request, layer("cells"))
    assert "--beads BEADS.tif" in as_command(request)


def test_a_repair_is_copied_with_its_mask_and_without_noise() -> None:
    request = Request.model_validate({"task": "repair", "options": RepairOptions(noise=False)})
    code = as_python(request, layer("section"), {"damaged": layer("dust", multiscale=True)})
    compile(code, "copied", "exec")
    assert "damaged = napari.current_viewer().layers['dust'].data[0]" in code
    assert "    image,\n    damaged=damaged," in code
    assert "    noise=False," in code
    assert "--no-noise" in as_command(request)
