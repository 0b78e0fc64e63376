"""The model whose weights a run begins with."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import TrainingError
from ..models.store import Model, find_model, read_weights
from .recipes import AnyRecipe

_AKIN = {"isotropic": ("isotropic", "denoise")}  # tasks whose models know what a task needs to know
_STEM = "features.stem.weight"


def parent_of(recipe: AnyRecipe) -> Model | None:
    """Return the model that a recipe starts from, if it names one.

    Raises
    ------
    ModelError
        If there is none of that name.
    TrainingError
        If it is of another task, or of another architecture than that of the recipe. Where models of a kindred task
        will do, too, they may be shown fewer maps. If it draws the depth of objects in another way.
    """
    if recipe.start_from is None:
        return None
    model = find_model(recipe.start_from)
    card = model.card
    if card.task not in _AKIN.get(recipe.task, (recipe.task,)):
        raise TrainingError(
            f"start_from: the model '{card.id}' is for '{card.task}', but the recipe for '{recipe.task}'. Name a model "
            "of that task, or none."
        )
    theirs, ours = card.architecture.model_dump(), recipe.architecture.model_dump()
    if recipe.task in _AKIN and theirs["condition_channels"] < ours["condition_channels"]:
        theirs["condition_channels"] = ours["condition_channels"]
    differing = [f"{name} {theirs[name]} instead of {ours[name]}" for name in theirs if theirs[name] != ours[name]]
    if differing:
        raise TrainingError(
            f"start_from: the network of '{card.id}' is another one than that of the recipe ({', '.join(differing)}). "
            "Give the recipe the architecture on the model's card, or start from none."
        )
    depth = getattr(recipe, "depth", card.depth)
    if depth != card.depth:
        raise TrainingError(
            f"start_from: '{card.id}' draws the depth of objects '{card.depth}', but the recipe '{depth}'. Give "
            f"the recipe 'depth: {card.depth}', or start from none."
        )
    return model


def weights_of(parent: Model, recipe: AnyRecipe) -> dict[str, Tensor]:
    """Return the weights that a run begins with; of maps that the parent was not shown, nothing is made at first."""
    weights = read_weights(parent)
    card, wanted = parent.card.architecture, recipe.architecture
    further = (wanted.condition_channels - card.condition_channels) * wanted.unshuffle**2
    if further:
        stem = weights[_STEM]  # whose last input is the constant one
        unseen = torch.zeros(len(stem), further, *stem.shape[2:], dtype=stem.dtype)
        weights[_STEM] = torch.cat([stem[:, :-1], unseen, stem[:, -1:]], dim=1)
    return weights
