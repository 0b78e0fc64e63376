"""``denoise``, ``segment`` and ``run``: an image file in, image files out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .shared import Device, Input, Output, Overwrite, Sample, Uncertainty, said, sampling

_STEPS = 4  # of each of several samples of objects, if only their number is said


@sampling
def denoise(
    source: Input,
    target: Output,
    steps: Annotated[int | None, typer.Option(help="Evaluations per sample; one gives the mean at once.")] = None,
    samples: Annotated[int | None, typer.Option(help="Number of samples to average.")] = None,
    noise_level: Annotated[
        float | None, typer.Option(metavar="SD", help="In units of the image; else measured.")
    ] = None,
    start: Annotated[
        Literal["condition", "measured-noise"] | None,
        typer.Option(help="measured-noise: for images that no model was trained on."),
    ] = None,
    uncertainty: Uncertainty = None,
    sample: Sample = None,
    overwrite: Overwrite = False,
    *,
    fields: dict[str, Any],
) -> None:
    """Denoise an image. Type and pixel size are kept."""
    from ..engine.request import build_request
    from .process import process

    files = said(mean=target, sample=sample, uncertainty=uncertainty)
    own = said(steps=steps, samples=samples, options=said(noise_level=noise_level, start=start))
    process(build_request(fields | own | {"outputs": tuple(files)}), source, files, overwrite=overwrite)


@sampling
def segment(
    source: Input,
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Labels: .tif, .ome.tif or .png.")],
    diameter: Annotated[
        float | None, typer.Option(metavar="PX", help="Typical diameter of objects; else estimated.")
    ] = None,
    shown: Annotated[
        Literal["bright", "dark", "stained"] | None,
        typer.Option(help="Objects are brighter than the background, darker, or stained in a colour image."),
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Samples; from two on each object has a confidence.")] = None,
    steps: Annotated[int | None, typer.Option(help="Evaluations per sample.")] = None,
    saddle: Annotated[float | None, typer.Option(help="Smaller splits more; between 0 and 1.")] = None,
    smallest: Annotated[
        float | None, typer.Option(help="Leave out objects under this share of a typical one's area.")
    ] = None,
    table: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write what is known of each object.")] = None,
    overwrite: Overwrite = False,
    *,
    fields: dict[str, Any],
) -> None:
    """Outline the objects of an image, each with a number of its own."""
    from ..engine.request import build_request
    from .process import process

    options = said(diameter=diameter, shown=shown, saddle=saddle, smallest=smallest)
    several = samples is not None and samples > 1
    own = said(steps=_STEPS if steps is None and several else steps, samples=samples, options=options)
    request = build_request(fields | own | {"task": "segment"})
    process(request, source, said(labels=target, table=table), overwrite=overwrite)


def run(
    request: Annotated[Path, typer.Argument(metavar="REQUEST.yaml", help="A request; may name its files.")],
    source: Annotated[Path | None, typer.Argument(metavar="[IN]", help="Image; else 'input' of the request.")] = None,
    target: Annotated[Path | None, typer.Argument(metavar="[OUT]", help="Result; else 'output' of it.")] = None,
    device: Device = None,
    uncertainty: Uncertainty = None,
    sample: Sample = None,
    overwrite: Overwrite = False,
) -> None:
    """Carry out a request that was saved as YAML or JSON.

    Besides the fields of a request the file may hold input, output, sample, uncertainty, residual, table, behind,
    objects_behind and damaged: names of files, relative to it. An output that the request asks for and that has no file
    of its own is written beside OUT.
    """
    from .draw import Masks, draw
    from .process import process
    from .request_file import read_request
    from .terminal import say

    saved = read_request(request, device=device)
    files = saved.targets(target, sample=sample, uncertainty=uncertainty)
    if saved.unwritten:
        say(f"note: {' and '.join(saved.unwritten)} of the request are not written to files; Python returns them.")
    if saved.request.task == "synthesize":
        masks = Masks(saved.source(source), behind=saved.beside("behind"), objects=saved.beside("objects_behind"))
        draw(saved.request_for(files), masks, [files], overwrite=overwrite)
        return
    damaged = saved.beside("damaged")
    process(saved.request_for(files), saved.source(source), files, damaged=damaged, overwrite=overwrite)
