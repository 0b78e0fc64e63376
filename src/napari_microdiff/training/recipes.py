"""Recipes: everything that decides what a training run makes, in one YAML file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from ..errors import TrainingError, problem_of
from .denoise.recipe import DenoiseRecipe
from .isotropic.recipe import IsotropicRecipe
from .recipe import Recipe
from .segment.recipe import SegmentRecipe
from .superresolve.recipe import SuperresolveRecipe
from .synthesize.recipe import SynthesizeRecipe

AnyRecipe = DenoiseRecipe | SuperresolveRecipe | IsotropicRecipe | SegmentRecipe | SynthesizeRecipe
_ANY: TypeAdapter[AnyRecipe] = TypeAdapter(Annotated[AnyRecipe, Field(discriminator="task")])


def bundled_recipes() -> list[str]:
    """Return the names of the recipes that come with the package."""
    folder = resources.files(__package__) / "library"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def command_for(recipe: Recipe) -> str:
    """Return the command that trains by a recipe: by its name if it came with the package, else by a file."""
    return f"napari-microdiff train {recipe.id if recipe.id in bundled_recipes() else f'{recipe.id}.yaml'}"


def read_recipe(name: str | Path) -> AnyRecipe:
    """Read a bundled recipe by its name or any recipe by its path.

    Raises
    ------
    TrainingError
        If there is none or it is not valid.
    """
    path = Path(name)
    try:
        if str(name) in bundled_recipes():
            text = (resources.files(__package__) / "library" / f"{name}.yaml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
        # Recipes from before there was more than one task do not name it.
        return _ANY.validate_python({"task": "denoise", **content} if isinstance(content, dict) else content)
    except OSError:
        known = ", ".join(bundled_recipes())
        raise TrainingError(f"There is no recipe '{name}'. Give the path of a YAML file or one of: {known}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        problem = problem_of(".".join(str(part) for part in first["loc"][1:]) or "recipe", first["msg"])
        raise TrainingError(f"{path} is not a valid recipe: {problem}.") from None
    except (yaml.YAMLError, ValueError):  # of bytes that are no text, and of dates that there are not
        raise TrainingError(f"{path} is not readable as YAML.") from None
