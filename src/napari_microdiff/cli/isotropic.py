"""``isotropic``: a stack in, the same with slices between its slices out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .shared import Input, Output, Overwrite, Uncertainty, said, sampling


@sampling
def isotropic(
    source: Input,
    target: Output,
    factor: Annotated[
        int | None, typer.Option(metavar="N", help="Distance of slices in pixels, 2 to 10; else that of the file.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Evaluations per sample; usually 8.")] = None,
    samples: Annotated[int | None, typer.Option(help="Number of samples, for their mean and spread.")] = None,
    mean: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the best estimate of each voxel here.")
    ] = None,
    uncertainty: Uncertainty = None,
    overwrite: Overwrite = False,
    *,
    fields: dict[str, Any],
) -> None:
    """Draw what may lie between the slices of a stack, so that voxels become cubes. The slices stay as they are."""
    from ..engine.request import build_request
    from .process import process

    files = said(sample=target, mean=mean, uncertainty=uncertainty)
    distance = distance_of_slices(source) if factor is None else factor
    own = said(steps=steps, samples=samples, options={"factor": distance})
    request = build_request(fields | own | {"task": "isotropic", "outputs": tuple(files)})
    process(request, source, files, overwrite=overwrite)


def distance_of_slices(source: Path) -> int:
    """Return the distance of slices in pixels that a file tells.

    Raises
    ------
    RequestError
        If it tells none, or one for which there is no model.
    """
    from ..errors import RequestError
    from ..files import read_image
    from ..imaging.lattice import slice_distance

    sizes = read_image(source).pixel_size_um
    distance = slice_distance(sizes)
    if distance is None:
        raise RequestError(
            f"{source} does not say how far apart its slices are and how large its pixels. Give the distance of slices "
            "in pixels by --factor."
        )
    if not 2 <= distance <= 10:
        told = f"{sizes['Z']:.4g} um apart and its pixels {sizes['Y']:.4g} um"
        raise RequestError(f"The slices of {source} are {told}. What lies between is drawn for 2 to 10 pixels apart.")
    return distance
