"""What a file says must arrive, and what is wrong with it must be said in a sentence."""

from __future__ import annotations

import json
import logging
import os
import struct
import threading
from pathlib import Path
from uuid import uuid4

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from napari_microdiff.errors import FileError
from napari_microdiff.files import read_image, tiff_reader
from napari_microdiff.files.faults import reading
from napari_microdiff.files.tiff_reader import read_tiff_facts

RNG = np.random.default_rng(7)
STACK = RNG.integers(0, 60000, (5, 24, 32), dtype=np.uint16)


def test_imagej_stack(tmp_path: Path) -> None:
    path = tmp_path / "cells.tif"
    metadata = {"axes": "ZYX", "unit": "micron", "spacing": 0.3, "finterval": 2.5, "Info": "made by hand"}
    tifffile.imwrite(path, STACK, imagej=True, resolution=(1 / 0.065, 1 / 0.07), metadata=metadata)
    picture = read_image(path)
    np.testing.assert_array_equal(picture.array, STACK)
    assert picture.axes == "ZYX"
    assert picture.pixel_size_um == {"Z": 0.3, "Y": 0.07, "X": 0.065}
    assert picture.time_step_s == 2.5
    assert picture.description == "made by hand"
    assert picture.dtype == np.uint16
    assert picture.array.dtype.isnative
    assert picture.path == path
    assert not picture.rgb


@pytest.mark.parametrize(("unit", "size"), [("nm", 0.000065), ("\\u00B5m", 0.065), ("mm", 65.0), ("pixel", None)])
def test_imagej_units(tmp_path: Path, unit: str, size: float | None) -> None:
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, STACK[0], imagej=True, resolution=(1 / 0.065, 1 / 0.065), metadata={"unit": unit})
    assert read_image(path).pixel_size_um == ({} if size is None else {"Y": size, "X": size})


def test_ome_channels(tmp_path: Path) -> None:
    path = tmp_path / "cells.ome.tif"
    image = RNG.random((2, 3, 4, 16, 20)).astype(np.float32)
    metadata = {
        "axes": "TCZYX",
        "Channel": {"Name": ["actin", "nuclei", "membrane"]},
        "PhysicalSizeX": 65,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.07,
        "PhysicalSizeZ": 0.25,
        "TimeIncrement": 500,
        "TimeIncrementUnit": "ms",
        "Description": '{"a": 1}',
    }
    tifffile.imwrite(path, image, metadata=metadata)
    picture = read_image(path)
    np.testing.assert_array_equal(picture.array, image)
    assert picture.axes == "TCZYX"
    assert picture.pixel_size_um == {"Z": 0.25, "Y": 0.07, "X": 0.065}
    assert picture.channel_names == ("actin", "nuclei", "membrane")
    assert picture.time_step_s == 0.5
    assert picture.description == '{"a": 1}'
    assert picture.metadata["format"] == "OME-TIFF"


def test_plain_tiff_guesses_its_axes(tmp_path: Path) -> None:
    path = tmp_path / "plain.tif"
    tifffile.imwrite(path, STACK, metadata=None, resolution=(1e4 / 0.1, 1e4 / 0.1), resolutionunit="CENTIMETER")
    picture = read_image(path)
    assert picture.axes == "ZYX"
    assert picture.pixel_size_um == {"Y": 0.1, "X": 0.1}


def test_paper_resolution_is_no_pixel_size(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, STACK[0], metadata=None, resolution=(300, 300), resolutionunit="INCH")
    assert read_image(path).pixel_size_um == {}


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colour_samples_come_last(tmp_path: Path, planar: str) -> None:
    path = tmp_path / "rgb.tif"
    image = RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    stored = np.moveaxis(image, -1, 0) if planar == "separate" else image
    tifffile.imwrite(path, stored, photometric="rgb", planarconfig=planar)
    picture = read_image(path)
    assert picture.axes == "YXS"
    assert picture.rgb
    np.testing.assert_array_equal(picture.array, image)


def test_samples_that_are_no_colour_are_channels(tmp_path: Path) -> None:
    path = tmp_path / "five.tif"
    image = RNG.integers(0, 256, (24, 32, 5), dtype=np.uint8)
    tifffile.imwrite(path, image, photometric="minisblack", planarconfig="contig")
    picture = read_image(path)
    assert picture.axes == "CYX"
    np.testing.assert_array_equal(picture.array, np.moveaxis(image, -1, 0))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.bool_])
@pytest.mark.parametrize("kind", ["plain", "ome"])
def test_an_image_whose_zero_is_white_is_read_as_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, dtype: type
) -> None:
    monkeypatch.setattr(tiff_reader, "LAZY_BYTES", 0)
    path = tmp_path / "gel.tif"
    shown = np.ascontiguousarray((STACK > 30_000) if dtype is np.bool_ else STACK.astype(dtype))
    tifffile.imwrite(path, np.invert(shown), ome=kind == "ome", photometric="miniswhite", metadata={"axes": "ZYX"})
    picture = read_image(path)
    assert picture.dtype == dtype
    np.testing.assert_array_equal(picture.array, shown)


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_pixels_that_have_no_white_stay(tmp_path: Path, dtype: type) -> None:
    path = tmp_path / "measured.tif"
    measured = (STACK // 2).astype(dtype)
    tifffile.imwrite(path, measured, photometric="miniswhite", metadata={"axes": "ZYX"})
    np.testing.assert_array_equal(read_image(path).array, measured)


def test_imagejs_own_pixels_stay_whatever_it_shows_them_as(tmp_path: Path) -> None:
    path = tmp_path / "inverting lut.tif"
    tifffile.imwrite(path, STACK, imagej=True, photometric="miniswhite", metadata={"axes": "ZYX"})
    with tifffile.TiffFile(path) as tif:
        assert tif.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE
    np.testing.assert_array_equal(read_image(path).array, STACK)


def test_first_of_several_images(tmp_path: Path) -> None:
    path = tmp_path / "two.ome.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(STACK[0])
        writer.write(STACK[1, :10])
    picture = read_image(path)
    assert picture.images_in_file == 2
    np.testing.assert_array_equal(picture.array, STACK[0])


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_large_images_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, byteorder: str) -> None:
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, STACK.astype(f"{byteorder}u2"), byteorder=byteorder, imagej=True, metadata={"axes": "ZYX"})
    monkeypatch.setattr(tiff_reader, "LAZY_BYTES", 0)
    picture = read_image(path)
    assert isinstance(picture.array, np.memmap)
    assert picture.dtype == np.uint16
    assert picture.dtype.isnative
    np.testing.assert_array_equal(picture.array, STACK)


@pytest.mark.parametrize("compression", ["zlib", None])
def test_compressed_and_tiled(tmp_path: Path, compression: str | None) -> None:
    path = tmp_path / "tiled.tif"
    tifffile.imwrite(path, STACK, tile=(16, 16), compression=compression, metadata={"axes": "TYX"})
    picture = read_image(path)
    assert picture.axes == "TYX"
    np.testing.assert_array_equal(picture.array, STACK)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_grey(tmp_path: Path, dtype: type) -> None:
    path = tmp_path / "grey.png"
    image = RNG.integers(0, np.iinfo(dtype).max, (20, 30), dtype=dtype)
    iio.imwrite(path, image)
    picture = read_image(path)
    assert (picture.axes, picture.dtype) == ("YX", dtype)
    np.testing.assert_array_equal(picture.array, image)


def test_png_colour_and_grey_with_alpha(tmp_path: Path) -> None:
    image = RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8)
    for samples, axes, expected in ((3, "YXS", image[..., :3]), (4, "YXS", image), (2, "YX", image[..., 0])):
        path = tmp_path / f"{samples}.png"
        iio.imwrite(path, image[..., :samples])
        picture = read_image(path)
        assert picture.axes == axes
        np.testing.assert_array_equal(picture.array, expected)


def test_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "named.tif"  # the content decides, not the name
    iio.imwrite(path, np.full((20, 30), 77, np.uint8), extension=".jpg")
    picture = read_image(path)
    assert picture.axes == "YX"
    assert picture.metadata["format"] == "JPEG"
    np.testing.assert_array_equal(picture.array, 77)


@pytest.mark.parametrize("colour_type", [2, 4, 6])  # colours, grey with transparency, colours with transparency
def test_sixteen_bit_png_that_is_not_plainly_grey_is_refused(tmp_path: Path, colour_type: int) -> None:
    path = tmp_path / "deep.png"
    header = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (8).to_bytes(4, "big") * 2 + bytes([16, colour_type, 0, 0, 0])
    path.write_bytes(header)
    with pytest.raises(FileError, match="PNG of 16 bits with colours or transparency"):
        read_image(path)


def _write_tiff(path: Path, kind: str) -> None:
    if kind == "imagej":
        tifffile.imwrite(path, STACK, imagej=True, metadata={"axes": "ZYX"})
    elif kind == "ome":
        tifffile.imwrite(path, STACK, ome=True, metadata={"axes": "ZYX"})
    elif kind == "pages":
        with tifffile.TiffWriter(path) as writer:
            for plane in STACK:
                writer.write(plane, contiguous=False, metadata=None)
    else:
        tifffile.imwrite(path, STACK, compression="zlib" if kind == "zlib" else None)


@pytest.mark.parametrize("kept", [0.002, 0.3, 0.6, 0.8])
@pytest.mark.parametrize("kind", ["imagej", "ome", "plain", "zlib", "pages"])
def test_cut_off_tiff(tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str, kept: float) -> None:
    path = tmp_path / "cut.tif"
    _write_tiff(path, kind)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(FileError, match=r"cut\.tif is (damaged|incomplete)"):
        read_image(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["imagej", "ome", "plain", "zlib", "pages"])
def test_tiff_that_lacks_its_end_is_whole_or_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cut.tif"
    _write_tiff(path, kind)
    content = path.read_bytes()
    for missing in range(1, 1500, 37):
        path.write_bytes(content[:-missing])
        try:
            picture = read_image(path)
        except FileError:
            continue
        np.testing.assert_array_equal(picture.array, STACK)


def test_cut_off_large_tiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, STACK)
    path.write_bytes(path.read_bytes()[:-2000])
    monkeypatch.setattr(tiff_reader, "LAZY_BYTES", 0)
    with pytest.raises(FileError, match="damaged or cut off"):
        read_image(path)


def test_ome_file_whose_companion_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, STACK[:2], ome=True, metadata={"axes": "TYX"})
    xml = tifffile.tiffcomment(path)
    first = '<TiffData IFD="0" PlaneCount="2"/>'
    assert first in xml
    split = "".join(
        f'<TiffData IFD="{i}" FirstT="{t}" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{name}</UUID></TiffData>'
        for t, (i, name) in enumerate([(0, "a.ome.tif"), (0, "gone.ome.tif")])
    )
    tifffile.tiffcomment(path, xml.replace(first, split).encode())
    with pytest.raises(FileError, match="incomplete"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_cut_off_bitmap(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut{suffix}"
    iio.imwrite(path, RNG.integers(0, 256, (64, 64), dtype=np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileError, match="damaged or cut off"):
        read_image(path)


def test_bitmap_that_would_exhaust_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.png"
    iio.imwrite(path, np.zeros((64, 64), np.uint8))
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 100)
    with pytest.raises(FileError, match="too large for PNG"):
        read_image(path)


def test_other_threads_keep_their_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK)
    logger = logging.getLogger("tifffile")
    with reading(path):
        thread = threading.Thread(target=logger.warning, args=("invalid page offset 7",))
        thread.start()
        thread.join()
    assert caplog.messages == ["invalid page offset 7"]
    with pytest.raises(FileError, match="incomplete"), reading(path):
        logger.warning("invalid page offset 7")
    assert len(caplog.messages) == 1


def test_too_many_axes(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((2, 3, 2, 3, 2, 3, 8, 8), np.uint8), photometric="minisblack")
    with pytest.raises(FileError, match="axes of the file cannot be told"):
        read_image(path)


def test_not_an_image(tmp_path: Path) -> None:
    path = tmp_path / "notes.tif"
    path.write_text("not an image at all")
    with pytest.raises(FileError, match="not an image that can be read"):
        read_image(path)
    path.write_bytes(b"")
    with pytest.raises(FileError, match="is empty"):
        read_image(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no file"):
        read_image(tmp_path / "nothing.tif")
    with pytest.raises(FileError, match="is a folder"):
        read_image(tmp_path)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(FileError, match="no permission to read"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package"),
        ModuleNotFoundError("No module named 'compression'"),  # of Zstandard, before Python 3.14
    ],
    ids=["LZW", "Zstandard"],
)
def test_compression_that_needs_another_package(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "compressed.tif"
    tifffile.imwrite(path, STACK[0], compression="zlib")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", fail)
    with pytest.raises(FileError, match="pip install imagecodecs"):
        read_image(path)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_file_of_one_position_is_that_position(tmp_path: Path, compression: str | None) -> None:
    names = [str(uuid4()) for _ in range(2)]
    images = "".join(
        f"""<Image ID="Image:{i}"><Pixels ID="Pixels:{i}" DimensionOrder="XYZCT" Type="uint16" SizeX="16" SizeY="12"
        SizeZ="1" SizeC="1" SizeT="1" PhysicalSizeX="0.{i + 1}" PhysicalSizeY="0.{i + 1}"><Channel ID="Channel:{i}:0"
        SamplesPerPixel="1"/><TiffData FirstZ="0" FirstC="0" FirstT="0" IFD="0" PlaneCount="1"><UUID
        FileName="position {i}.ome.tif">urn:uuid:{name}</UUID></TiffData></Pixels></Image>"""
        for i, name in enumerate(names)
    )
    for i, name in enumerate(names):
        space = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
        xml = f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{space}" UUID="urn:uuid:{name}">{images}</OME>'
        plane, path = np.full((12, 16), 100 * (i + 1), np.uint16), tmp_path / f"position {i}.ome.tif"
        tifffile.imwrite(path, plane, description=xml.encode(), metadata=None, compression=compression)
    for i in range(2):
        picture = read_image(tmp_path / f"position {i}.ome.tif")
        assert int(picture.array.max()) == 100 * (i + 1)
        assert picture.pixel_size_um["X"] == pytest.approx(0.1 * (i + 1))
        assert picture.images_in_file == 1
    alone = tmp_path / "elsewhere" / "position 1.ome.tif"
    alone.parent.mkdir()
    alone.write_bytes((tmp_path / "position 1.ome.tif").read_bytes())
    facts = read_tiff_facts(alone)  # of which no pixels are read
    assert facts is not None
    assert facts.pixel_size_um["X"] == pytest.approx(0.2)


@pytest.mark.parametrize(("unit", "seconds"), [(None, 5.0), ("min", 300.0), ("msec", 0.005), ("weeks", None)])
def test_the_time_step_of_imagej_is_in_its_unit(tmp_path: Path, unit: str | None, seconds: float | None) -> None:
    facts = {"axes": "TYX", "finterval": 5.0} | ({} if unit is None else {"tunit": unit})
    tifffile.imwrite(tmp_path / "t.tif", STACK, imagej=True, metadata=facts)
    found = read_image(tmp_path / "t.tif").time_step_s
    assert found == (None if seconds is None else pytest.approx(seconds))


def _write_micromanager(path: Path, frames: np.ndarray, position: int, ome: str = "") -> None:
    """Write time points of one position of two as Micro-Manager does: an index of planes beside the pages of a TIFF."""
    height, width = frames.shape[1:]
    summary = {"MicroManagerVersion": "2.0.0", "Frames": len(frames), "Positions": 2, "TimeFirst": False}
    texts = [json.dumps(summary | {"Prefix": "exp"}).encode(), ome.encode() + b"\0", b"{}\0"]
    starts = np.cumsum([40, *map(len, texts), 8 + 20 * len(frames)])
    size = 162 + frames[0].nbytes
    pages = [int(starts[4] + starts[4] % 2) + number * size for number in range(len(frames))]
    index = struct.pack("<II", 3453623, len(frames))
    index += b"".join(struct.pack("<5I", 0, 0, time, position, page) for time, page in enumerate(pages))
    head = struct.pack("<2sHI", b"II", 42, pages[0])
    head += struct.pack("<8I", 54773648, starts[3], 483765892, 0, 99384722, 0, 2355492, len(texts[0]))
    content = (head + b"".join(texts) + index).ljust(pages[0], b"\0")
    for pixels, page, following in zip(frames, pages, [*pages[1:], 0], strict=True):
        short, long, text = 3, 4, 2
        tags = [(256, long, 1, width), (257, long, 1, height), (258, short, 1, 16), (259, short, 1, 1)]
        tags += [(262, short, 1, 1), (270, text, len(texts[1]), starts[1]), (273, long, 1, page + 162)]
        tags += [(277, short, 1, 1), (278, long, 1, height), (279, long, 1, pixels.nbytes), (296, short, 1, 1)]
        tags += [(305, text, 1, 0), (51123, text, len(texts[2]), starts[2])]
        content += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        content += struct.pack("<I", following) + pixels.astype("<u2").tobytes()
    path.write_bytes(content)


def _positions_of_micromanager(count: int) -> str:
    images = "".join(
        f"""<Image ID="Image:{i}"><Pixels ID="Pixels:{i}" DimensionOrder="XYCZT" Type="uint16" SizeX="32" SizeY="24"
        SizeZ="1" SizeC="1" SizeT="{count}" PhysicalSizeX="0.1" PhysicalSizeY="0.1" TimeIncrement="30"><Channel
        ID="Channel:{i}:0" SamplesPerPixel="1"/>"""
        + "".join(
            f"""<TiffData FirstZ="0" FirstC="0" FirstT="{t}" IFD="{t}" PlaneCount="1"><UUID
            FileName="exp_MMStack_Pos{i}.ome.tif">urn:uuid:{i}</UUID></TiffData>"""
            for t in range(count)
        )
        + "</Pixels></Image>"
        for i in range(2)
    )
    return f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:%d">{images}</OME>'


def test_each_file_of_micromanager_is_its_own_position(tmp_path: Path) -> None:
    for number in range(2):
        path = tmp_path / f"exp_MMStack_Pos{number}.ome.tif"
        _write_micromanager(path, STACK + np.uint16(number), number, _positions_of_micromanager(len(STACK)) % number)
    for number in range(2):
        picture = read_image(tmp_path / f"exp_MMStack_Pos{number}.ome.tif")
        assert (picture.axes, picture.time_step_s, picture.images_in_file) == ("TYX", 30.0, 1)
        np.testing.assert_array_equal(picture.array, STACK + np.uint16(number))


def test_positions_of_micromanager_that_only_its_index_tells_apart_are_positions(tmp_path: Path) -> None:
    for number in range(2):
        _write_micromanager(tmp_path / f"exp_MMStack_Pos{number}.tif", STACK + np.uint16(number), number)
    picture = read_image(tmp_path / "exp_MMStack_Pos1.tif")
    assert picture.axes == "PTYX"
    np.testing.assert_array_equal(picture.array, [STACK, STACK + np.uint16(1)])


@pytest.mark.parametrize(
    ("told", "axes"),
    [("QTYX", "ZTYX"), ("RTYX", "PTYX"), ("QCYX", "ZCYX"), ("ZQYX", "ZTYX"), ("RQYX", "PZYX"), ("QQYX", "CZYX")],
)
def test_letters_that_are_known_are_kept_beside_others(tmp_path: Path, told: str, axes: str) -> None:
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, np.stack([STACK] * 3), metadata={"axes": told}, photometric="minisblack")
    assert read_image(path).axes == axes
