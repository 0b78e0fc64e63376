"""What labels and images have in common as OME-Zarr (OME-NGFF 0.5, https://ngff.openmicroscopy.org/0.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError
from .picture import Picture

if TYPE_CHECKING:
    import zarr

VERSION = "0.5"
_KINDS = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
_CHUNK, _COARSEST = 1024, 256  # pixels along Y and X


def zarr_package() -> Any:
    """Return the package zarr.

    Raises
    ------
    FileError
        If it is not installed.
    """
    try:
        import zarr
    except ImportError:
        raise FileError(
            'OME-Zarr needs the package zarr. Install it with: pip install "napari-microdiff[zarr]".'
        ) from None
    return zarr


def label_levels(labels: NDArray[Any]) -> list[NDArray[Any]]:
    """Return labels in ever fewer pixels along Y and X, the last two axes: every other one, so that none is mixed."""
    levels = [labels]
    while max(levels[-1].shape[-2:]) > _COARSEST:
        levels.append(levels[-1][..., ::2, ::2])
    return levels


def image_levels(pixels: NDArray[Any]) -> list[NDArray[Any]]:
    """Return an image in ever fewer pixels along Y and X, the last two axes: each the mean of two by two."""
    levels = [pixels]
    while max(levels[-1].shape[-2:]) > _COARSEST:
        levels.append(_halved(levels[-1]))
    return levels


def multiscale(picture: Picture, name: str, levels: int, *, by: str) -> dict[str, Any]:
    """Describe levels as OME-NGFF wants it.

    Parameters
    ----------
    picture : Picture
        The first of them.
    name : str
    levels : int
        Their number.
    by : {"nearest", "mean"}
        Whether every other pixel was taken, beginning with the first, whose centre stays where it was; or the mean of
        two by two, whose centre lies between them.
    """
    sizes = picture.pixel_size_um | ({"T": picture.time_step_s} if picture.time_step_s else {})
    units = {letter: "second" if letter == "T" else "micrometer" for letter in sizes}
    axes = []
    for letter in picture.axes:
        axis = {"name": letter.lower(), "type": _KINDS[letter]}
        axes.append(axis | ({"unit": units[letter]} if letter in units else {}))
    datasets = []
    for level in range(levels):
        scale = [sizes.get(letter, 1.0) * (2**level if letter in "YX" else 1) for letter in picture.axes]
        steps: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
        if by == "mean" and level:
            moved = [sizes.get(a, 1.0) * (2**level - 1) / 2 if a in "YX" else 0.0 for a in picture.axes]
            steps.append({"type": "translation", "translation": moved})
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    return {"name": name, "axes": axes, "datasets": datasets, "type": by}


def write_levels(group: zarr.Group, levels: Sequence[NDArray[Any]], axes: str) -> None:
    """Write levels into a group, as ``0``, ``1`` and so on."""
    for number, level in enumerate(levels):
        chunks = tuple(min(n, _CHUNK if letter in "YX" else 1) for letter, n in zip(axes, level.shape, strict=True))
        stored = group.create_array(
            str(number),
            shape=level.shape,
            dtype=level.dtype,
            chunks=chunks,
            dimension_names=list(axes.lower()),
            fill_value=0,
        )
        stored[...] = np.ascontiguousarray(level)


def _halved(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the means of two by two pixels in the same type; at an odd end those of what is there."""
    height, width = pixels.shape[-2:]
    even = np.pad(pixels, [(0, 0)] * (pixels.ndim - 2) + [(0, height % 2), (0, width % 2)], mode="edge")
    means = even.reshape(*pixels.shape[:-2], (height + 1) // 2, 2, (width + 1) // 2, 2).mean(axis=(-3, -1))
    return np.asarray(means if pixels.dtype.kind == "f" else np.rint(means), dtype=pixels.dtype)
