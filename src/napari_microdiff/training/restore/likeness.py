"""What the images are like that a network is trained on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from ...imaging.intensity import Normalization
from ...imaging.spectrum import LIKENESS
from ...imaging.texture import texture_vector
from ...models.card import Familiarity
from .batch import Batch
from .batches import RestoreBatches

_BATCHES = 60
_IMAGES, _FEWEST = 600, 8


def measure_familiarity(batches: Dataset[Batch], trained: int) -> Familiarity:
    """Describe noise and sharpness of training images, of no more batches than are trained on."""
    count = min(_BATCHES, trained)
    return _described(torch.cat([batches[i].vector for i in range(count)]).double().numpy()[:, LIKENESS])


def measure_content(batches: RestoreBatches, trained: int) -> Familiarity:
    """Describe what training images show, of hardly more images than are trained on."""
    count = max(_FEWEST, min(_IMAGES, trained * batches.recipe.batch_fields))
    images = (batches.draw_recording(batches.draws(i)).numpy()[None] for i in range(count))
    return _described(np.stack([texture_vector(Normalization.fit(image).apply(image)) for image in images]))


def _described(vectors: NDArray[np.floating]) -> Familiarity:
    """Describe vectors, shape (count, length), by a Gaussian and the distance that 99 % of them keep."""
    vectors = vectors.astype(np.float64)
    mean = vectors.mean(axis=0)
    covariance = np.cov(vectors, rowvar=False) + 1e-3 * np.eye(vectors.shape[1])
    precision = np.linalg.inv(covariance)
    away = vectors - mean
    distance = np.sqrt(np.einsum("ni,ij,nj->n", away, precision, away))
    rounded = tuple(tuple(round(float(v), 4) for v in row) for row in precision)
    return Familiarity(
        mean=tuple(round(float(v), 5) for v in mean),
        precision=rounded,
        threshold=round(float(np.quantile(distance, 0.99)), 3),
    )


def measure_contrast(batches: Dataset[Batch], count: int) -> float:
    """Return the median contrast of clean crops: a few bright specks can stretch that of a field a hundredfold."""
    contrast = torch.cat([batches[i].clean.pow(2).mean(dim=(1, 2, 3)) for i in range(count)])
    return float(contrast.median().sqrt())
