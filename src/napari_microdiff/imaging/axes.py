"""Which axis of an array is which, and the walk over its planes.

An image has one letter per axis, such as ``"TCZYX"``. A *plane* is what is left when every axis but Y and X is fixed
to one index; the colour samples of an RGB image (S) are three planes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, Protocol, TypeAlias

from ..errors import ImageError, RequestError

AXIS_NAMES = {
    "P": "position",
    "T": "time",
    "C": "channel",
    "Z": "depth",
    "Y": "height",
    "X": "width",
    "S": "colour sample of an RGB image",
}

Region: TypeAlias = tuple[tuple[int, int], ...]
PlaneIndex: TypeAlias = tuple[int | slice, ...]

_FEW = 4  # an axis no longer than this is taken for channels: nobody takes a z-stack of four planes by habit
_MOST_AXES = "PTCZYX"
_SAMPLES = (3, 4)  # of an image in colours, without and with transparency


class Sliceable(Protocol):
    """An array that is read by slicing: numpy, dask, zarr."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> Any:
        """Type of a pixel."""

    def __getitem__(self, index: Any, /) -> Any:
        """Return the part of the array at ``index``."""


def guess_axes(shape: Sequence[int], rgb: bool | None = False) -> str:
    """Guess the axes of an array from its shape.

    The last two axes are Y and X (before S, if there is one), and the rest is decided by length:

    ======  =====================================================================================
    axes    guess
    ======  =====================================================================================
    2       YX
    3       CYX if the first has at most 4 elements, else ZYX
    4       ZCYX if only the second has at most 4 elements; CZYX if only the first, or both; else TZYX
    5       TZCYX (as ImageJ orders them) if only the third has at most 4 elements, else TCZYX
    6       PTCZYX
    ======  =====================================================================================

    Parameters
    ----------
    shape : sequence of int
        Shape of the array.
    rgb : bool, optional
        Whether the last axis holds the 3 or 4 colour samples of an RGB(A) image. ``None`` decides: it does if it has
        3 or 4 elements and the two axes before it have more.

    Returns
    -------
    str
        One letter per axis.

    Raises
    ------
    ImageError
        If there are too few or too many axes, or if an RGB image has neither 3 nor 4 colour samples.
    """
    lengths = tuple(int(n) for n in shape)
    if rgb is None:
        rgb = len(lengths) > 2 and lengths[-1] in (3, 4) and min(lengths[-3:-1]) > _FEW
    if rgb:
        if not lengths or lengths[-1] not in (3, 4):
            raise ImageError(
                f"The last axis of an RGB image must have 3 or 4 elements, not shape {lengths}. "
                "Treat it as an image that is not RGB, or name its axes."
            )
        lengths = lengths[:-1]
    most = len(_MOST_AXES)
    if not 2 <= len(lengths) <= most:
        raise ImageError(
            f"An image of {len(lengths)} axes cannot be processed (shape {tuple(shape)}): "
            f"it must have a height and a width, and at most {most} axes."
        )
    return _guess_without_samples(lengths) + ("S" if rgb else "")


def _guess_without_samples(lengths: tuple[int, ...]) -> str:
    few = [n <= _FEW for n in lengths]
    match len(lengths):
        case 2:
            return "YX"
        case 3:
            return "CYX" if few[0] else "ZYX"
        case 4 if few[0]:
            return "CZYX"
        case 4:
            return "ZCYX" if few[1] else "TZYX"
        case 5:
            return "TZCYX" if few[2] and not few[1] else "TCZYX"
        case _:
            return _MOST_AXES


def check_axes(axes: str, shape: Sequence[int]) -> None:
    """Check that ``axes`` names the axes of an array of this shape.

    Parameters
    ----------
    axes : str
        One capital letter per axis, of P, T, C, Z, Y, X and S.
    shape : sequence of int
        Shape of the array.

    Raises
    ------
    RequestError
        If the number of letters is not the number of axes, a letter is unknown or repeated, Y or X is missing, or S
        is not of 3 or 4.
    ImageError
        If the image is empty.
    """
    lengths = tuple(int(n) for n in shape)
    unknown = "".join(dict.fromkeys(letter for letter in axes if letter not in AXIS_NAMES))
    if unknown:
        known = ", ".join(f"{letter} ({name})" for letter, name in AXIS_NAMES.items())
        raise RequestError(f"The axes {axes!r} contain the unknown letters {unknown!r}. Use the capitals {known}.")
    if len(set(axes)) != len(axes):
        raise RequestError(f"The axes {axes!r} name an axis twice. Give every axis a letter of its own.")
    if not {"Y", "X"} <= set(axes):
        raise RequestError(f"The axes {axes!r} lack Y or X. Name the height Y and the width X.")
    if len(axes) != len(lengths):
        raise RequestError(
            f"The axes {axes!r} are {len(axes)} letters, but the image has {len(lengths)} axes (shape {lengths}). "
            "Give one letter per axis."
        )
    if "S" in axes and (samples := lengths[axes.index("S")]) not in _SAMPLES:
        raise RequestError(
            f"The axes {axes!r} name {samples} colour samples S, but colours have 3, or 4 with transparency. Name "
            "channels C."
        )
    if 0 in lengths:
        raise ImageError(f"The image is empty (shape {lengths}). Choose an image with at least one pixel.")


def full_region(shape: Sequence[int]) -> Region:
    """Return the region that is all of an array: one (start, stop) per axis."""
    return tuple((0, int(n)) for n in shape)


def check_region(region: Region, shape: Sequence[int]) -> None:
    """Check that a region is not empty and lies within an array of this shape.

    Raises
    ------
    RequestError
        If it has another number of axes than the array, or a span that is empty or reaches outside.
    """
    lengths = tuple(int(n) for n in shape)
    if len(region) != len(lengths):
        raise RequestError(
            f"The region has {len(region)} spans, but the image has {len(lengths)} axes (shape {lengths}). "
            "Give one span per axis."
        )
    for axis, ((start, stop), length) in enumerate(zip(region, lengths, strict=True)):
        if not 0 <= start < stop <= length:
            raise RequestError(
                f"The region asks for pixels {start} to {stop} of axis {axis}, which has {length}. "
                "Choose a span within the image."
            )


def region_slices(region: Region) -> tuple[slice, ...]:
    """Return the slices that cut a region out of its array."""
    return tuple(slice(start, stop) for start, stop in region)


def region_shape(region: Region) -> tuple[int, ...]:
    """Return the shape of a region in pixels."""
    return tuple(stop - start for start, stop in region)


class Planes:
    """The planes of a region: iterate over their indices, or ask for their number with ``len``.

    Made by :func:`planes`. Iterating again starts again.
    """

    def __init__(self, axes: str, region: Region, within: str = "YX") -> None:
        self.axes = axes
        self.region = region
        self._choices: list[Sequence[int | slice]] = [
            [slice(start, stop)] if letter in within else range(start, stop)
            for letter, (start, stop) in zip(axes, region, strict=True)
        ]

    def __len__(self) -> int:
        """Return the number of planes."""
        return prod(len(choices) for choices in self._choices)

    def __iter__(self) -> Iterator[PlaneIndex]:
        """Yield the index of each plane in the whole array, the last axis fastest."""
        yield from product(*self._choices)


def planes(axes: str, shape: Sequence[int], region: Region | None = None, within: str = "YX") -> Planes:
    """Walk over the planes of an image, or of a region of it.

    Parameters
    ----------
    axes : str
        One letter per axis of the array.
    shape : sequence of int
        Shape of the whole array.
    region : tuple of (start, stop), optional
        One span per axis; ``None`` is the whole array.
    within : str
        Axes of a plane; ``"ZYX"`` walks over volumes.

    Returns
    -------
    Planes
        Iterable of indices into the whole array: an int for each axis but Y and X, and for these the slice of the
        region, so that ``array[index]`` has two axes in the order in which the array has them. ``len`` gives the
        number of planes.

    Raises
    ------
    RequestError
        If the axes or the region do not fit the shape.
    ImageError
        If the image is empty.
    """
    check_axes(axes, shape)
    if region is None:
        region = full_region(shape)
    check_region(region, shape)
    return Planes(axes, region, within)


def region_of(index: PlaneIndex, window: Region) -> Region:
    """Return the region of a window on one plane, one pair per axis of the array."""
    inside = iter(window)
    return tuple(next(inside) if isinstance(part, slice) else (part, part + 1) for part in index)
