"""The commands around models, training and the demo, and the progress bar."""

from __future__ import annotations

import io
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from qtpy import QtBindingsNotFoundError

from napari_microdiff.cli import main, terminal
from napari_microdiff.engine.events import Done, Notice, Progress, Result
from napari_microdiff.engine.request import Request
from napari_microdiff.models import store
from napari_microdiff.models.card import Architecture, Card, Quality, TrainingSet
from napari_microdiff.models.store import save_model

CARD = Card(
    id="denoise-mine",
    title="Mine",
    summary="trained on [bold] nothing",
    task="denoise",
    pixel_size_um=(0.05, 0.2),
    sigma_data=0.5,
    sigma_max=80,
    halo=8,
    architecture=Architecture(widths=(4,), blocks=1),
    weights_sha256="0" * 64,
    parent="denoise-em",
    training_data=(TrainingSet(name="set", licence="CC0", attribution="someone"),),
    quality=(Quality(measure="PSNR", data="set", value=1.25, unit="dB", command="make it"),),
    known_failures=("stripes",),
)


@pytest.fixture(autouse=True)
def user_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path / "store"))
    monkeypatch.setattr(store, "BUNDLED_FOLDER", tmp_path / "bundled")
    return tmp_path / "store"


def shell(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    assert isinstance(stop.value.code, int)
    return stop.value.code, *capsys.readouterr()


def test_models(capsys: pytest.CaptureFixture[str], tmp_path: Path, user_models: Path) -> None:
    outside = save_model(CARD, {"a": torch.ones(3)}, tmp_path / "outside")
    code, out, err = shell(capsys, "models", "list")
    assert (code, out) == (0, "")
    assert "no models" in err
    assert shell(capsys, "models", "add", outside.folder) == (
        0,
        "",
        f"added denoise-mine in {user_models / 'denoise-mine'}\n",
    )
    code, out, err = shell(capsys, "models", "list")
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split() == ["denoise-mine", "added", *CARD.summary.split()]
    code, out, err = shell(capsys, "models", "info", "denoise-mine")
    assert (code, err) == (0, "")
    for line in (
        "Mine (denoise-mine, version 1)",
        "pixel size:   0.05 to 0.2 um",
        "adapted from: denoise-em",
        "  set (CC0): someone",
        "  PSNR on set: 1.25 dB (printed by make it)",
        "  stripes",
    ):
        assert line in out.splitlines()
    assert shell(capsys, "models", "verify") == (0, "denoise-mine: ok\n", "")
    (user_models / "broken").mkdir()
    code, out, err = shell(capsys, "models", "list")
    assert (code, out.count("\n")) == (0, 2)
    assert err.startswith("note: not usable: ")
    assert shell(capsys, "models", "verify", "denoise-mine")[0] == 0
    code, out, err = shell(capsys, "models", "verify")
    assert code == 2
    assert err.startswith("error: ")
    assert shell(capsys, "models", "remove", "denoise-mine") == (0, "", "removed denoise-mine\n")
    assert not (user_models / "denoise-mine").exists()


def test_corrupt_weights(capsys: pytest.CaptureFixture[str], user_models: Path) -> None:
    model = save_model(CARD, {"a": torch.ones(3)}, user_models / CARD.id)
    model.weights_path.write_bytes(b"\x80\x04\x95 a pickle")
    code, out, err = shell(capsys, "models", "verify", CARD.id)
    assert (code, out) == (2, "")
    assert err.startswith("error: weights.safetensors is a pickle")
    save_model(CARD.model_copy(update={"id": "denoise-whole"}), {"a": torch.ones(3)}, user_models / "denoise-whole")
    (user_models / "broken").mkdir()
    code, out, err = shell(capsys, "models", "verify")
    assert (code, out) == (2, "denoise-whole: ok\n")
    assert err.count("\n") == 1
    assert "broken is not a model" in err
    assert "weights.safetensors is a pickle" in err


def test_train(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_microdiff.training import fit

    seen: dict[str, Any] = {}

    def train(recipe: str, data: Path, out: Path, *, progress: Any, **options: Any) -> Path:
        progress("step 1, loss 0.5")
        seen.update(recipe=recipe, data=data, out=out, **options)
        return out / "model"

    monkeypatch.setattr(fit, "train", train)
    code, out, err = shell(capsys, "train", "denoise-em", "--data", tmp_path, "--steps", 7, "--no-resume")
    assert (code, out) == (0, "")
    folder = Path("denoise-em-training")
    assert err.splitlines()[0] == "step 1, loss 0.5"
    assert err.splitlines()[1].endswith(f"models add {folder / 'model'}")
    options = {"steps": 7, "minutes": None, "device": "auto", "devices": 1, "resume": False, "seed": None}
    assert seen == {"recipe": "denoise-em", "data": tmp_path, "out": folder} | options


def test_demo(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path | None] = []
    module = types.ModuleType("napari_microdiff.viewer.demo")
    module.main = seen.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "napari_microdiff.viewer.demo", module)
    assert shell(capsys, "demo", "--screenshot", "shots") == (0, "", "")
    assert shell(capsys, "demo") == (0, "", "")
    assert seen == [Path("shots"), None]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (ModuleNotFoundError("No module named 'napari'", name="napari"), ("napari is not", "[all]")),
        (QtBindingsNotFoundError(), ("Qt, which shows the window of napari, is not", "[pyside6]")),
    ],
)
def test_demo_without_napari_or_qt(
    missing: ImportError, said: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nothing:
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "napari_microdiff.viewer.demo":
                raise missing

    monkeypatch.delitem(sys.modules, "napari_microdiff.viewer.demo", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Nothing(), *sys.meta_path])
    code, _, err = shell(capsys, "demo")
    what, extra = said
    assert (code, err) == (2, f'error: {what} installed. Install it with: pip install "napari-microdiff{extra}".\n')


class Terminal(io.StringIO):
    """A standard error that somebody watches."""

    def isatty(self) -> bool:
        return True


def test_progress_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    result = Result(Request(), ((0, 1),))
    events = [Progress(1, 4, 75.0), Notice("a [smaller] tile"), Progress(4, 4, 0.0), Done(result)]

    def job() -> Any:
        yield from events

    assert terminal.follow(job()) is result
    assert "note: a [smaller] tile" in screen.getvalue()
    assert "100%" in screen.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (75, "1 min 15 s"), (7325, "2 h 02 min")])
def test_durations(seconds: float, text: str) -> None:
    assert terminal._duration(seconds) == text
