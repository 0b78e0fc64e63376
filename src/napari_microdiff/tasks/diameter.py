"""How large the objects of an image are, measured with the model that is to find them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ..diffusion.denoiser import Preconditioned, Prediction
from ..imaging.instances import diameters, labels_of
from ..imaging.intensity import Normalization
from ..imaging.resize import resized
from .base import Source
from .conditioning import object_condition
from .statistics import channel_axis

_SIDE = 512  # pixels of the part that is looked at, in the image and magnified
_ZOOMS = (0.25, 0.5, 1.0, 2.0)
_LEAST_ZOOM, _MOST_ZOOM = 0.125, 4.0  # beyond, it is specks or shading that were measured
_FEWEST = 3  # objects
_ROUNDS = 2


def estimate_diameter(
    denoiser: Preconditioned, source: Source, normalization: Normalization, known: float
) -> tuple[float, bool]:
    """Measure the typical diameter of objects.

    The middle of the image is looked at in four magnifications. That at which the objects come out most nearly as
    large as those that the model knows is believed, and looked at again in the magnification that it suggests.

    Parameters
    ----------
    known : float
        Diameter in pixels that the model was trained at.

    Returns
    -------
    diameter : float
        In pixels of the image; between a quarter and eight times the known one.
    found : bool
        Whether there were objects; if not, the diameter is ``known``.
    """
    pixels = normalization.apply(_middle(source))
    looks = [(zoom, *_look(denoiser, pixels, zoom)) for zoom in _ZOOMS]
    usable = [(abs(np.log(size / known)), size / zoom) for zoom, size, count in looks if count >= _FEWEST]
    usable = usable or [(abs(np.log(size / known)), size / zoom) for zoom, size, count in looks if count]
    if not usable:
        return known, False
    diameter = min(usable)[1]
    for _ in range(_ROUNDS):
        zoom = known / diameter
        size, count = _look(denoiser, pixels, zoom)
        if not count:
            break
        diameter = float(np.clip(size / zoom, known / _MOST_ZOOM, known / _LEAST_ZOOM))
    return diameter, True


def _middle(source: Source) -> NDArray[np.generic]:
    """Return the middle of the middle plane of the region."""
    channel = channel_axis(source.axes)
    index: list[int | slice] = []
    for axis, (start, stop) in enumerate(source.region):
        if axis in source.plane_axes:
            first = max(start, (start + stop - _SIDE) // 2)
            index.append(slice(first, min(stop, first + _SIDE)))
        else:
            index.append(start if axis == channel else (start + stop) // 2)
    return np.asarray(source.array[tuple(index)])


def _look(denoiser: Preconditioned, pixels: NDArray[np.float32], zoom: float) -> tuple[float, int]:
    """Return the median diameter, in magnified pixels, and the number of objects at a magnification."""
    side = [max(1, min(n, round(_SIDE / zoom))) for n in pixels.shape]
    pixels = pixels[tuple(slice((n - s) // 2, (n - s) // 2 + s) for n, s in zip(pixels.shape, side, strict=True))]
    height, width = (max(1, round(n * zoom)) for n in pixels.shape)
    image = torch.from_numpy(resized(pixels, (height, width)))
    stride = denoiser.network.stride
    padded = F.pad(image[None, None], (0, -width % stride, 0, -height % stride), mode="replicate")
    padded = padded.to(next(denoiser.parameters()).device)
    with torch.inference_mode():
        x = padded.new_zeros(1, 2, *padded.shape[2:])
        made: Prediction = denoiser(x, denoiser.sigma_max, object_condition(padded))
    maps = made.mean[0, :, :height, :width].float().cpu().numpy()
    found = diameters(labels_of(maps))
    return (float(np.median(found)), found.size) if found.size else (0.0, 0)
