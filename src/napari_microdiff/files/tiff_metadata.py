"""What the several dialects of TIFF say about pixel size, channels and time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import tifffile

_MICROMETRES = {
    "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "micrometre": 1.0, "um": 1.0, "µm": 1.0, "μm": 1.0,
    "nm": 1e-3, "nanometer": 1e-3, "pm": 1e-6, "å": 1e-4, "mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0,
}  # fmt: skip
_SECONDS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6,
    "ns": 1e-9, "min": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0,
    "hours": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0,
}  # fmt: skip
_CALIBRATION = ("cf", "c0", "c1", "c2", "c3", "c4", "vunit", "zeroclip")  # ImageJ's, of grey levels
# A plain TIFF or PNG of 300 dots per inch means paper, not the specimen: 85 um is no pixel of a microscope.
LARGEST_PLAIN_PIXEL_UM = 20.0


@dataclass
class Facts:
    """What a file says about its image; the fields are those of :class:`Picture` and of `optics.RecordedOptics`."""

    format: str
    axes: str = ""
    pixel_size_um: dict[str, float] = field(default_factory=dict)
    channel_names: tuple[str, ...] = ()
    time_step_s: float | None = None
    description: str = ""
    aperture: float | None = None
    wavelengths_um: tuple[float | None, ...] = ()
    display: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, Any] = field(default_factory=dict)


def ome_facts(xml: str) -> Facts:
    """Read the first image of OME-XML that lies in its file (https://docs.openmicroscopy.org/ome-model)."""
    facts = Facts("OME-TIFF")
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return facts
    image = _own_image(root)
    pixels = image.find("{*}Pixels") if image is not None else None
    if image is None or pixels is None:
        return facts
    for letter in "ZYX":
        unit = pixels.get(f"PhysicalSize{letter}Unit", "µm").lower()
        _keep(facts, letter, _number(pixels.get(f"PhysicalSize{letter}")) * _MICROMETRES.get(unit, math.nan))
    step = _number(pixels.get("TimeIncrement")) * _SECONDS.get(pixels.get("TimeIncrementUnit", "s"), math.nan)
    facts.time_step_s = step if math.isfinite(step) and step > 0 else None
    channels = pixels.findall("{*}Channel")
    names = [channel.get("Name", "") for channel in channels]
    facts.channel_names = tuple(names) if all(names) else ()
    facts.wavelengths_um = tuple(_emission_um(channel) for channel in channels)
    facts.aperture = _aperture(root, image)
    facts.description = image.findtext("{*}Description") or ""
    return facts


def _own_image(root: ElementTree.Element) -> ElementTree.Element | None:
    """Return the first image that this file holds; the files of a data set may all tell of all images."""
    mine = root.get("UUID")

    def nearness(image: ElementTree.Element) -> tuple[bool, bool]:
        parts = image.findall("{*}Pixels/{*}TiffData")
        return mine is not None and any(part.findtext("{*}UUID") == mine for part in parts), bool(parts)

    return max(root.findall("{*}Image"), key=nearness, default=None)


def _emission_um(channel: ElementTree.Element) -> float | None:
    unit = channel.get("EmissionWavelengthUnit", "nm").lower()
    return _positive(_number(channel.get("EmissionWavelength")) * _MICROMETRES.get(unit, math.nan))


def _aperture(root: ElementTree.Element, image: ElementTree.Element) -> float | None:
    """Return the numerical aperture of the objective that an image names, or of the only one."""
    objectives = root.findall("{*}Instrument/{*}Objective")
    settings = image.find("{*}ObjectiveSettings")
    if settings is not None:
        objectives = [one for one in objectives if one.get("ID") == settings.get("ID")]
    return _positive(_number(objectives[0].get("LensNA"))) if len(objectives) == 1 else None


def _positive(number: float) -> float | None:
    return float(f"{number:.7g}") if math.isfinite(number) and number > 0 else None


def imagej_facts(metadata: dict[str, Any], page: tifffile.TiffPage) -> Facts:
    """Read ImageJ's description: ``unit`` holds for the resolution tags and for ``spacing``."""
    facts = Facts("ImageJ TIFF")
    unit = str(metadata.get("unit", "")).replace("\\u00B5", "µ").lower()
    factor = _MICROMETRES.get(unit, math.nan)
    for letter, tag in (("Y", "YResolution"), ("X", "XResolution")):
        _keep(facts, letter, factor / _resolution(page, tag))
    _keep(facts, "Z", abs(_number(metadata.get("spacing"))) * factor)
    span = str(metadata.get("tunit", "sec")).replace("\\u00B5", "µ").strip().lower()
    step = _number(metadata.get("finterval")) * _SECONDS.get(span, math.nan)
    facts.time_step_s = step if math.isfinite(step) and step > 0 else None
    facts.description = str(metadata.get("Info", ""))
    facts.channel_names = _channels_of(metadata)
    facts.display = {key: metadata[key] for key in ("mode", "LUTs") if key in metadata}
    facts.calibration = {key: metadata[key] for key in _CALIBRATION if key in metadata}
    return facts


def _channels_of(metadata: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of channels, where all planes of each have the same one in their labels."""
    labels, count = metadata.get("Labels"), int(_number(metadata.get("channels", 1)))
    if not isinstance(labels, list) or not 0 < count <= len(labels) or len(labels) % count:
        return ()
    of_each = [set(map(str, labels[channel::count])) for channel in range(count)]
    return tuple(name for names in of_each for name in names) if all(len(names) == 1 for names in of_each) else ()


def plain_facts(shaped: dict[str, Any], page: tifffile.TiffPage) -> Facts:
    """Read the resolution tags, and the JSON in the description if we or tifffile wrote one."""
    facts = Facts("TIFF", axes=str(shaped.get("axes", "")))
    unit = page.tags.valueof("ResolutionUnit", 1)
    factor = {2: 25400.0, 3: 10000.0}.get(int(unit), math.nan)
    for letter, tag in (("Y", "YResolution"), ("X", "XResolution")):
        size = factor / _resolution(page, tag)
        if size <= LARGEST_PLAIN_PIXEL_UM:
            _keep(facts, letter, size)
    sizes = shaped.get("pixel_size_um")
    for letter, size in sizes.items() if isinstance(sizes, dict) else ():
        _keep(facts, str(letter), _number(size))
    facts.channel_names = tuple(str(name) for name in shaped.get("channel_names", ()))
    step = _number(shaped.get("time_step_s"))
    facts.time_step_s = step if math.isfinite(step) and step > 0 else None
    facts.description = str(shaped.get("description", "" if shaped else page.description))
    return facts


def _keep(facts: Facts, letter: str, size: float) -> None:
    if math.isfinite(size) and size > 0:
        facts.pixel_size_um[letter] = float(f"{size:.7g}")  # the tags are ratios of 32-bit integers


def _resolution(page: tifffile.TiffPage, tag: str) -> float:
    value = page.tags.valueof(tag)
    if not value or not value[1] or not value[0]:
        return math.nan
    return float(value[0]) / float(value[1])


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return math.nan
