"""``adapt``: an image in, a model of its own in the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from .isotropic import distance_of_slices
from .shared import Axes, Device, Input, Model, Seed, said


def adapt(
    source: Input,
    model: Model = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Of the new model; else made up.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of training; usually 300.")] = None,
    factor: Annotated[
        int | None,
        typer.Option(metavar="N", help="For a model that fills in slices: their distance in pixels; else the file's."),
    ] = None,
    isotropic: Annotated[
        bool, typer.Option("--isotropic", help="Voxels are cubes: learn along z, too, to fill in other stacks.")
    ] = False,
    seed: Seed = None,
    axes: Axes = None,
    device: Device = None,
) -> None:
    """Train a model further on an image or a stack of your own, and keep it as a new one. No clean image is needed."""
    from ..engine.request import Request
    from ..models.store import find_model
    from ..training.adapted import Adapted
    from .process import read_first
    from .terminal import drive, say

    parent = find_model(model or Request().model).card
    fields = said(name=name, steps=steps, isotropic=isotropic or None, seed=seed, device=device)
    picture = read_first(source)
    fields["axes"] = picture.axes if axes is None else axes
    events = _events(parent.id, parent.task, picture.array, source, factor, fields)
    made = drive(events, Adapted)
    if made.helped:
        say(f"its error is estimated to be {made.gain_db:.1f} dB smaller")
    say(f"the model is '{made.model_id}'; to use it: napari-microdiff {parent.task} IN OUT --model {made.model_id}")


def _events(
    model: str, task: str, array: Any, source: Path, factor: int | None, fields: dict[str, Any]
) -> Iterator[object]:
    """Return the events of adapting a model of a task.

    Raises
    ------
    ModelError, RequestError
        If models of this task cannot be adapted, or what it has to be told does not fit.
    """
    from ..errors import ModelError, RequestError

    if task == "isotropic":
        from ..training.isotropic.adapt import adapt as adapt_to_stack

        if factor is None and "isotropic" in fields:
            raise RequestError(
                "The slices of an isotropic stack do not say what the model is to be for. Give by --factor how far "
                "apart the slices of your other stacks are, in pixels."
            )
        return adapt_to_stack(model, array, factor=distance_of_slices(source) if factor is None else factor, **fields)
    if task != "denoise":
        raise ModelError(
            f"The model '{model}' is for '{task}', and only models that denoise or fill in slices can be adapted. "
            "Choose one of these."
        )
    for option, given in (("--factor", factor is not None), ("--isotropic", "isotropic" in fields)):
        if given:
            raise RequestError(f"{option} says nothing to '{model}', which denoises. Leave it out.")
    from ..training.denoise.adapt import adapt as adapt_to_image

    return adapt_to_image(model, array, **fields)
