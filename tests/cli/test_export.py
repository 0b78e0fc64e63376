"""``napari-microdiff export``: what becomes of files, and of mistakes."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from roifile import roiread

from napari_microdiff.cli import main
from napari_microdiff.files import read_image, write_image
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.segment.recipe import SegmentRecipe
from napari_microdiff.training.segment.sources import load_planes

SIDE, STEP = 128, 32


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with an image, its labels, and a table of them."""
    monkeypatch.chdir(tmp_path)
    y, x = np.mgrid[:SIDE, :SIDE]
    inside = np.hypot(y % STEP - 16, x % STEP - 16) <= 7
    labels = np.where(inside, y // STEP * 4 + x // STEP + 1, 0)
    stack = np.stack([labels, np.where(labels > 0, labels + 16, 0)])
    record = {"napari_microdiff": {"request": {"model": "segment-nuclei", "options": {"shown": "dark"}}}}
    write_image("labels.ome.tif", stack, axes="TYX", dtype=np.uint16, description=json.dumps(record))
    write_image("image.tif", 200 - 150 * (stack > 0), axes="TYX", dtype=np.uint8, pixel_size_um={"Y": 0.5, "X": 0.25})
    rows = [(label, 0.5, "auto" if label == 20 else "accepted") for label in range(1, 33)]
    with Path("objects.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("index", "confidence", "state"), *rows])
    return tmp_path


GIVEN = {"labels.ome.tif", "image.tif", "objects.csv"}


def code_of(*words: object) -> Any:
    with pytest.raises(SystemExit) as stop:
        main(["export", *(str(word) for word in words)])
    return stop.value.code


def made() -> set[str]:
    return {path.name for path in Path().iterdir()} - GIVEN


def test_rois() -> None:
    assert code_of("labels.ome.tif", "cells.zip") == 0
    rois = roiread("cells.zip")
    assert isinstance(rois, list)
    assert [roi.name for roi in rois][15:18] == ["16 t1", "17 t2", "18 t2"]
    assert made() == {"cells.zip"}


def test_ome_zarr_with_pixel_sizes_of_the_image_and_what_is_known() -> None:
    zarr = pytest.importorskip("zarr")
    assert code_of("labels.ome.tif", "cells.ome.zarr", "--image", "image.tif", "--table", "objects.csv") == 0
    group = zarr.open_group("cells.ome.zarr/labels/objects", mode="r")
    np.testing.assert_array_equal(group["0"][:], read_image("labels.ome.tif").array)
    ome = dict(group.attrs)["ome"]
    assert ome["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"] == [1.0, 0.5, 0.25]
    assert ome["image-label"]["properties"][19] == {"label-value": 20, "confidence": 0.5, "state": "auto"}


@pytest.mark.parametrize(("largest", "dtype"), [(65_535, np.uint16), (65_536, np.uint32)])
def test_ome_tiff_keeps_numbers_and_where_they_come_from(largest: int, dtype: type) -> None:
    labels = np.zeros((2, 4, 4), np.int32)
    labels[1, 2, 2] = largest
    write_image("many.tif", labels, axes="ZYX", description='{"a": 1}')
    assert code_of("many.tif", "out.ome.tif") == 0
    picture = read_image("out.ome.tif")
    np.testing.assert_array_equal(picture.array, labels)
    assert (picture.axes, picture.dtype, picture.description) == ("ZYX", dtype, '{"a": 1}')


def test_a_table_of_what_is_measured_and_known() -> None:
    assert code_of("labels.ome.tif", "cells.csv", "--table", "objects.csv") == 0
    with Path("cells.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    area = str(int((read_image("labels.ome.tif").array == 20).sum()))
    assert rows[19] == {
        "label": "20", "area": area, "t": "1", "y": "16", "x": "112", "confidence": "0.5", "state": "auto",
    }  # fmt: skip


def test_an_image_without_objects() -> None:
    write_image("none.tif", np.zeros((8, 8), np.uint16))
    assert [code_of("none.tif", name) for name in ("out.ome.tif", "out.csv")] == [0, 0]
    assert Path("out.csv").read_text(encoding="utf-8") == "label,area,y,x\n"
    assert code_of("none.tif", "out.zip") == 2


def test_a_training_set(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("labels.ome.tif", "set", "--training-set", "--image", "image.tif", "--table", "objects.csv")
    assert code_of(*words) == 0
    said = capsys.readouterr().err
    assert "planes: 1 whole, 1 in part" in said
    assert f"napari-microdiff train {Path('set', 'recipe.yaml')} --data set\n" in said
    assert f"wrote {Path('set', 'dark')}" in said
    assert "exported to the folder before" not in said
    assert code_of(*words) == 0
    assert "exported to the folder before" in capsys.readouterr().err
    recipe = read_recipe("set/recipe.yaml")
    assert isinstance(recipe, SegmentRecipe)
    assert recipe.labelled[0].shown == "dark"  # as the labels were made
    assert load_planes(recipe, Path("set"), validation=True)
    facts = json.loads(next(Path("set/dark").glob("00001-*/export.json")).read_text(encoding="utf-8"))
    assert facts["made_by"]["request"]["model"] == "segment-nuclei"
    assert facts["states"] == {"accepted": 31, "auto": 1}
    assert facts["date"][:2] == "20"


def test_all_objects_may_be_accepted_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    tifffile.imwrite("plane.tif", read_image("image.tif").array[0])
    tifffile.imwrite("plane labels.tif", np.where(read_image("labels.ome.tif").array[0] == 6, 6, 0).astype(np.uint8))
    words = ("plane labels.tif", "set", "--training-set", "--image", "plane.tif", "--accept-all", "--shown", "bright")
    assert code_of(*words) == 0
    said = capsys.readouterr().err
    assert "crops: 1, objects: 1; planes: 1 whole" in said
    facts = json.loads(next(Path("set/bright").glob("00001-*/export.json")).read_text(encoding="utf-8"))
    assert facts["made_by"] == {"accepted": "all objects at once"}
    assert "training needs a second crop" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("labels.ome.tif", "cells.roi"), "format is not known"),
        (("labels.ome.tif", "nowhere/cells.zip"), "does not exist"),
        (("labels.ome.tif", "nowhere/cells.csv"), "does not exist"),
        (("labels.ome.tif", "nowhere/cells.zarr"), "does not exist"),
        (("labels.ome.tif", "image.tif"), "exists already"),
        (("labels.ome.tif", "labels.ome.tif", "--overwrite"), "is read itself"),
        (("labels.ome.tif", "objects.csv", "--table", "objects.csv", "--overwrite"), "is read itself"),
        (("labels.ome.tif", "cells.png"), "single plane"),
        (("gone.tif", "cells.zip"), "There is no file"),
        (("labels.ome.tif", "cells.zip", "--axes", "YX"), "one letter per axis"),
        (("labels.ome.tif", "cells.zip", "--image", "small.tif"), "Choose the image that was segmented"),
        (("labels.ome.tif", "cells.csv", "--table", "image.tif"), "damaged"),
        (("labels.ome.tif", "set", "--training-set", "--table", "objects.csv"), "as --image"),
        (("labels.ome.tif", "set", "--training-set", "--image", "image.tif"), "--accept-all"),
    ],
)
def test_an_error_is_one_line_and_leaves_no_file(
    words: tuple[object, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "small.tif" in words:
        write_image("small.tif", np.zeros((2, 8, 8), np.uint8), axes="TYX")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert code_of(*words) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert message in error
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_existing_files_are_replaced_when_asked() -> None:
    Path("cells.zip").write_bytes(b"earlier")
    assert code_of("labels.ome.tif", "cells.zip") == 2
    assert Path("cells.zip").read_bytes() == b"earlier"
    assert code_of("labels.ome.tif", "cells.zip", "--overwrite") == 0
    assert len(roiread("cells.zip")) == 32  # type: ignore[arg-type]


def test_an_existing_ome_zarr_is_never_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("zarr")
    Path("cells.zarr").mkdir()
    assert code_of("labels.ome.tif", "cells.zarr", "--overwrite") == 2
    assert "exists already" in capsys.readouterr().err


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "zarr", None)
    assert code_of("labels.ome.tif", "cells.zarr") == 2
    assert "napari-microdiff[zarr]" in capsys.readouterr().err


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    for words in (("a.zip",), ("a.csv",), ("a.ome.tif",), ("a", "--training-set", "--image", "image.tif")):
        assert code_of("labels.ome.tif", *words, *(("--table", "objects.csv") if len(words) > 1 else ())) == 2
        assert "disk is full" in capsys.readouterr().err
    assert made() == set()


def test_labels_of_another_program_may_remember_anything() -> None:
    for number, text in enumerate(('["napari_microdiff"]', '{"napari_microdiff": {"request": [1]}}', "no JSON")):
        write_image(f"{number}.tif", read_image("labels.ome.tif").array, axes="TYX", description=text)
        words = (f"{number}.tif", "set", "--training-set", "--image", "image.tif", "--accept-all")
        assert code_of(*words) == 0
    assert len(list(Path("set/bright").iterdir())) == 3
