"""From a noisy file to a clean one with a real, tiny, untrained network."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import torch
import yaml

import napari_microdiff
from napari_microdiff.cli import main
from napari_microdiff.diffusion.unet import LocalUNet
from napari_microdiff.files import read_image
from napari_microdiff.imaging.spectrum import VECTOR_LENGTH
from napari_microdiff.models import build, store
from napari_microdiff.models.card import Architecture, Card, write_card
from napari_microdiff.models.store import Model, save_model
from napari_microdiff.models.weights_file import fingerprint

NOISY = np.random.default_rng(5).poisson(60, (2, 40, 48)).astype(np.uint16)
ARCHITECTURE = Architecture(widths=(8, 8), blocks=1, condition_channels=2, vector_length=VECTOR_LENGTH)
FAST = ("--model", "tiny", "--device", "cpu", "--precision", "float32")


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """Work in an empty folder with a noisy stack, and a store that holds the model 'tiny'."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path / "models"))
    build.unload()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = LocalUNet(**ARCHITECTURE.model_dump())
    card = Card(
        id="tiny",
        title="Tiny",
        summary="not trained",
        task="denoise",
        sigma_data=0.5,
        sigma_max=80,
        halo=32,
        architecture=ARCHITECTURE,
        weights_sha256="0" * 64,
    )
    metadata = {"axes": "ZYX", "unit": "um", "spacing": 0.3}
    tifffile.imwrite("in.tif", NOISY, imagej=True, resolution=(10, 10), metadata=metadata)
    return save_model(card, network.state_dict(), tmp_path / "models" / "tiny")


def code_of(*words: object) -> Any:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


def test_denoise_and_again(tiny: Model, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--steps", 2, "--samples", 2, "--seed", 4, "--uncertainty", "u.tif")
    assert code_of("denoise", "in.tif", "out.ome.tif", *FAST, *words) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("wrote out.ome.tif (mean), u.tif (uncertainty): ")
    out, uncertainty = read_image("out.ome.tif"), read_image("u.tif")
    assert (out.axes, out.shape, out.dtype) == ("ZYX", NOISY.shape, NOISY.dtype)
    assert out.pixel_size_um == uncertainty.pixel_size_um == {"Z": 0.3, "Y": 0.1, "X": 0.1}
    assert uncertainty.dtype == np.float32
    assert (uncertainty.array > 0).all()

    memory = json.loads(out.description)["napari_microdiff"]
    request = memory["request"]
    assert request["weights_sha256"] == tiny.card.weights_sha256
    result = napari_microdiff.run(napari_microdiff.Request.model_validate(request), NOISY)
    mean = next(event.result.mean for event in result if hasattr(event, "result"))
    np.testing.assert_array_equal(np.clip(np.rint(mean), 0, 65535), out.array)

    Path("job.yaml").write_text(yaml.safe_dump(request | {"input": "in.tif", "output": "again.tif"}))
    assert code_of("run", "job.yaml") == 0
    np.testing.assert_array_equal(read_image("again.tif").array, out.array)
    np.testing.assert_array_equal(read_image("again.uncertainty.tif").array, uncertainty.array)


def test_png_and_measured_noise() -> None:
    iio.imwrite("in.png", NOISY[0].astype(np.uint8))
    assert code_of("denoise", "in.png", "out.png", *FAST, "--start", "measured-noise") == 0
    out = read_image("out.png")
    assert (out.shape, out.dtype) == (NOISY[0].shape, np.uint8)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.where(np.eye(40) > 0, np.nan, 1).astype(np.float32), "NaN"),
        (np.full((40, 48), 7, np.uint16), "same value everywhere"),
        (np.ones((1, 1), np.uint8), "same value everywhere"),
        (NOISY[0] * 1e300, "values beyond"),
    ],
    ids=["nan", "constant", "one pixel", "huge"],
)
def test_images_that_cannot_be_denoised(
    image: np.ndarray[Any, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite("bad.tif", image)
    assert code_of("denoise", "bad.tif", "out.tif", *FAST) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert message in said
    assert not Path("out.tif").exists()


def _cut(model: Model) -> None:
    content = model.weights_path.read_bytes()
    model.weights_path.write_bytes(content[: len(content) // 2])


def _change(model: Model) -> None:
    content = bytearray(model.weights_path.read_bytes())
    content[-1] ^= 1
    model.weights_path.write_bytes(content)


def _pickle(model: Model) -> None:
    model.weights_path.write_bytes(pickle.dumps({"a": 1}))
    write_card(model.card.model_copy(update={"weights_sha256": fingerprint(model.weights_path)}), model.folder)


def _misfit(model: Model) -> None:
    save_model(model.card, {"a": torch.ones(3)}, model.folder)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_cut, "corrupt or not a safetensors file"),
        (_change, "not those that its card names"),
        (_pickle, "is a pickle, which can run code"),
        (_misfit, "do not fit the architecture"),
        (lambda model: model.weights_path.unlink(), "has no weights.safetensors"),
        (lambda model: model.folder.rename(model.folder.with_name(".gone")), "no model called 'tiny'"),
    ],
    ids=["cut", "changed", "pickle", "misfit", "missing", "unknown"],
)
def test_models_that_cannot_be_used(tiny: Model, harm: Any, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    harm(tiny)
    assert code_of("denoise", "in.tif", "out.tif", *FAST) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert message in said
    assert not Path("out.tif").exists()
