"""What a network that was trained on real images makes of images, and how far apart two sets of images are in it."""

from __future__ import annotations

import numpy as np
import torch
from common import Image
from numpy.typing import NDArray

from napari_microdiff.imaging.contrast import Shown, bright_objects
from napari_microdiff.imaging.intensity import Normalization
from napari_microdiff.imaging.resize import resized
from napari_microdiff.models.build import load_denoiser
from napari_microdiff.models.store import find_model
from napari_microdiff.training.segment.validate import blind_maps

MODEL = "segment-nuclei"
_WINDOW = 4  # cells of the coarsest level, of 16 pixels each, over whose mean a window is described

Vectors = NDArray[np.float64]


def features_of(image: Image, shown: Shown, diameter: float) -> Vectors:
    """Describe an image window by window by the coarsest features of the segmenter.

    Parameters
    ----------
    image : ndarray
        Grey, or in colours.
    diameter : float
        Of its objects, in pixels, which are magnified as the segmenter knows them.

    Returns
    -------
    ndarray, shape (windows, features)
    """
    model = find_model(MODEL)
    denoiser = load_denoiser(model, torch.device("cpu"))
    grey = bright_objects(image, shown, 2 if image.ndim == 3 else None)
    assert model.card.diameter_px is not None
    shape = tuple(max(1, round(n * model.card.diameter_px / diameter)) for n in grey.shape)
    pixels = resized(grey, (shape[0], shape[1]))
    pixels = Normalization.fit(pixels[None]).apply(pixels)
    seen: list[torch.Tensor] = []
    coarsest = denoiser.network.features.encoder[-1][-1]
    handle = coarsest.register_forward_hook(lambda module, given, made: seen.append(made.float()))
    try:
        with torch.inference_mode():
            blind_maps(denoiser, torch.from_numpy(pixels))
    finally:
        handle.remove()
    window = min(_WINDOW, *seen[0].shape[2:])
    means = torch.nn.functional.avg_pool2d(seen[0], window)[0]
    return means.flatten(1).T.double().numpy()


def kernel_distance(one: Vectors, other: Vectors) -> float:
    """Return the squared maximum mean discrepancy of two sets of vectors, without bias.

    The kernel is the cubic polynomial of Binkowski et al. 2018 (arXiv:1801.01401); 0 for sets of one distribution, on
    average.
    """
    same = [_kernel(part, part) for part in (one, other)]
    within = sum(float((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))) for k in same)
    return within - 2 * float(_kernel(one, other).mean())


def _kernel(one: Vectors, other: Vectors) -> Vectors:
    return np.asarray((one @ other.T / one.shape[1] + 1) ** 3)
