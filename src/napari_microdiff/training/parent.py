"""The model whose weights a run begins with."""

from __future__ import annotations

from ..errors import TrainingError
from ..models.store import Model, find_model
from .recipes import AnyRecipe


def parent_of(recipe: AnyRecipe) -> Model | None:
    """Return the model that a recipe starts from, if it names one.

    Raises
    ------
    ModelError
        If there is none of that name.
    TrainingError
        If it is of another task, or of another architecture than that of the recipe.
    """
    if recipe.start_from is None:
        return None
    model = find_model(recipe.start_from)
    card = model.card
    if card.task != recipe.task:
        raise TrainingError(
            f"start_from: the model '{card.id}' is for '{card.task}', but the recipe for '{recipe.task}'. Name a model "
            "of that task, or none."
        )
    theirs, ours = card.architecture.model_dump(), recipe.architecture.model_dump()
    differing = [f"{name} {theirs[name]} instead of {ours[name]}" for name in theirs if theirs[name] != ours[name]]
    if differing:
        raise TrainingError(
            f"start_from: the network of '{card.id}' is another one than that of the recipe ({', '.join(differing)}). "
            "Give the recipe the architecture on the model's card, or start from none."
        )
    return model
