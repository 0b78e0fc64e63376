"""From trained weights to a model folder: card and safetensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..diffusion.denoiser import Preconditioned
from ..models.card import Card
from ..models.model import Model, save_model
from .recipes import AnyRecipe


def export_model(
    recipe: AnyRecipe,
    denoiser: Preconditioned,
    folder: Path,
    training: dict[str, Any],
    fields: dict[str, Any],
    beside: Callable[[Path], Mapping[str, Any]] = lambda _: {},
) -> Model:
    """Write card and weights into ``folder``, replacing what is there only once both are complete.

    Parameters
    ----------
    training : dict
        Facts about the run, for the card.
    fields : dict
        What the task says on the card; see `Course.card_fields`.
    beside : callable
        Writes what else belongs to the model; see `Course.write_beside`.
    """
    card = Card(
        id=recipe.id,
        title=recipe.title,
        summary=recipe.summary,
        task=recipe.task,
        sigma_data=round(denoiser.sigma_data, 5),
        sigma_max=denoiser.sigma_max,
        halo=recipe.halo,
        architecture=recipe.architecture,
        parent=recipe.start_from,
        weights_sha256="0" * 64,  # replaced when the weights are saved
        training_data=recipe.training_data,
        training=training,
        known_failures=recipe.known_failures,
        **fields,
    )
    return save_model(card, denoiser.network.state_dict(), folder, beside)
