"""Round trips keep what a pixel means; failures leave the folder as it was."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_microdiff.errors import FileError, RequestError
from napari_microdiff.files import Picture, check_writable, prepare, read_image, tiff_writer, write_image, write_images
from napari_microdiff.files.convert import convert
from napari_microdiff.files.table import OutputTable

RNG = np.random.default_rng(11)
SIZES = {"Z": 0.3, "Y": 0.07, "X": 0.065}
REQUEST = json.dumps({"request": {"model": "denoise-em", "seed": 3}, "note": "µm <&> {}"})


@pytest.mark.parametrize("name", ["out.tif", "out.tiff", "out.ome.tif", "out.ome.tiff"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "uint32", "float32", "float64"])
@pytest.mark.parametrize(("shape", "axes"), [((24, 32), "YX"), ((5, 24, 32), "ZYX"), ((2, 3, 4, 24, 32), "TZCYX")])
def test_tiff_round_trip(tmp_path: Path, name: str, dtype: str, shape: tuple[int, ...], axes: str) -> None:
    array = RNG.integers(0, 120, shape).astype(dtype)
    write_image(tmp_path / name, array, axes=axes, pixel_size_um=SIZES, description=REQUEST)
    picture = read_image(tmp_path / name)
    np.testing.assert_array_equal(picture.array, array)
    assert (picture.axes, picture.dtype) == (axes, np.dtype(dtype))
    expected = {letter: size for letter, size in SIZES.items() if letter in axes}
    assert {letter: picture.pixel_size_um[letter] for letter in expected} == expected
    assert picture.description == REQUEST
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["out.tif", "out.ome.tif", "out.png"])
def test_colour_round_trip(tmp_path: Path, name: str) -> None:
    array = RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    write_image(tmp_path / name, array, axes="YXS", pixel_size_um={"Y": 0.5, "X": 0.5}, description=REQUEST)
    picture = read_image(tmp_path / name)
    np.testing.assert_array_equal(picture.array, array)
    assert picture.axes == "YXS"
    assert picture.pixel_size_um == {"Y": 0.5, "X": 0.5}
    assert picture.description == REQUEST


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_round_trip(tmp_path: Path, dtype: type) -> None:
    array = RNG.integers(0, 255, (24, 32)).astype(dtype)
    write_image(tmp_path / "out.png", array, pixel_size_um={"Y": 0.065, "X": 0.065}, description=REQUEST)
    picture = read_image(tmp_path / "out.png")
    np.testing.assert_array_equal(picture.array, array)
    assert picture.dtype == dtype
    assert picture.pixel_size_um == {"Y": 0.065, "X": 0.065}
    assert picture.description == REQUEST


def test_like_keeps_what_the_input_says(tmp_path: Path) -> None:
    like = Picture(np.zeros((2, 24, 32), np.uint16), "CYX", {"Y": 0.1, "X": 0.1}, ("actin", "nuclei"), time_step_s=None)
    computed = RNG.normal(100, 50, (2, 24, 32)).astype(np.float32)
    computed[0, 0, :3] = [-5, 70000, np.nan]
    write_image(tmp_path / "out.ome.tif", computed, like=like)
    picture = read_image(tmp_path / "out.ome.tif")
    assert (picture.axes, picture.dtype) == ("CYX", np.uint16)
    assert picture.channel_names == ("actin", "nuclei")
    assert picture.pixel_size_um == {"Y": 0.1, "X": 0.1}
    assert picture.array[0, 0, :3].tolist() == [0, 65535, 0]
    np.testing.assert_array_equal(picture.array[1], np.clip(np.rint(computed[1]), 0, None).astype(np.uint16))


@pytest.mark.parametrize("axes", ["CYX", "TZCYX", "CZYX", "ZTCYX"])
def test_names_of_channels_are_kept_in_imagejs_tiff(tmp_path: Path, axes: str) -> None:
    lengths = {"C": 2, "Z": 3, "T": 4, "Y": 24, "X": 32}
    shape = tuple(lengths[letter] for letter in axes)
    array = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    like = Picture(array, axes, {"Y": 0.1, "X": 0.1}, ("actin", "nuclei"))
    image = prepare(tmp_path / "out.tif", array, like=like)
    assert image.dialect == "imagej"
    write_images([image])
    assert read_image(tmp_path / "out.tif").channel_names == ("actin", "nuclei")
    with tifffile.TiffFile(tmp_path / "out.tif") as tif:
        labels = (tif.imagej_metadata or {})["Labels"]
    assert labels == ["actin", "nuclei"] * (len(labels) // 2)


@pytest.mark.parametrize("labels", [["one", "two", "three", "four"], ["a", "b"]])
def test_labels_that_differ_among_the_planes_of_a_channel_are_no_names(tmp_path: Path, labels: list[str]) -> None:
    stack = np.zeros((2, 2, 24, 32), np.uint8)
    tifffile.imwrite(tmp_path / "in.tif", stack, imagej=True, metadata={"axes": "ZCYX", "Labels": labels})
    assert read_image(tmp_path / "in.tif").channel_names == (tuple(labels) if len(labels) == 2 else ())


def test_imagej_display_is_kept(tmp_path: Path) -> None:
    stack = RNG.integers(0, 255, (2, 24, 32), dtype=np.uint8)
    lut = np.stack([np.arange(256, dtype=np.uint8), np.zeros(256, np.uint8), np.zeros(256, np.uint8)])
    metadata = {"axes": "CYX", "mode": "composite", "LUTs": [lut, lut[::-1]]}
    tifffile.imwrite(tmp_path / "in.tif", stack, imagej=True, metadata=metadata)
    write_image(tmp_path / "out.tif", stack, like=read_image(tmp_path / "in.tif"))
    display = read_image(tmp_path / "out.tif").metadata["imagej"]
    assert display["mode"] == "composite"
    np.testing.assert_array_equal(display["LUTs"], [lut, lut[::-1]])
    finer = np.zeros((2, 48, 64), np.uint8)
    write_image(tmp_path / "finer.tif", finer, like=read_image(tmp_path / "in.tif"))
    assert read_image(tmp_path / "finer.tif").metadata["imagej"]["mode"] == "composite"
    write_image(tmp_path / "one.tif", stack[:1], like=read_image(tmp_path / "in.tif"))
    assert read_image(tmp_path / "one.tif").metadata["imagej"] == {"mode": "grayscale"}


def test_what_imagej_takes_grey_levels_for_is_kept_with_their_type(tmp_path: Path) -> None:
    """ImageJ has no signed numbers: it writes them as unsigned ones, and says what these mean."""
    signed = {"cf": 0, "c0": -32768.0, "c1": 1.0, "vunit": "gray value"}
    stack = RNG.integers(30000, 40000, (3, 24, 32), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", stack, imagej=True, metadata={"axes": "ZYX", **signed})
    picture = read_image(tmp_path / "in.tif")
    made = {
        "same": prepare(tmp_path / "same.tif", stack.astype(np.float32), like=picture, axes="TYX"),
        "float": prepare(tmp_path / "float.tif", stack, like=picture, dtype=np.float32),
        "labels": prepare(tmp_path / "labels.tif", stack, like=picture.uncalibrated),
    }
    write_images(list(made.values()))
    for name, image in made.items():
        assert image.dialect == "imagej"
        with tifffile.TiffFile(tmp_path / f"{name}.tif") as tif:
            told = {key: value for key, value in (tif.imagej_metadata or {}).items() if key in signed}
        assert told == (signed if name == "same" else {})


def test_a_unit_of_grey_levels_may_have_letters_that_imagej_escapes(tmp_path: Path) -> None:
    stack = np.zeros((3, 24, 32), np.uint16)
    like = Picture(stack, "ZYX", metadata={"calibration": {"cf": 0, "c0": 1.0, "c1": 2.0, "vunit": "µV"}})
    write_image(tmp_path / "out.tif", stack, like=like)
    assert read_image(tmp_path / "out.tif").metadata["calibration"]["vunit"] == "\\u00B5V"


@pytest.mark.parametrize(
    ("name", "axes", "dtype", "dialect", "stored"),
    [
        ("a.tif", "CZYX", "uint16", "imagej", "ZCYX"),
        ("a.ome.tif", "CZYX", "uint16", "ome", "CZYX"),
        ("a.tif", "CZYX", "int16", "ome", "CZYX"),
        ("a.tif", "ZYXC", "float32", "imagej", "ZCYX"),
        ("a.tif", "ZCYX", "int64", "plain", "ZCYX"),
        ("a.tif", "PZYX", "uint8", "plain", "PZYX"),
    ],
)
def test_dialects(tmp_path: Path, name: str, axes: str, dtype: str, dialect: str, stored: str) -> None:
    array = RNG.integers(0, 99, (2, 5, 24, 32)).astype(dtype)
    like = Picture(array, axes, SIZES, channel_names=("a", "b", "c"), time_step_s=0.5)
    image = prepare(tmp_path / name, array, like=like)
    assert image.dialect == dialect
    write_images([image])
    picture = read_image(tmp_path / name)
    assert picture.axes == stored
    np.testing.assert_array_equal(picture.array, array.transpose([axes.index(letter) for letter in stored]))
    assert picture.pixel_size_um == SIZES
    assert picture.channel_names == ()
    assert picture.time_step_s == 0.5


@pytest.mark.parametrize("sizes", [{"X": 0.065}, {"Z": 0.7}, {"Z": 0.7, "X": 0.1}, {}])
def test_pixel_sizes_that_are_not_known_stay_unknown(tmp_path: Path, sizes: dict[str, float]) -> None:
    stack = RNG.integers(0, 99, (3, 24, 32)).astype(np.uint8)
    write_image(tmp_path / "a.tif", stack, axes="ZYX", pixel_size_um=sizes)
    assert read_image(tmp_path / "a.tif").pixel_size_um == sizes


def test_large_images_become_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = RNG.integers(0, 99, (3, 24, 32), dtype=np.uint16)
    monkeypatch.setattr(tiff_writer, "BIG_BYTES", 1000)
    write_image(tmp_path / "big.tif", array, axes="ZYX", pixel_size_um=SIZES)
    with tifffile.TiffFile(tmp_path / "big.tif") as tif:
        assert tif.is_bigtiff
    picture = read_image(tmp_path / "big.tif")
    np.testing.assert_array_equal(picture.array, array)
    assert (picture.axes, picture.pixel_size_um) == ("ZYX", SIZES)


@given(
    shape=st.lists(st.integers(1, 5), min_size=2, max_size=5).map(tuple),
    dtype=st.sampled_from(["bool", "uint8", "uint16", "int32", "float16", "float32", "float64", "int64"]),
    suffix=st.sampled_from([".tif", ".ome.tif"]),
)
@settings(max_examples=80, deadline=None)
def test_no_pixel_is_lost_whatever_the_shape(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, ...], dtype: str, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("shapes") / f"a{suffix}"
    array = RNG.integers(0, 2, shape).astype(dtype)
    axes = "TCZYX"[-len(shape) :]
    if suffix == ".ome.tif" and dtype in ("float16", "int64"):
        with pytest.raises(FileError, match="OME-TIFF cannot hold"):
            write_image(path, array, axes=axes)
        return
    write_image(path, array, axes=axes)
    picture = read_image(path)
    assert picture.dtype == np.dtype(dtype)
    file_axes = "TZCYX" if prepare(path, array, axes=axes).dialect == "imagej" else axes
    order = [axes.index(letter) for letter in file_axes if letter in axes]
    np.testing.assert_array_equal(picture.array.ravel(), array.transpose(order).ravel())


@pytest.mark.parametrize(
    ("name", "axes", "dtype", "message"),
    [
        ("a.png", "YX", "float32", "PNG cannot hold an image of type float32"),
        ("a.png", "YXS", "uint16", "PNG cannot hold a colour image of type uint16"),
        ("a.png", "ZYX", "uint8", "single plane"),
        ("a.jpg", "YX", "uint8", "format is not known"),
        ("a", "YX", "uint8", "format is not known"),
        ("a.ome.tif", "YX", "int64", "OME-TIFF cannot hold"),
        ("a.tif", "YX", "complex64", "type complex64"),
    ],
)
def test_what_a_format_cannot_hold(tmp_path: Path, name: str, axes: str, dtype: str, message: str) -> None:
    shape = {"YX": (8, 8), "YXS": (8, 8, 3), "ZYX": (3, 8, 8)}[axes]
    with pytest.raises(FileError, match=message):
        write_image(tmp_path / name, np.zeros(shape, dtype), axes=axes)
    assert not list(tmp_path.iterdir())


def test_axes_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="letters"):
        write_image(tmp_path / "a.tif", np.zeros((3, 8, 8), np.uint8), axes="YX")


def _disk_full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["tifffile.imwrite", "os.fsync", "os.replace"])
@pytest.mark.parametrize("existing", [True, False])
def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, existing: bool) -> None:
    path = tmp_path / "out.tif"
    if existing:
        path.write_bytes(b"earlier result")
    monkeypatch.setattr(where, _disk_full)
    with pytest.raises(FileError, match=r"The disk is full: .*out\.tif was not written"):
        write_image(path, np.zeros((8, 8), np.uint8))
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([b"earlier result"] if existing else [])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("name", ["out.tif", "out.png"])
def test_full_disk_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    real = Path.open

    def on_full_device(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        return open("/dev/full", "wb+", buffering=0) if "x" in mode else real(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", on_full_device)
    with pytest.raises(FileError, match="The disk is full"):
        write_image(tmp_path / name, RNG.integers(0, 255, (64, 64), dtype=np.uint8))
    assert not list(tmp_path.iterdir())


def test_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_image(tmp_path / "out.tif", np.zeros((8, 8), np.uint8))
    assert not list(tmp_path.iterdir())


def test_several_images_are_written_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [prepare(tmp_path / name, np.zeros((8, 8), np.uint8)) for name in ("a.tif", "b.tif")]
    write, calls = tifffile.imwrite, []

    def full_at_the_second(*args: Any, **kwargs: Any) -> None:
        calls.append(1)
        _disk_full() if len(calls) > 1 else write(*args, **kwargs)

    monkeypatch.setattr(tifffile, "imwrite", full_at_the_second)
    with pytest.raises(FileError, match="full"):
        write_images(images)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_replaces_and_follows_links(tmp_path: Path) -> None:
    target = tmp_path / "target.tif"
    target.write_bytes(b"earlier")
    link = tmp_path / "link.tif"
    link.symlink_to(target)
    write_image(link, np.full((8, 8), 5, np.uint8))
    assert link.is_symlink()
    np.testing.assert_array_equal(read_image(target).array, 5)
    table = tmp_path / "table.csv"
    table.touch()
    linked = tmp_path / "linked.csv"
    linked.symlink_to(table)
    write_images([OutputTable(linked, {"index": np.array([1])})])
    assert linked.is_symlink()
    assert table.read_text(encoding="utf-8").split() == ["index", "1"]


def test_check_writable(tmp_path: Path) -> None:
    check_writable(tmp_path / "out.tif", nbytes=1000)
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileError, match=r"folder .*gone does not exist"):
        check_writable(tmp_path / "gone" / "out.tif")
    with pytest.raises(FileError, match="format is not known"):
        check_writable(tmp_path / "out.xyz")
    (tmp_path / "folder.tif").mkdir()
    with pytest.raises(FileError, match="is a folder"):
        check_writable(tmp_path / "folder.tif")
    with pytest.raises(FileError, match=r"needs 9\d+\.\d GiB, and .* are free"):
        check_writable(tmp_path / "out.tif", nbytes=10**15)


def test_check_writable_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(FileError, match="no permission to write"):
        check_writable(tmp_path / "out.tif")


@given(
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20),
    dtype=st.sampled_from(["uint8", "int8", "uint16", "int32", "uint32", "int64", "uint64"]),
)
def test_convert_to_integers(values: list[float], dtype: str) -> None:
    limits = np.iinfo(dtype)
    result = convert(np.array(values), np.dtype(dtype))
    for value, pixel in zip(values, result.tolist(), strict=True):
        wanted = float(np.nan_to_num(value))
        if wanted >= limits.max:
            # 64-bit limits are no doubles: the largest double below them is as near as it gets
            assert limits.max - pixel <= limits.max * 2**-52
        else:
            assert pixel == max(limits.min, round(wanted))


def test_convert_to_floats_and_bool() -> None:
    assert convert(np.array([1e6, -1e6, 0.5]), np.dtype("float16")).tolist() == [65504, -65504, 0.5]
    assert convert(np.array([0.2, 0.5, 0.51]), np.dtype(bool)).tolist() == [False, False, True]
    same = np.arange(3)
    assert convert(same, same.dtype) is same
    assert convert(np.zeros((0, 3)), np.dtype("uint8")).shape == (0, 3)


def test_convert_works_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = RNG.normal(100, 40, (7, 13))
    whole = convert(values, np.dtype("uint8"))
    monkeypatch.setattr("napari_microdiff.files.convert._BLOCK", 20)
    np.testing.assert_array_equal(convert(values, np.dtype("uint8")), whole)


def test_pixels_too_small_for_a_png_are_left_out_of_it(tmp_path: Path) -> None:
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    for size, known in ((1e-4, {}), (1e-3, {"Y": 1e-3, "X": 1e-3})):
        path = write_image(tmp_path / "a.png", image, axes="YX", pixel_size_um={"Y": size, "X": size})
        assert read_image(path).pixel_size_um == pytest.approx(known)


def test_characters_that_no_xml_may_hold_do_not_cost_the_pixel_size(tmp_path: Path) -> None:
    like = Picture(
        np.zeros((2, 8, 8), np.uint8), "CYX", pixel_size_um={"Y": 0.5, "X": 0.5}, channel_names=("D\x01API", "GFP")
    )
    path = write_image(tmp_path / "a.ome.tif", like.array, like=like, description="one\x00two\x1f\nthree")
    read = read_image(path)
    assert read.pixel_size_um == {"Y": 0.5, "X": 0.5}
    assert read.channel_names == ("DAPI", "GFP")
    assert read.description == "onetwo\nthree"
