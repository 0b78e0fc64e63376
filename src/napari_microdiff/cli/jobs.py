"""``denoise`` and ``run``: an image file in, image files out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ..engine.request import SamplerName

Input = Annotated[Path, typer.Argument(metavar="IN", help="Image: TIFF, OME-TIFF, PNG or JPEG.")]
Output = Annotated[Path, typer.Argument(metavar="OUT", help="Result: .tif, .ome.tif or .png.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Uncertainty = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the uncertainty of each pixel here.")]
Sample = Annotated[Path | None, typer.Option(metavar="FILE", help="Write one sample here: sharper than the mean.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace result files that exist.")]


def denoise(
    source: Input,
    target: Output,
    model: Annotated[str | None, typer.Option(metavar="ID", help="See 'models list'.")] = None,
    sampler: Annotated[SamplerName | None, typer.Option(help="How the reverse diffusion is integrated.")] = None,
    steps: Annotated[int | None, typer.Option(help="Evaluations per sample; one gives the mean at once.")] = None,
    samples: Annotated[int | None, typer.Option(help="Number of samples to average.")] = None,
    seed: Annotated[int | None, typer.Option(help="Which noise to draw.")] = None,
    tile: Annotated[int | None, typer.Option(metavar="PX", help="Side of a tile; smaller takes less memory.")] = None,
    device: Device = None,
    precision: Annotated[Literal["auto", "float32", "bfloat16"] | None, typer.Option(help="Number format.")] = None,
    noise_level: Annotated[
        float | None, typer.Option(metavar="SD", help="In units of the image; else measured.")
    ] = None,
    start: Annotated[
        Literal["condition", "measured-noise"] | None,
        typer.Option(help="measured-noise: for images that no model was trained on."),
    ] = None,
    axes: Annotated[str | None, typer.Option(metavar="ZYX", help="One letter per axis, if the file is wrong.")] = None,
    uncertainty: Uncertainty = None,
    sample: Sample = None,
    overwrite: Overwrite = False,
) -> None:
    """Denoise an image. Type and pixel size are kept."""
    from ..engine.request import build_request
    from .process import process

    targets = {"mean": target, "sample": sample, "uncertainty": uncertainty}
    files = {name: path for name, path in targets.items() if path is not None}
    said: dict[str, Any] = {
        "model": model,
        "sampler": sampler,
        "steps": steps,
        "samples": samples,
        "seed": seed,
        "tile": tile,
        "device": device,
        "precision": precision,
        "axes": axes,
    }
    options = {"noise_level": noise_level, "start": start}
    fields = {name: value for name, value in said.items() if value is not None}
    fields["options"] = {name: value for name, value in options.items() if value is not None}
    process(build_request(fields | {"outputs": tuple(files)}), source, files, overwrite=overwrite)


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

    Besides the fields of a request the file may hold input, output, sample and uncertainty: names of files, relative
    to it. An output that the request asks for and that has no file of its own is written beside OUT.
    """
    from .process import process
    from .request_file import read_request

    saved = read_request(request, device=device)
    files = saved.targets(target, sample=sample, uncertainty=uncertainty)
    process(saved.request_for(files), saved.source(source), files, overwrite=overwrite)
