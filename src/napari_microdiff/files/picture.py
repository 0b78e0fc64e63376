"""An image with what its file says about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CALIBRATION = "calibration"


@dataclass(frozen=True, eq=False)
class Picture:
    """An image that was read from a file.

    Attributes
    ----------
    array : ndarray
        The pixels as they are in the file: no scaling, no conversion; but where a TIFF says that zero is white, they
        are turned over, so that larger numbers are brighter. A large uncompressed TIFF is memory-mapped, so that only
        what is sliced out of it is read; such an array is read-only and may have the byte order of the file.
    axes : str
        One letter per axis of ``array``; ``"S"``, the colour samples of an RGB image, is last.
    pixel_size_um : dict
        Size of a pixel along Z, Y and X in micrometres, as far as the file tells it.
    channel_names : tuple of str
        One per channel, or empty.
    time_step_s : float, optional
        Seconds between two time points.
    description : str
        Text that the file carries, such as the request that made it.
    path : Path, optional
        Where it was read from.
    images_in_file : int
        How many separate images the file holds; this is the first of them.
    metadata : dict
        What only one format knows: ``"format"``, ImageJ's display settings under ``"imagej"``, and under
        ``"calibration"`` what its grey levels mean.
    """

    array: NDArray[Any]
    axes: str
    pixel_size_um: dict[str, float] = field(default_factory=dict)
    channel_names: tuple[str, ...] = ()
    time_step_s: float | None = None
    description: str = ""
    path: Path | None = None
    images_in_file: int = 1
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel, in the byte order of this machine."""
        return self.array.dtype.newbyteorder("=")

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.array.shape

    @property
    def rgb(self) -> bool:
        """Whether this is a colour image."""
        return self.axes.endswith("S")

    @property
    def uncalibrated(self) -> Picture:
        """The same without what its grey levels mean: for what is made of it in other units."""
        return replace(self, metadata={key: value for key, value in self.metadata.items() if key != CALIBRATION})
