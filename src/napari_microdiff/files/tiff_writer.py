"""Write OME-TIFF, ImageJ TIFF and plain TIFF, one plane after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray

from .picture import CALIBRATION, Picture

BIG_BYTES = 2**32 - 2**25
"""From this size on a file needs BigTIFF, which ImageJ's own dialect cannot be."""

Dialect = Literal["ome", "imagej", "plain"]

_OME_TYPES = {"bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64"}
_IMAGEJ_TYPES = {"uint8", "uint16", "float32"}
_IMAGEJ_ORDER = "TZCYXS"
_NOT_OF_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_OF_ASCII = re.compile("[^\x20-\x7e]")


def fits_ome(axes: str, dtype: np.dtype[Any]) -> bool:
    """Whether OME-TIFF can hold such an image."""
    return dtype.name in _OME_TYPES and set(axes) <= set(_IMAGEJ_ORDER)


def fits_imagej(axes: str, dtype: np.dtype[Any], shape: tuple[int, ...], sizes: Mapping[str, float]) -> bool:
    """Whether ImageJ's TIFF can hold such an image, with pixels of these sizes."""
    if sizes and not {"X", "Y"} <= sizes.keys():  # it has one unit for all, and no word for what is not known
        return False
    small = int(np.prod(shape)) * dtype.itemsize < BIG_BYTES
    flat = shape[axes.index("Y")] == 1 or shape[axes.index("X")] == 1  # ImageJ's shape is ambiguous then
    colour = "S" not in axes or dtype == np.uint8
    return small and not flat and colour and dtype.name in _IMAGEJ_TYPES and set(axes) <= set(_IMAGEJ_ORDER)


def file_order(axes: str, dialect: Dialect) -> str:
    """Return the axes in the order that the file wants: planes last, for ImageJ T, Z, C first."""
    outer = [letter for letter in axes if letter not in "YXS"]
    if dialect == "imagej":
        outer.sort(key=_IMAGEJ_ORDER.index)
    return "".join(outer) + "YX" + ("S" if "S" in axes else "")


def write_tiff(
    stream: BinaryIO,
    planes: Iterable[NDArray[Any]],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    dialect: Dialect,
    facts: Picture,
) -> None:
    """Write planes of (Y, X) or (Y, X, S) to ``stream``.

    Parameters
    ----------
    stream : binary file
        Open for writing.
    planes : iterable of ndarray
        In the order of ``facts.axes``, each of type ``dtype``.
    shape : tuple of int
        Shape of the whole image, in the order of ``facts.axes``.
    dtype : dtype
        Type of the pixels.
    dialect : {"ome", "imagej", "plain"}
        How axes and pixel sizes are written down.
    facts : Picture
        Axes, pixel sizes, channel names, time step and description; its array is not used.
    """
    describe = {"ome": _ome_metadata, "imagej": _imagej_metadata, "plain": _plain_metadata}[dialect]
    options: dict[str, Any] = {}
    sizes = facts.pixel_size_um
    if {"X", "Y"} <= sizes.keys():
        per_unit = 1.0 if dialect == "imagej" else 1e4  # pixels per micrometre, or per centimetre
        options["resolution"] = (per_unit / sizes["X"], per_unit / sizes["Y"])
        options["resolutionunit"] = "NONE" if dialect == "imagej" else "CENTIMETER"
    tifffile.imwrite(
        stream,
        iter(planes),
        shape=shape,
        dtype=dtype,
        photometric="rgb" if "S" in facts.axes else "minisblack",
        ome=dialect == "ome",
        imagej=dialect == "imagej",
        bigtiff=dialect != "imagej" and int(np.prod(shape)) * dtype.itemsize >= BIG_BYTES,
        metadata={"axes": facts.axes} | describe(facts) | (_labels(facts, shape) if dialect == "imagej" else {}),
        **options,
    )


def _ome_metadata(facts: Picture) -> dict[str, Any]:
    """Return what goes into OME-XML, without the characters that no XML may hold and that would make all unreadable."""
    metadata: dict[str, Any] = {f"PhysicalSize{letter}": size for letter, size in facts.pixel_size_um.items()}
    if facts.channel_names:
        metadata["Channel"] = {"Name": [_NOT_OF_XML.sub("", name) for name in facts.channel_names]}
    if facts.time_step_s:
        metadata["TimeIncrement"] = facts.time_step_s
    if facts.description:
        metadata["Description"] = _NOT_OF_XML.sub("", facts.description)
    return metadata


def _imagej_metadata(facts: Picture) -> dict[str, Any]:
    metadata: dict[str, Any] = dict(facts.metadata.get("imagej", {}))
    for key, value in facts.metadata.get(CALIBRATION, {}).items():
        metadata[key] = _NOT_OF_ASCII.sub(_escaped, value) if isinstance(value, str) else value
    if facts.pixel_size_um:
        metadata["unit"] = "um"
    if "Z" in facts.pixel_size_um:
        metadata["spacing"] = facts.pixel_size_um["Z"]
    if facts.time_step_s:
        metadata["finterval"] = facts.time_step_s
    if facts.description:
        metadata["Info"] = facts.description
    return metadata


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04X}"  # as ImageJ writes it


def _labels(facts: Picture, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return what ImageJ writes above each plane: the name of its channel, which are the fastest in its order."""
    names = list(facts.channel_names)
    planes = int(np.prod([n for n, letter in zip(shape, facts.axes, strict=True) if letter not in "YXS"]))
    return {"Labels": names * (planes // len(names))} if names else {}


def _plain_metadata(facts: Picture) -> dict[str, Any]:
    metadata: dict[str, Any] = {"pixel_size_um": facts.pixel_size_um, "time_step_s": facts.time_step_s}
    metadata |= {"channel_names": list(facts.channel_names), "description": facts.description}
    return {key: value for key, value in metadata.items() if value}
