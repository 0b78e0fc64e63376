"""What the images are like that a network is trained on."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from ...imaging.spectrum import LIKENESS
from ...models.card import Familiarity
from .batch import Batch

_BATCHES = 60


def measure_familiarity(batches: Dataset[Batch], count: int = _BATCHES) -> Familiarity:
    """Describe the statistics vectors of training images by a Gaussian and the distance that 99 % of them keep."""
    vectors = torch.cat([batches[i].vector for i in range(count)]).double().numpy()[:, LIKENESS]
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
