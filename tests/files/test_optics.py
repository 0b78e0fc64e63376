"""What files say about the optics is read, and nothing is read into them that they do not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_microdiff.errors import FileError
from napari_microdiff.files import read_image
from napari_microdiff.files.optics import RecordedOptics, read_optics

TWO = np.zeros((2, 4, 6), np.uint16)
AIR, OIL = '<Objective ID="Objective:0" LensNA="0.8"/>', '<Objective ID="Objective:1" LensNA="1.4"/>'
OF_OIL = '<ObjectiveSettings ID="Objective:1"/>'


def channel(wavelength: str, unit: str = "") -> str:
    told = f' EmissionWavelength="{wavelength}"' if wavelength else ""
    return f'<Channel ID="Channel:{wavelength}"{told}{unit}/>'


@pytest.mark.parametrize(
    ("channels", "wavelength"),
    [
        (channel("520") + channel("525"), 0.5225),  # near enough to be one
        (channel("0.52", ' EmissionWavelengthUnit="µm"') + channel("520.0"), 0.52),
        (channel("450") + channel("520"), None),
        (channel("520") + channel(""), None),
        (channel("") + channel(""), None),
        (channel("bright") + channel("-3"), None),
        ("", None),
    ],
)
def test_a_wavelength_is_told_if_it_is_that_of_all_channels(
    write_ome: Any, tmp_path: Path, channels: str, wavelength: float | None
) -> None:
    write_ome(tmp_path / "cell.ome.tif", TWO, channels=channels)
    told = read_optics(tmp_path / "cell.ome.tif")
    assert told.wavelength_um == pytest.approx(wavelength)
    assert read_image(tmp_path / "cell.ome.tif").array.shape == TWO.shape


@pytest.mark.parametrize(
    ("objectives", "settings", "aperture"),
    [
        (OIL, "", 1.4),
        (AIR + OIL, OF_OIL, 1.4),
        (AIR + OIL, "", None),
        (AIR, OF_OIL, None),
        ("", "", None),
        ('<Objective ID="Objective:1" LensNA="high"/>', OF_OIL, None),
        ('<Objective ID="Objective:1"/>', OF_OIL, None),
    ],
)
def test_the_aperture_is_that_of_the_objective_that_was_used(
    write_ome: Any, tmp_path: Path, objectives: str, settings: str, aperture: float | None
) -> None:
    write_ome(tmp_path / "cell.ome.tif", TWO, objectives=objectives, settings=settings)
    assert read_optics(tmp_path / "cell.ome.tif").aperture == aperture


def test_how_large_pixels_are_is_told(write_ome: Any, tmp_path: Path) -> None:
    write_ome(tmp_path / "cell.ome.tif", TWO)
    tifffile.imwrite(tmp_path / "plain.tif", TWO[0], imagej=True, resolution=(5, 4), metadata={"unit": "um"})
    assert read_optics(tmp_path / "cell.ome.tif") == RecordedOptics(pixel_size_um={"Y": 0.065, "X": 0.065})
    assert read_optics(tmp_path / "plain.tif") == RecordedOptics(pixel_size_um={"Y": 0.25, "X": 0.2})


def test_other_files_tell_nothing(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", TWO[0])
    (tmp_path / "image.czi").write_bytes(b"ZISRAWFILE")
    for name in ("plain.tif", "image.czi"):
        assert read_optics(tmp_path / name) == RecordedOptics()


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no file"):
        read_optics(tmp_path / "nowhere.tif")
    with pytest.raises(FileError, match="is a folder"):
        read_optics(tmp_path)
