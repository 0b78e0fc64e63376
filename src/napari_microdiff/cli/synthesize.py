"""``synthesize``: a mask in, images out that could lie under it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .shared import Device, Model, Overwrite, Precision, Sampler, Seed, TileSide, said


def synthesize(
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="Mask: TIFF, OME-TIFF or PNG.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Image: .tif, .ome.tif or .png.")],
    model: Model = None,
    style: Annotated[
        Path | None, typer.Option(metavar="IMAGE", help="Take over the style and the grey levels of this image.")
    ] = None,
    levels: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="DARK BRIGHT", help="Grey levels of background and bright objects, about."),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(metavar="TABLE", help="CSV with the class of each object, for models that know several."),
    ] = None,
    samples: Annotated[
        int, typer.Option(min=1, max=9999, help="Number of images; from two on their names end in -1, -2 and so on.")
    ] = 1,
    guidance: Annotated[float | None, typer.Option(help="How much more closely to follow the mask; usually 2.")] = None,
    photons: Annotated[float | None, typer.Option(help="Counted by the camera where the image is bright.")] = None,
    read_noise: Annotated[float | None, typer.Option(metavar="SD", help="Of the camera, in grey levels.")] = None,
    blur: Annotated[float | None, typer.Option(metavar="PX", help="Standard deviation of a blur.")] = None,
    behind: Annotated[
        Path | None, typer.Option(metavar="IMAGE", help="An image under the mask that drawing takes something from.")
    ] = None,
    objects_behind: Annotated[
        Path | None, typer.Option(metavar="LABELS", help="Objects of that image, whose background is kept.")
    ] = None,
    start: Annotated[
        float | None,
        typer.Option(metavar="SD", help="Begin from the image behind under so much noise; less keeps more of it."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Evaluations per image; one gives a first look.")] = None,
    sampler: Sampler = None,
    seed: Seed = None,
    tile: TileSide = None,
    device: Device = None,
    precision: Precision = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw images under a mask. Every file says that it is synthetic."""
    from ..engine.request import build_request
    from .draw import Masks, draw

    fields = said(
        model=model,
        guidance=guidance,
        steps=steps,
        sampler=sampler,
        seed=seed,
        tile=tile,
        device=device,
        precision=precision,
        options=said(levels=levels, photons=photons, read_noise=read_noise, blur=blur, start=start),
    )
    request = build_request(fields | {"task": "synthesize"})
    targets = [{"sample": path} for path in _numbered(target, samples)]
    draw(request, Masks(labels, style, behind, objects_behind, classes), targets, overwrite=overwrite)


def _numbered(target: Path, count: int) -> list[Path]:
    if count == 1:
        return [target]
    stem, dot, ending = target.name.partition(".")
    digits = len(str(count))
    return [target.with_name(f"{stem}-{number:0{digits}}{dot}{ending}") for number in range(1, count + 1)]
