"""Validation of a model that outlines objects: how many it finds in held-out images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ...diffusion.denoiser import Preconditioned, Prediction
from ...imaging.instances import Depth, as_read, labels_of
from ...imaging.intensity import Normalization
from ...imaging.matching import match_all
from ...tasks.conditioning import object_condition
from .recipe import SegmentRecipe
from .sources import LabelledPlane

THRESHOLDS = tuple(np.arange(0.5, 0.95, 0.05).round(2))
_MOST = 24  # images of a kind
_LARGEST = 1024  # pixels along a side
_MAGNIFIED = (1.0, 1.1, 1.2, 1.3, 1.4)


def blind_maps(denoiser: Preconditioned, image: Tensor) -> Tensor:
    """Return the maps of an image, shape (2, y, x), from one evaluation.

    Parameters
    ----------
    image : Tensor, shape (y, x)
        In normalised units, with bright objects of the diameter that the model knows.
    """
    stride = denoiser.network.stride
    down, right = (-n % stride for n in image.shape)
    padded = F.pad(image[None, None], (0, right, 0, down), mode="replicate")
    x = padded.new_zeros(1, 2, *padded.shape[2:])
    prediction: Prediction = denoiser(x, denoiser.sigma_max, object_condition(padded))
    return prediction.mean[0, :, : image.shape[0], : image.shape[1]]


class SegmentValidation:
    """A fixed set of held-out images."""

    def __init__(self, planes: Sequence[LabelledPlane], recipe: SegmentRecipe) -> None:
        self._diameter, self._depth = recipe.diameter_px, recipe.depth
        by_kind: dict[str, list[LabelledPlane]] = defaultdict(list)
        for plane in planes:
            by_kind[plane.kind].append(plane)
        self._planes = {kind: _spread(found) for kind, found in by_kind.items()}

    def measure(self, denoiser: Preconditioned, magnified: float = 1.0) -> dict[str, float]:
        """Return the mean average precision over IoU 0.5 to 0.9, over images, for each kind of image.

        Parameters
        ----------
        magnified : float
            How much larger than in training objects are shown.
        """
        diameter = magnified * self._diameter
        return {
            kind: float(np.mean([_precision(denoiser, plane, diameter, self._depth) for plane in planes]))
            for kind, planes in self._planes.items()
        }

    def best_diameter(self, denoiser: Preconditioned) -> tuple[float, dict[str, float]]:
        """Return the diameter in pixels at which objects are found best, and what `measure` says of it.

        Larger than in training borders are drawn on a finer grid; much larger, objects fall apart.
        """
        measured = {factor: self.measure(denoiser, factor) for factor in _MAGNIFIED}
        best = max(measured, key=lambda factor: float(np.mean(list(measured[factor].values()))))
        return best * self._diameter, measured[best]


def _precision(denoiser: Preconditioned, plane: LabelledPlane, diameter: float, depth: Depth) -> float:
    device = next(denoiser.parameters()).device
    pixels, labels = (part[:_LARGEST, :_LARGEST] for part in (plane.image, plane.labels))
    zoom = diameter / plane.diameter
    small = _resized(torch.from_numpy(np.ascontiguousarray(pixels))[None], zoom)[0]
    small = torch.from_numpy(Normalization.fit(small[None].numpy()).apply(small.numpy()))
    with torch.inference_mode():
        maps = blind_maps(denoiser, small.to(device)).float().cpu()
    maps = F.interpolate(maps[None], labels.shape, mode="bilinear", align_corners=False)[0]
    found: NDArray[np.int32] = labels_of(as_read(maps.numpy(), depth))
    return float(np.mean([m.average_precision for m in match_all(labels, found, THRESHOLDS)]))


def _spread(planes: list[LabelledPlane]) -> list[LabelledPlane]:
    chosen = np.linspace(0, len(planes) - 1, min(_MOST, len(planes))).round().astype(int)
    return [planes[i] for i in np.unique(chosen)]


def _resized(images: Tensor, zoom: float) -> Tensor:
    """Resize images of shape (count, y, x)."""
    size = [max(1, round(n * zoom)) for n in images.shape[1:]]
    return F.interpolate(images[:, None], size, mode="bilinear", antialias=zoom < 1, align_corners=False)[:, 0]
