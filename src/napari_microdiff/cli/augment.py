"""``augment``: a folder of masks in, a training set of synthetic pairs out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from .shared import Device, Model, Precision, said

_JUDGED_FROM, _SHAPE = 0.6, "HEIGHT WIDTH"


def augment(
    masks: Annotated[Path, typer.Argument(metavar="MASKS_DIR", help="Folder of label images, or one of them.")],
    target: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="A new folder, or one to go on with.")],
    count: Annotated[int, typer.Option(min=1, help="Number of pairs.")],
    layout: Annotated[
        Literal["microdiff", "stardist", "cellpose", "nnunet", "zarr"],
        typer.Option("--format", help="Program that is to learn from them; zarr for one OME-Zarr a pair."),
    ] = "microdiff",
    model: Model = None,
    style: Annotated[
        Path | None, typer.Option(metavar="IMAGE", help="Image, or folder of images, whose styles are taken over.")
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(metavar="TABLES", help="Table, or folder with one of the same name for each mask, of classes."),
    ] = None,
    layouts: Annotated[
        Literal["random", "given"],
        typer.Option(help="Lay the objects of the masks out at random, or use the masks as they are."),
    ] = "random",
    size: Annotated[
        tuple[int, int] | None, typer.Option(metavar=_SHAPE, help="Of images laid out at random; else as the masks.")
    ] = None,
    guidance: Annotated[float | None, typer.Option(help="How much more closely to follow the mask; usually 2.")] = None,
    photons: Annotated[float | None, typer.Option(help="Counted by the camera where the image is bright.")] = None,
    read_noise: Annotated[float | None, typer.Option(metavar="SD", help="Of the camera, in grey levels.")] = None,
    blur: Annotated[float | None, typer.Option(metavar="PX", help="Standard deviation of a blur.")] = None,
    steps: Annotated[int | None, typer.Option(help="Evaluations per image.")] = None,
    seed: Annotated[int, typer.Option(help="Which masks and noise to draw.")] = 0,
    segmenter: Annotated[
        str, typer.Option(metavar="ID", help="Model that judges whether the mask comes back.")
    ] = "segment-nuclei",
    agreement: Annotated[
        float, typer.Option(min=0, max=1, help="How far it has to agree with the mask; 0 keeps all pairs.")
    ] = _JUDGED_FROM,
    device: Device = None,
    precision: Precision = None,
) -> None:
    """Make synthetic pairs of image and mask to train on. Interrupted, the same command goes on."""
    from ..engine.request import build_request
    from .pairs import make_set, read_kinds, read_masks, read_styles

    fields = said(
        model=model,
        guidance=guidance,
        steps=steps,
        seed=seed,
        device=device,
        precision=precision,
        options=said(photons=photons, read_noise=read_noise, blur=blur),
    )
    request = build_request(fields | {"task": "synthesize"})
    given, styles = read_masks(masks), read_styles(style)
    kinds = read_kinds(classes, given, request.model)

    from ..tasks.pairs import Wanted  # torch comes with it

    make_set(Wanted(request, given, styles, count, layout, layouts, size, segmenter, agreement, kinds), target)
