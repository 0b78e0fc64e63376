"""``repair``: an image and a mask of its damaged pixels in, the image with these drawn anew out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .shared import Input, Overwrite, Uncertainty, said, sampling


@sampling
def repair(
    source: Input,
    mask: Annotated[Path, typer.Argument(metavar="MASK", help="Not zero where pixels are damaged.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Result: .tif, .ome.tif or .png.")],
    start: Annotated[
        float | None, typer.Option(metavar="S", help="More draws more freely, less is smoother; usually 1.")
    ] = None,
    noise: Annotated[
        bool | None, typer.Option("--noise/--no-noise", help="Whether what is drawn has the camera's noise; it has.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Evaluations per sample; usually 12.")] = None,
    samples: Annotated[int | None, typer.Option(help="Number of samples, for their mean and spread.")] = None,
    mean: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the best estimate here.")] = None,
    uncertainty: Uncertainty = None,
    overwrite: Overwrite = False,
    *,
    fields: dict[str, Any],
) -> None:
    """Draw what may lie under dust, folds and dead pixels. All other pixels stay as they are."""
    from ..engine.request import build_request
    from .process import process

    files = said(sample=target, mean=mean, uncertainty=uncertainty)
    own = said(steps=steps, samples=samples, options=said(start=start, noise=noise))
    request = build_request(fields | own | {"task": "repair", "outputs": tuple(files)})
    process(request, source, files, damaged=mask, overwrite=overwrite)
