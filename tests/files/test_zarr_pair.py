"""An image and its labels in one OME-Zarr: pixels, places in the world, and that nothing half-written stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from napari_microdiff.errors import FileError
from napari_microdiff.files import Picture
from napari_microdiff.files.zarr_levels import image_levels
from napari_microdiff.files.zarr_pair import write_zarr_pair

zarr = pytest.importorskip("zarr")
RNG = np.random.default_rng(7)
SIZES = {"Y": 0.5, "X": 0.25}
LABELS = Picture(RNG.integers(0, 9, (300, 280)).astype(np.uint16), "YX", SIZES)
GREY = Picture(RNG.integers(0, 60000, (300, 280)).astype(np.uint16), "YX", SIZES)
COLOURED = Picture(RNG.integers(0, 255, (300, 280, 3)).astype(np.uint8), "YXS", SIZES)


def test_image_and_labels_come_back_with_what_is_known_of_them(tmp_path: Path) -> None:
    write_zarr_pair(tmp_path / "1.ome.zarr", GREY, LABELS, {"napari_microdiff": {"synthetic": True}})
    root = zarr.open_group(tmp_path / "1.ome.zarr", mode="r")
    np.testing.assert_array_equal(root["0"][:], GREY.array)
    np.testing.assert_array_equal(root["labels/objects/0"][:], LABELS.array)
    np.testing.assert_array_equal(root["labels/objects/1"][:], LABELS.array[::2, ::2])
    assert root["labels"].attrs["ome"]["labels"] == ["objects"]
    for group in (root, root["labels/objects"]):
        assert group.attrs["napari_microdiff"] == {"synthetic": True}
        (described,) = group.attrs["ome"]["multiscales"]
        assert [axis["unit"] for axis in described["axes"]] == ["micrometer", "micrometer"]
        assert described["datasets"][0]["coordinateTransformations"] == [{"type": "scale", "scale": [0.5, 0.25]}]
    assert "omero" not in root.attrs["ome"]


def test_colours_are_channels(tmp_path: Path) -> None:
    write_zarr_pair(tmp_path / "1.ome.zarr", COLOURED, LABELS, {})
    root = zarr.open_group(tmp_path / "1.ome.zarr", mode="r")
    np.testing.assert_array_equal(root["0"][:], np.moveaxis(COLOURED.array, -1, 0))
    assert root["0"].metadata.dimension_names == ("c", "y", "x")
    channels = root.attrs["ome"]["omero"]["channels"]
    assert [channel["color"] for channel in channels] == ["FF0000", "00FF00", "0000FF"]


def test_every_level_lies_on_the_one_before(tmp_path: Path) -> None:
    """A ramp is its own coarser level at the places that the metadata give."""
    ramp = Picture(np.add.outer(3.0 * np.arange(512), np.arange(600.0)), "YX", SIZES)
    write_zarr_pair(tmp_path / "1.ome.zarr", ramp, Picture(np.zeros((512, 600), np.uint8), "YX"), {})
    root = zarr.open_group(tmp_path / "1.ome.zarr", mode="r")
    (described,) = root.attrs["ome"]["multiscales"]
    assert len(described["datasets"]) == 3
    for dataset in described["datasets"]:
        steps = {step["type"]: step for step in dataset["coordinateTransformations"]}
        scale, moved = steps["scale"]["scale"], steps.get("translation", {"translation": [0.0, 0.0]})["translation"]
        level = root[dataset["path"]][:]
        rows, columns = (np.arange(n) * s + t for n, s, t in zip(level.shape, scale, moved, strict=True))
        np.testing.assert_allclose(level, np.add.outer(3 * rows / SIZES["Y"], columns / SIZES["X"]))


@given(arrays(np.uint8, st.tuples(st.integers(257, 300), st.integers(1, 5))))
def test_a_coarser_level_keeps_type_and_range(pixels: NDArray[np.uint8]) -> None:
    _, coarse = image_levels(pixels)
    assert coarse.dtype == np.uint8
    assert coarse.shape == ((pixels.shape[0] + 1) // 2, (pixels.shape[1] + 1) // 2)
    assert pixels.min() <= coarse.min() <= coarse.max() <= pixels.max()


@pytest.mark.parametrize("where", ["zarr.Group.create_array", "os.rename"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(where, full)
    with pytest.raises(FileError, match="The disk is full"):
        write_zarr_pair(tmp_path / "1.ome.zarr", GREY, LABELS, {})
    assert not list(tmp_path.iterdir())
