"""From trained weights to a model folder: card and safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..diffusion.denoiser import Preconditioned
from ..models.card import Card, Familiarity, Quality
from ..models.model import Model, save_model
from .data import DenoiseBatches
from .recipes import Recipe
from .sources import Sources

_FAMILIARITY_BATCHES = 60
HALO = 96


def measure_familiarity(recipe: Recipe, sources: Sources, batches: int = _FAMILIARITY_BATCHES) -> Familiarity:
    """Describe the statistics vectors of training images by a Gaussian and the distance that 99 % of them keep."""
    made = DenoiseBatches(recipe, sources, seed=recipe.seed + 1)
    vectors = torch.cat([made[i].vector for i in range(batches)]).double().numpy()[:, 1:]
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


def export_model(
    recipe: Recipe,
    denoiser: Preconditioned,
    sources: Sources,
    folder: Path,
    training: dict[str, Any],
    figures: dict[str, float],
    spread_scale: float = 1.0,
) -> Model:
    """Write card and weights into ``folder``, replacing what is there only once both are complete.

    Parameters
    ----------
    training : dict
        Facts about the run, for the card.
    figures : dict of str to float
        Gain in dB over the best Gaussian filter, for each kind of validation image.
    spread_scale : float
        See `Card`.
    """
    card = Card(
        id=recipe.id,
        title=recipe.title,
        summary=recipe.summary,
        task=recipe.task,
        sigma_data=round(denoiser.sigma_data, 5),
        sigma_max=denoiser.sigma_max,
        halo=HALO,
        spread_scale=round(spread_scale, 3),
        architecture=recipe.architecture,
        weights_sha256="0" * 64,  # replaced when the weights are saved
        training_data=recipe.training_data,
        training=training,
        quality=tuple(
            Quality(
                measure="gain over the best Gaussian filter of each image, one evaluation",
                data=f"held-out validation images: {name}",
                value=round(value, 2),
                unit="dB",
                command=f"napari-microdiff train {recipe.id}",
            )
            for name, value in figures.items()
        ),
        known_failures=recipe.known_failures,
        familiarity=measure_familiarity(recipe, sources),
    )
    return save_model(card, denoiser.network.state_dict(), folder)
