"""OME-Zarr as the package zarr reads it holds the labels, their axes and their pixel sizes."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from napari_microdiff.errors import FileError, ImageError
from napari_microdiff.files import Picture, write_zarr_labels

zarr = pytest.importorskip("zarr")
RNG = np.random.default_rng(5)


def read(path: Path, name: str = "objects") -> tuple[Any, dict[str, Any]]:
    group = zarr.open_group(path / "labels" / name, mode="r")
    return group, dict(group.attrs)["ome"]


def test_labels_axes_and_pixel_sizes_come_back(tmp_path: Path) -> None:
    labels = RNG.integers(0, 99, (2, 3, 300, 520)).astype(np.uint16)
    sizes = {"Z": 0.3, "Y": 0.07, "X": 0.065}
    write_zarr_labels(tmp_path / "a.ome.zarr", Picture(labels, "TZYX", sizes, time_step_s=2.5))
    group, ome = read(tmp_path / "a.ome.zarr")
    (multiscale,) = ome["multiscales"]
    assert [(axis["name"], axis["type"], axis["unit"]) for axis in multiscale["axes"]] == [
        ("t", "time", "second"),
        ("z", "space", "micrometer"),
        ("y", "space", "micrometer"),
        ("x", "space", "micrometer"),
    ]
    scales = [level["coordinateTransformations"] for level in multiscale["datasets"]]
    assert scales == [[{"type": "scale", "scale": [2.5, 0.3, 0.07 * 2**level, 0.065 * 2**level]}] for level in range(3)]
    stored = [group[level["path"]] for level in multiscale["datasets"]]
    assert [level.dtype for level in stored] == [np.uint16] * 3
    assert stored[0].metadata.dimension_names == ("t", "z", "y", "x")
    for power, level in enumerate(stored):
        np.testing.assert_array_equal(level[:], labels[..., :: 2**power, :: 2**power])
    assert ome["version"] == "0.5"
    assert "colors" not in ome["image-label"]


def test_the_labels_are_listed_and_there_is_no_image(tmp_path: Path) -> None:
    write_zarr_labels(tmp_path / "a.ome.zarr", Picture(np.ones((4, 5), np.uint8), "YX"), name="nuclei")
    root = zarr.open_group(tmp_path / "a.ome.zarr", mode="r", zarr_format=3)
    assert [name for name, _ in root.groups()] == ["labels"]
    assert not list(root.arrays())
    assert dict(root["labels"].attrs)["ome"]["labels"] == ["nuclei"]
    assert [level["path"] for level in read(tmp_path / "a.ome.zarr", "nuclei")[1]["multiscales"][0]["datasets"]] == [
        "0"
    ]


def test_unknown_sizes_have_no_unit(tmp_path: Path) -> None:
    write_zarr_labels(tmp_path / "a.zarr", Picture(np.ones((4, 5), np.uint8), "YX", {"X": 0.5}))
    (multiscale,) = read(tmp_path / "a.zarr")[1]["multiscales"]
    assert multiscale["axes"] == [{"name": "y", "type": "space"}, {"name": "x", "type": "space", "unit": "micrometer"}]
    assert multiscale["datasets"][0]["coordinateTransformations"][0]["scale"] == [1.0, 0.5]


def test_axes_are_put_into_the_order_of_the_format(tmp_path: Path) -> None:
    labels = RNG.integers(0, 9, (3, 2, 8, 6))
    write_zarr_labels(tmp_path / "a.zarr", Picture(labels, "ZTXY"))
    np.testing.assert_array_equal(read(tmp_path / "a.zarr")[0]["0"][:], labels.transpose(1, 0, 3, 2))


@given(
    labels=arrays(np.uint32, st.lists(st.integers(1, 5), min_size=2, max_size=5).map(tuple)),
)
def test_any_labels_come_back(tmp_path_factory: pytest.TempPathFactory, labels: NDArray[np.uint32]) -> None:
    path = tmp_path_factory.mktemp("zarr") / "a.ome.zarr"
    write_zarr_labels(path, Picture(labels, "TCZYX"[-labels.ndim :]))
    stored = read(path)[0]["0"][:]
    np.testing.assert_array_equal(stored, labels)
    assert stored.dtype == (np.uint16 if labels.max() < 2**16 else np.uint32)


def test_an_image_without_objects_is_kept(tmp_path: Path) -> None:
    write_zarr_labels(tmp_path / "a.zarr", Picture(np.zeros((4, 5), np.int32), "YX"))
    np.testing.assert_array_equal(read(tmp_path / "a.zarr")[0]["0"][:], np.zeros((4, 5)))


def test_what_is_known_of_objects_becomes_properties(tmp_path: Path) -> None:
    objects = {
        "label": np.array([1, 2]),
        "area": np.array([np.int64(3), np.int64(4)], dtype=object),
        "confidence": np.array([0.5, np.nan]),
        "state": np.array(["", "accepted"], dtype=object),
    }
    write_zarr_labels(tmp_path / "a.zarr", Picture(np.eye(2, dtype=int), "YX"), objects=objects)
    assert read(tmp_path / "a.zarr")[1]["image-label"]["properties"] == [
        {"label-value": 1, "area": 3, "confidence": 0.5},
        {"label-value": 2, "area": 4, "state": "accepted"},
    ]


def test_an_existing_folder_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(FileError, match="exists already"):
        write_zarr_labels(tmp_path / "a.zarr", Picture(np.eye(2, dtype=int), "YX"))
    assert os.listdir(tmp_path) == ["a.zarr"]
    assert not os.listdir(tmp_path / "a.zarr")


@pytest.mark.parametrize("where", ["zarr.Group.create_array", "zarr.Array.__setitem__", "os.rename"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(where, full)
    with pytest.raises(FileError, match="The disk is full"):
        write_zarr_labels(tmp_path / "a.zarr", Picture(np.eye(2, dtype=int), "YX"))
    assert not list(tmp_path.iterdir())


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zarr.Array.__setitem__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_zarr_labels(tmp_path / "a.zarr", Picture(np.eye(2, dtype=int), "YX"))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_missing_or_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = Picture(np.eye(2, dtype=int), "YX")
    with pytest.raises(FileError, match="does not exist"):
        write_zarr_labels(tmp_path / "gone" / "a.zarr", labels)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(FileError, match="no permission to write"):
        write_zarr_labels(tmp_path / "a.zarr", labels)


def test_the_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(FileError, match=r'pip install "napari-microdiff\[zarr\]"'):
        write_zarr_labels(tmp_path / "a.zarr", Picture(np.eye(2, dtype=int), "YX"))
    assert not list(tmp_path.iterdir())


def test_what_is_no_label_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="whole numbers"):
        write_zarr_labels(tmp_path / "a.zarr", Picture(np.full((2, 2), 0.5), "YX"))
    with pytest.raises(FileError, match="positions"):
        write_zarr_labels(tmp_path / "a.zarr", Picture(np.ones((2, 2, 2), int), "PYX"))
