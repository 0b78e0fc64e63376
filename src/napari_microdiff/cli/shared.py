"""Options that several commands have."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ..engine.request import SamplerName

Input = Annotated[Path, typer.Argument(metavar="IN", help="Image: TIFF, OME-TIFF, PNG or JPEG.")]
Output = Annotated[Path, typer.Argument(metavar="OUT", help="Result: .tif, .ome.tif or .png.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Uncertainty = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the uncertainty of each pixel here.")]
Sample = Annotated[Path | None, typer.Option(metavar="FILE", help="Write one sample here: sharper than the mean.")]
Model = Annotated[str | None, typer.Option(metavar="ID", help="See 'models list'.")]
Sampler = Annotated[SamplerName | None, typer.Option(help="How the reverse diffusion is integrated.")]
Seed = Annotated[int | None, typer.Option(help="Which noise to draw.")]
TileSide = Annotated[int | None, typer.Option(metavar="PX", help="Side of a tile; smaller takes less memory.")]
Precision = Annotated[Literal["auto", "float32", "bfloat16"] | None, typer.Option(help="Number format.")]
Axes = Annotated[str | None, typer.Option(metavar="ZYX", help="One letter per axis, if the file is wrong.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace result files that exist.")]

# Fields of a request that mean the same for every task.
_SAMPLING: dict[str, Any] = {
    "model": Model,
    "sampler": Sampler,
    "seed": Seed,
    "tile": TileSide,
    "device": Device,
    "precision": Precision,
    "axes": Axes,
}


def sampling(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of how models are sampled.

    What was said of them it receives as ``fields`` of a request, which is no option of its own.
    """
    own = inspect.signature(command, eval_str=True).parameters
    shown = [p.replace(kind=p.KEYWORD_ONLY) for name, p in own.items() if name != "fields"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _SAMPLING.items()
    ]
    at = [p.name for p in shown].index("overwrite")  # which stays the last one

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        fields = said(**{name: given.pop(name) for name in _SAMPLING})
        command(**given, fields=fields)

    parameters = [*shown[:at], *added, *shown[at:]]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options


def said(**fields: Any) -> dict[str, Any]:
    """Return what was said on the command line."""
    return {name: value for name, value in fields.items() if value is not None}
