"""Measure anew what the training images of a model are like, and write it into the card of the model.

It is measured whenever a model is exported; this is for cards from before more was measured. Needs the training data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_microdiff.models.card import read_card, write_card
from napari_microdiff.training.course import open_course
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.restore.course import RestoreCourse


def main(
    recipe: Annotated[str, typer.Argument(help="Name of a bundled recipe, or a YAML file.")],
    model: Annotated[Path, typer.Argument(help="Folder of the model.")],
    data: Annotated[Path, typer.Option(help="Folder with the training data.")],
    cache: Annotated[Path, typer.Option(help="Where simulated images are kept.")],
) -> None:
    """Measure, and write the card."""
    course = open_course(read_recipe(recipe), data, cache)
    if not isinstance(course, RestoreCourse):
        raise typer.BadParameter("models of this task do not say what their training images are like")
    write_card(read_card(model).model_copy(update=course.likeness), model)


if __name__ == "__main__":
    typer.run(main)
