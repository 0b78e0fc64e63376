"""How objects stand out in an image, and how to make them bright on dark, as networks are shown them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError

Shown = Literal["bright", "dark", "stained"]


def bright_objects(image: NDArray[np.generic], shown: Shown) -> NDArray[np.float32]:
    """Return a plane in which objects are brighter than what is around them.

    Parameters
    ----------
    image : ndarray, shape (y, x) or (y, x, 3 or 4)
        Grey, or red, green and blue; a fourth channel, of transparency, is left out.
    shown : {"bright", "dark", "stained"}
        ``"bright"`` and ``"dark"`` take the mean of colours; ``"stained"`` takes red light, which haematoxylin and
        other blue and purple stains of nuclei absorb and eosin hardly does.

    Returns
    -------
    ndarray of float32, shape (y, x)
        In grey levels of the image, or the negative of them.

    Raises
    ------
    ImageError
        If it is neither grey nor in colours.
    """
    colours = image.ndim == 3 and image.shape[2] in (3, 4)
    if not colours and image.ndim != 2:
        raise ImageError(f"A grey or a colour image is needed, not shape {image.shape}. Choose a plane of it.")
    pixels = image.astype(np.float32)
    if colours:
        pixels = pixels[..., 0] if shown == "stained" else pixels[..., :3].mean(axis=2)
    return pixels if shown == "bright" else -pixels
