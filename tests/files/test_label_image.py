from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_microdiff.errors import FileError, ImageError, RequestError
from napari_microdiff.files import (
    OutputTable,
    Picture,
    as_labels,
    describe_objects,
    on_image,
    read_table,
    write_images,
)

STACK = np.random.default_rng(3).integers(0, 5, (4, 6, 7))


@pytest.mark.parametrize(("largest", "dtype"), [(65_535, np.uint16), (65_536, np.uint32), (2**32 - 1, np.uint32)])
def test_numbers_are_kept_in_as_few_bits_as_will_do(largest: int, dtype: type) -> None:
    for kind in (np.int64, np.float64):
        labels = as_labels(Picture(np.array([[0, largest]], dtype=kind), "YX"))
        assert labels.array.dtype == dtype
        assert labels.array.tolist() == [[0, largest]]


@pytest.mark.parametrize("wrong", [[[0, -1]], [[0, 2**32]], [[0.0, 0.5]], [[0.0, np.nan]], [[0j, 1j]]])
def test_what_is_no_label(wrong: list[list[complex]]) -> None:
    with pytest.raises(ImageError, match="whole numbers from 0"):
        as_labels(Picture(np.array(wrong), "YX", path=Path("a.tif")))


def test_colours_and_wrong_axes() -> None:
    with pytest.raises(ImageError, match="in colours"):
        as_labels(Picture(np.zeros((4, 4, 3), np.uint8), "YXS"))
    with pytest.raises(RequestError, match="one letter per axis"):
        as_labels(Picture(np.zeros((4, 4), np.uint8), "ZYX"))
    assert as_labels(Picture(np.ones((2, 2), bool), "YX")).array.dtype == np.uint16


def test_axes_are_brought_into_one_order() -> None:
    labels = as_labels(Picture(STACK, "YZX"))
    assert labels.axes == "ZYX"
    np.testing.assert_array_equal(labels.array, STACK.swapaxes(0, 1))


def test_the_image_tells_what_the_labels_do_not() -> None:
    image = Picture(np.zeros((4, 2, 6, 7)), "TCYX", {"Y": 0.1, "X": 0.1}, time_step_s=3.0)
    labels = on_image(Picture(STACK, "TYX", {"X": 0.2}), image)
    assert (labels.axes, labels.pixel_size_um, labels.time_step_s) == ("TYX", {"Y": 0.1, "X": 0.2}, 3.0)
    guessed = on_image(Picture(STACK, "ZYX"), Picture(np.zeros((4, 6, 7)), "TYX"))
    assert guessed.axes == "TYX"
    single = on_image(Picture(STACK[:, None], "TCYX"), Picture(np.zeros((4, 6, 7)), "TYX"))
    assert single.axes == "TYX"
    np.testing.assert_array_equal(single.array, STACK)


def test_labels_of_another_image() -> None:
    for axes, shape in (("ZYX", (4, 6, 8)), ("YX", (6, 7)), ("TZYX", (2, 4, 6, 9))):
        with pytest.raises(ImageError, match=r"labels have the axes ZYX and the shape \(4, 6, 7\)"):
            on_image(Picture(STACK, "ZYX"), Picture(np.zeros(shape), axes))


def test_facts_about_objects_are_those_of_scipy() -> None:
    columns = describe_objects(as_labels(Picture(STACK * 1000, "ZYX")))
    numbers = np.arange(1, 5)
    centres = np.array(ndimage.center_of_mass(STACK > 0, STACK, numbers))
    np.testing.assert_array_equal(columns["label"], numbers * 1000)
    np.testing.assert_array_equal(columns["area"], np.bincount(STACK.ravel())[1:])
    np.testing.assert_allclose(np.stack([columns[axis] for axis in "zyx"], axis=1), centres)


def test_a_table_is_joined_by_label(tmp_path: Path) -> None:
    known = {
        "label": np.array([3, 1]),
        "area": np.array([0, 0]),
        "confidence": np.array([0.25, np.nan]),
        "state": np.array(["accepted", "auto"], dtype=object),
    }
    labels = as_labels(Picture(np.array([[1, 2, 3]]), "YX"))
    write_images([OutputTable(tmp_path / "a.csv", describe_objects(labels, known))])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines() == [
        "label,area,y,x,confidence,state",
        "1,1,0,0,,auto",
        "2,1,0,1,,",
        "3,1,0,2,0.25,accepted",
    ]
    again = read_table(tmp_path / "a.csv")
    assert again["label"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(again["confidence"], [np.nan, np.nan, 0.25])
    assert again["state"].tolist() == ["auto", "", "accepted"]


def test_numbers_of_tracks_stay_different(tmp_path: Path) -> None:
    columns = {
        "label": np.array([1, 2]),
        "track": np.array([1234567.0, 1234568.0]),
        "share": np.array([0.1, 1 / 3]),
        "sure": np.array([0.1, np.nan], dtype=np.float32),
        "huge": np.array([1e300, np.inf]),
    }
    write_images([OutputTable(tmp_path / "a.csv", columns)])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "1,1234567,0.1,0.1,1e+300",
        "2,1234568,0.3333333333,,inf",
    ]


def test_an_image_without_objects_has_an_empty_table(tmp_path: Path) -> None:
    labels = as_labels(Picture(np.zeros((3, 3), int), "YX"))
    write_images([OutputTable(tmp_path / "a.csv", describe_objects(labels))])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines() == ["label,area,y,x"]
    assert read_table(tmp_path / "a.csv")["label"].tolist() == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'label'"),
        ("area,state\n1,auto\n", "no column 'label'"),
        ("label,state\n1\n", "more or fewer cells"),
        ("label,state\n1,auto\n1,auto\n", "a different whole number"),
        ("index,state\n1.5,auto\n", "a different whole number"),
    ],
)
def test_what_is_no_table(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match=message):
        read_table(tmp_path / "a.csv")


def test_tables_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no file"):
        read_table(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00label")
    with pytest.raises(FileError, match="damaged"):
        read_table(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("index,state\n\n7,auto\n", encoding="utf-8-sig")
    assert read_table(tmp_path / "a.csv")["label"].tolist() == [7]
