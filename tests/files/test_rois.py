"""ROIs as another program reads them hold the pixels of the objects."""

from __future__ import annotations

import errno
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from roifile import ROI_TYPE, ImagejRoi, roiread
from skimage.draw import disk, polygon

from napari_microdiff.errors import FileError, ImageError
from napari_microdiff.files import Picture
from napari_microdiff.files.rois import write_rois


def read(path: Path) -> list[ImagejRoi]:
    found = roiread(path)
    assert isinstance(found, list)
    return found


def mask_of(roi: ImagejRoi, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the pixels whose centres lie inside an ROI; those of holes do so twice."""
    mask = np.zeros(shape, dtype=bool)
    for corners in roi.coordinates(multi=True):
        x, y = np.asarray(corners, dtype=float).T
        mask[polygon(y - 0.5, x - 0.5, shape)] ^= True
    return mask


def drawn(rois: list[ImagejRoi], shape: tuple[int, ...]) -> NDArray[np.int64]:
    labels = np.zeros(shape, dtype=int)
    for roi in rois:
        labels[mask_of(roi, shape)] = int(roi.name.split()[0])
    return labels


def blobs() -> NDArray[np.uint16]:
    """Return discs, one cut by the border, one with a hole, one in two pieces, and single pixels."""
    labels = np.zeros((90, 120), dtype=np.uint16)
    for number, (y, x, radius) in enumerate([(20, 25, 9.5), (0, 60, 12), (50, 30, 14), (80, 110, 15)], start=1):
        labels[disk((y, x), radius, shape=labels.shape)] = number
    labels[48:53, 28:33] = 0
    labels[60:66, 70:76] = labels[70:76, 85:91] = 5
    labels[0, 0] = labels[-1, 0] = 6
    labels[40, 90] = 4000
    return labels


def test_masks_come_back(tmp_path: Path) -> None:
    labels = blobs()
    write_rois(tmp_path / "cells.zip", Picture(labels, "YX"))
    rois = read(tmp_path / "cells.zip")
    assert [roi.name for roi in rois] == ["1", "2", "3", "4", "5", "6", "4000"]
    for roi in rois:
        truth, found = labels == int(roi.name), mask_of(roi, labels.shape)
        assert (truth & found).sum() / (truth | found).sum() >= (0.95 if truth.sum() > 30 else 0.5)
    np.testing.assert_array_equal(drawn(rois, labels.shape), labels)
    assert os.listdir(tmp_path) == ["cells.zip"]


def test_one_outline_is_a_polygon_and_several_are_a_composite(tmp_path: Path) -> None:
    write_rois(tmp_path / "cells.zip", Picture(blobs(), "YX"))
    kinds = {roi.name: (roi.roitype, len(roi.coordinates(multi=True))) for roi in read(tmp_path / "cells.zip")}
    assert kinds["1"] == kinds["2"] == kinds["4000"] == (ROI_TYPE.TRACED, 1)
    assert kinds["3"] == kinds["5"] == kinds["6"] == (ROI_TYPE.RECT, 2)


@given(labels=arrays(np.uint32, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=st.integers(0, 3)))
def test_any_labels_come_back(tmp_path_factory: pytest.TempPathFactory, labels: NDArray[np.uint32]) -> None:
    path = tmp_path_factory.mktemp("rois") / "a.zip"
    if not labels.any():
        with pytest.raises(ImageError, match="no objects"):
            write_rois(path, Picture(labels, "YX"))
        assert not path.exists()
        return
    write_rois(path, Picture(labels * 10**6, "YX"))
    rois = read(path)
    assert len(rois) == len(np.unique(labels[labels > 0]))
    np.testing.assert_array_equal(drawn(rois, labels.shape), labels * 10**6)
    for roi in rois:
        rows, columns = np.nonzero(labels * 10**6 == int(roi.name))
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert (roi.left, roi.top, roi.right, roi.bottom) == box


def test_planes_of_a_stack_are_counted_from_one(tmp_path: Path) -> None:
    labels = np.zeros((3, 8, 9), dtype=np.uint16)
    labels[1:, 2:5, 2:5], labels[2, 6:, 6:] = 7, 8
    write_rois(tmp_path / "a.zip", Picture(labels, "ZYX"))
    facts = [(roi.name, roi.position, roi.z_position) for roi in read(tmp_path / "a.zip")]
    assert facts == [("7 z2", 2, 0), ("7 z3", 3, 0), ("8 z3", 3, 0)]


def test_places_in_a_hyperstack(tmp_path: Path) -> None:
    labels = np.zeros((2, 3, 8, 9), dtype=np.uint16)
    labels[1, 2, 2:5, 2:5] = 7
    write_rois(tmp_path / "a.zip", Picture(labels.swapaxes(0, 1), "ZTYX"))
    (roi,) = read(tmp_path / "a.zip")
    assert (roi.name, roi.position) == ("7 t2 z3", 0)
    assert (roi.t_position, roi.z_position, roi.c_position) == (2, 3, 0)


def test_objects_of_one_channel_lie_on_all_channels_of_the_image(tmp_path: Path) -> None:
    labels = np.zeros((2, 8, 9), dtype=np.uint16)
    labels[1, 2:5, 2:5] = 7
    image = Picture(np.zeros((2, 3, 8, 9), np.uint8), "TCYX")
    write_rois(tmp_path / "a.zip", Picture(labels, "TYX"), image=image)
    (roi,) = read(tmp_path / "a.zip")
    assert (roi.position, roi.t_position, roi.c_position) == (0, 2, 0)


def test_more_objects_than_sixteen_bits_count(tmp_path: Path) -> None:
    labels = np.zeros((2, 2), dtype=np.uint32)
    labels[0] = 65_536, 4_294_967_295
    write_rois(tmp_path / "a.zip", Picture(labels, "YX"))
    assert [roi.name for roi in read(tmp_path / "a.zip")] == ["65536", "4294967295"]


def test_a_large_image_reaches_as_far_as_the_format_does(tmp_path: Path) -> None:
    labels = np.zeros((3, 60_535), dtype=np.uint16)
    labels[1:, 60_530:] = 1
    write_rois(tmp_path / "a.zip", Picture(labels, "YX"))
    np.testing.assert_array_equal(drawn(read(tmp_path / "a.zip"), labels.shape), labels)
    with pytest.raises(FileError, match="no farther than 60535"):
        write_rois(tmp_path / "b.zip", Picture(np.ones((60_536, 1), np.uint8), "YX"))


def test_positions_have_no_place(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="positions"):
        write_rois(tmp_path / "a.zip", Picture(np.ones((2, 4, 4), np.uint8), "PYX"))
    write_rois(tmp_path / "a.zip", Picture(np.ones((1, 4, 4), np.uint8), "PYX"))


def test_the_same_labels_give_the_same_file_and_replace_an_old_one(tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(b"earlier")
    for name in ("a.zip", "b.zip"):
        write_rois(tmp_path / name, Picture(blobs(), "YX"))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize("where", ["os.fsync", "os.replace", "zipfile.ZipFile.writestr"])
def test_a_full_disk_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "a.zip").write_bytes(b"earlier")
    monkeypatch.setattr(where, full)
    with pytest.raises(FileError, match=r"The disk is full: .*a\.zip was not written"):
        write_rois(tmp_path / "a.zip", Picture(blobs(), "YX"))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"earlier"]


def test_a_folder_that_is_missing_or_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError, match="does not exist"):
        write_rois(tmp_path / "gone" / "a.zip", Picture(blobs(), "YX"))

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(FileError, match="no permission to write"):
        write_rois(tmp_path / "a.zip", Picture(blobs(), "YX"))
    assert not list(tmp_path.iterdir())
