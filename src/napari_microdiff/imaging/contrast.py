"""How objects stand out in an image, and how to make them bright on dark, as networks are shown them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError

Shown = Literal["bright", "dark", "stained"]


def bright_objects(image: NDArray[np.generic], shown: Shown, colours: int | None = None) -> NDArray[np.float32]:
    """Return an image in which objects are brighter than what is around them.

    Parameters
    ----------
    image : ndarray
        Grey, or in colours.
    shown : {"bright", "dark", "stained"}
        ``"bright"`` and ``"dark"`` take the mean of colours; ``"stained"`` takes red light, which haematoxylin and
        other blue and purple stains of nuclei absorb and eosin hardly does.
    colours : int, optional
        Axis of red, green and blue; a fourth sample, of transparency, is left out. ``None`` for a grey image.

    Returns
    -------
    ndarray of float32
        Without the axis of colours, in grey levels of the image or the negative of them.

    Raises
    ------
    ImageError
        If there are neither three nor four colour samples.
    """
    pixels = image.astype(np.float32)
    if colours is not None:
        pixels = red_green_blue(pixels, colours)
        pixels = pixels[..., 0] if shown == "stained" else pixels.mean(axis=-1)
    return pixels if shown == "bright" else -pixels


def red_green_blue(image: NDArray[np.generic], axis: int = -1) -> NDArray[np.float32]:
    """Return an image in colours with red, green and blue as its last axis; transparency is left out.

    Parameters
    ----------
    image : ndarray
        Three or four samples along ``axis``.
    axis : int

    Raises
    ------
    ImageError
        If there are neither three nor four.
    """
    if image.ndim < 3 or image.shape[axis] not in (3, 4):
        raise ImageError(f"An image in colours has 3 or 4 samples, not shape {image.shape}. Name its axes.")
    return np.moveaxis(image, axis, -1)[..., :3].astype(np.float32)
