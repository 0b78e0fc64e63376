"""``napari-microdiff segment`` with a real, tiny, untrained network: what matters here is what becomes of files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml

import napari_microdiff
from napari_microdiff.cli import main
from napari_microdiff.engine.record import KEY
from napari_microdiff.files import read_image

FAST = ("--model", "segment-tiny", "--device", "cpu", "--diameter", 24, "--saddle", 0.05, "--smallest", 0)


@pytest.fixture(autouse=True)
def folder(segmenter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with an image of which the untrained network makes a few objects."""
    monkeypatch.chdir(tmp_path)
    image = np.random.default_rng(0).poisson(50, (2, 64, 80)).astype(np.uint8)
    metadata = {"axes": "TYX", "unit": "um"}
    tifffile.imwrite("in.tif", image, imagej=True, resolution=(4, 4), metadata=metadata)
    return tmp_path


def code_of(*words: object) -> Any:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


def table_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_labels_and_table_are_those_of_python() -> None:
    assert code_of("segment", "in.tif", "out.tif", *FAST, "--samples", 3, "--table", "objects.csv") == 0
    labels = read_image("out.tif")
    assert (labels.axes, labels.dtype, labels.pixel_size_um) == ("TYX", np.uint16, {"Y": 0.25, "X": 0.25})
    image = tifffile.imread("in.tif")
    options = {"diameter": 24, "saddle": 0.05, "smallest": 0, "axes": "TYX", "device": "cpu"}
    expected = napari_microdiff.segment(image, model="segment-tiny", samples=3, steps=4, **options)
    np.testing.assert_array_equal(labels.array, expected.labels)
    rows = table_of("objects.csv")
    assert len(rows) == int(np.max(labels.array)) > 1
    assert list(rows[0]) == ["label", "area", "confidence", "t", "y", "x"]
    np.testing.assert_allclose([float(row["confidence"]) for row in rows], expected.objects["confidence"], rtol=1e-5)


def test_one_evaluation_knows_no_confidence() -> None:
    assert code_of("segment", "in.tif", "out.ome.tif", *FAST, "--table", "objects.csv") == 0
    assert {row["confidence"] for row in table_of("objects.csv")} == {""}


def test_one_sample_of_no_said_steps_is_one_evaluation() -> None:
    assert code_of("segment", "in.tif", "one.tif", *FAST) == 0
    assert code_of("segment", "in.tif", "one-sample.tif", *FAST, "--samples", 1) == 0
    requests = [json.loads(read_image(name).description) for name in ("one.tif", "one-sample.tif")]
    assert requests[0][KEY]["request"] == requests[1][KEY]["request"]
    assert code_of("segment", "in.tif", "none.tif", *FAST, "--samples", 3, "--steps", 0) == 2


def test_colours_become_one_plane_of_labels() -> None:
    tifffile.imwrite("tissue.tif", np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8), photometric="rgb")
    assert code_of("segment", "tissue.tif", "out.png", *FAST, "--shown", "stained") == 0
    assert read_image("out.png").shape == (48, 64)


def test_what_was_done_can_be_done_again() -> None:
    job = {
        "task": "segment",
        "model": "segment-tiny",
        "options": {"diameter": 24, "saddle": 0.05, "smallest": 0},
        "input": "in.tif",
        "output": "again.tif",
        "table": "again.csv",
    }
    Path("job.yaml").write_text(yaml.safe_dump(job), encoding="utf-8")
    assert code_of("run", "job.yaml") == 0
    assert code_of("segment", "in.tif", "out.tif", *FAST) == 0
    np.testing.assert_array_equal(tifffile.imread("again.tif"), tifffile.imread("out.tif"))
    assert len(table_of("again.csv")) == int(tifffile.imread("out.tif").max())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--table", "objects.txt"), "ends in .csv"),
        (("--table", "nowhere/objects.csv"), "does not exist"),
        (("--table", "out.tif"), "named for two outputs"),
        (("--model", "tiny"), "is for 'denoise'"),
        (("--diameter", -3), "diameter"),
    ],
)
def test_an_error_leaves_no_file(words: tuple[object, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("segment", "in.tif", "out.tif", *FAST, *words) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
    assert [path.name for path in Path().iterdir()] == ["in.tif"]


def test_a_full_disk_leaves_neither_labels_nor_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from napari_microdiff.files.table import OutputTable

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(OutputTable, "write", full)
    assert code_of("segment", "in.tif", "out.tif", *FAST, "--table", "objects.csv") == 2
    assert "disk is full" in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["in.tif"]
