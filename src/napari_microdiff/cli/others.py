"""``train`` and ``demo``."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from ..errors import MicrodiffError
from .terminal import say

_VIEWER = ("napari", "qtpy", "superqt", "magicgui")
_NO_QT = "No Qt bindings could be found"  # by qtpy, in an error that names no module


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name of a bundled recipe, or a YAML file.")],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder with the training data.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="For checkpoints and the model.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps in all; else the recipe's.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this time at the latest.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="How many of them.")] = 1,
    resume: Annotated[bool, typer.Option(help="Go on from the checkpoint in --out, if there is one.")] = True,
    seed: Annotated[int | None, typer.Option(min=0, help="Else the recipe's.")] = None,
) -> None:
    """Train a model from a recipe."""
    if not os.path.isdir(data):
        raise MicrodiffError(f"There is no folder {data}. Give the folder with the training data as --data.")
    from ..training.fit import train as fit
    from ..training.recipes import read_recipe

    folder = fit(
        recipe,
        data,
        out or Path(f"{read_recipe(recipe).id}-training"),
        steps=steps,
        minutes=minutes,
        device=device,
        devices=devices,
        resume=resume,
        seed=seed,
        progress=say,
    )
    say(f"the model is in {folder}; to use it: napari-microdiff models add {folder}")


def demo(
    screenshot: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save a screenshot and the result here, then close.")
    ] = None,
) -> None:
    """Open napari with a noisy image and denoise it."""
    try:
        from ..viewer.demo import main
    except ImportError as error:
        if _NO_QT in str(error):
            raise MicrodiffError(
                "Qt, which shows the window of napari, is not installed. Install it with: pip install "
                '"napari-microdiff[pyside6]".'
            ) from None
        if not str(error.name).startswith(_VIEWER):
            raise
        raise MicrodiffError('napari is not installed. Install it with: pip install "napari-microdiff[all]".') from None
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Python hears of signals between its own steps, a window waits in Qt
    main(screenshot)
