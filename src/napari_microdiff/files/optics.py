"""What a file says about the optics that its image was recorded with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .faults import reading
from .tiff_reader import read_tiff_facts

_ALIKE = 0.02  # share by which wavelengths of channels may differ


@dataclass(frozen=True)
class RecordedOptics:
    """As far as a file tells it.

    Attributes
    ----------
    wavelength_um : float, optional
        Of the light that was recorded; ``None`` also where channels differ.
    aperture : float, optional
        Numerical aperture of the objective.
    pixel_size_um : mapping of str to float
        Along Z, Y and X.
    """

    wavelength_um: float | None = None
    aperture: float | None = None
    pixel_size_um: Mapping[str, float] = field(default_factory=dict)


def read_optics(path: str | Path) -> RecordedOptics:
    """Read what a file says about optics, without its pixels; nothing is said by files that are no TIFF.

    Raises
    ------
    FileError
        If there is no such file, it is damaged, or it may not be read.
    """
    path = Path(path)
    with reading(path):
        facts = read_tiff_facts(path)
    if facts is None:
        return RecordedOptics()
    return RecordedOptics(_common(facts.wavelengths_um), facts.aperture, facts.pixel_size_um)


def _common(numbers: tuple[float | None, ...]) -> float | None:
    known = [number for number in numbers if number is not None]
    if not known or len(known) < len(numbers) or max(known) > (1 + _ALIKE) * min(known):
        return None
    return sum(known) / len(known)
