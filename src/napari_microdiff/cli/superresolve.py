"""``superresolve``: an image in, the same on finer pixels out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .shared import Input, Output, Overwrite, Sample, Uncertainty, said, sampling


@sampling
def superresolve(
    source: Input,
    target: Output,
    factor: Annotated[
        int | None,
        typer.Option(help="Finer pixels along one of the image: 2 or 4; up to 8 with a model that denoises."),
    ] = None,
    psf: Annotated[
        float | None, typer.Option(metavar="PX", help="Standard deviation of the blur, in pixels of the image.")
    ] = None,
    wavelength: Annotated[
        float | None, typer.Option(metavar="UM", help="Of the light; with --aperture, instead of --psf.")
    ] = None,
    aperture: Annotated[float | None, typer.Option(metavar="NA", help="Numerical aperture of the objective.")] = None,
    pixel: Annotated[float | None, typer.Option(metavar="UM", help="Side of a pixel; else that of the file.")] = None,
    recorded: Annotated[
        bool, typer.Option("--optics", help="Wavelength and aperture as the file tells them (OME-TIFF).")
    ] = False,
    beads: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Image of small beads or of one point: the blur is measured there."),
    ] = None,
    bead_size: Annotated[
        float | None, typer.Option(metavar="UM", min=0, help="Diameter of the beads, if they are larger than a pixel.")
    ] = None,
    noise_level: Annotated[
        float | None, typer.Option(metavar="SD", help="In units of the image, 0 for none; else measured.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Evaluations per sample; one gives the mean at once.")] = None,
    samples: Annotated[int | None, typer.Option(help="Number of samples to average.")] = None,
    uncertainty: Uncertainty = None,
    sample: Sample = None,
    residual: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what is left of the image without what the result explains."),
    ] = None,
    overwrite: Overwrite = False,
    *,
    fields: dict[str, Any],
) -> None:
    """Make the pixels of an image finer, and take back its blur where it is told. Pixel sizes are kept up to date."""
    from ..engine.request import build_request
    from .process import process

    files = said(mean=target, sample=sample, uncertainty=uncertainty, residual=residual)
    optics = _optics(source, wavelength, aperture, pixel, as_recorded=recorded)
    measured = _measured(source, beads, bead_size)
    options = said(factor=factor, blur=psf, optics=optics, psf=measured, noise_level=noise_level)
    own = said(steps=steps, samples=samples, options=options)
    request = build_request(fields | own | {"task": "superresolve", "outputs": tuple(files)})
    process(request, source, files, measured_on=beads, overwrite=overwrite)


def _optics(
    source: Path, wavelength: float | None, aperture: float | None, pixel: float | None, *, as_recorded: bool
) -> tuple[float, float, float] | None:
    """Return wavelength, aperture and pixel; ``None`` if nothing of them is asked for.

    Raises
    ------
    RequestError
        If one of them is neither said nor in the file.
    """
    from ..errors import RequestError
    from ..files import read_image
    from ..files.optics import read_optics
    from ..imaging.lattice import square_pixel

    if wavelength is None and aperture is None and not as_recorded:
        if pixel is not None:
            raise RequestError("--pixel says nothing without --wavelength and --aperture. Give these, too.")
        return None
    if (wavelength is None or aperture is None) and not as_recorded:
        raise RequestError(
            "--wavelength and --aperture belong together. Give both, --optics if the file tells them, or the width of "
            "the blur by --psf."
        )
    if as_recorded:
        told = read_optics(source)
        wavelength = told.wavelength_um if wavelength is None else wavelength
        aperture = told.aperture if aperture is None else aperture
    if wavelength is None:
        raise RequestError(f"{source} does not tell one wavelength for all of it. Give it by --wavelength.")
    if aperture is None:
        raise RequestError(f"{source} does not tell the numerical aperture. Give it by --aperture.")
    if pixel is None:
        sizes = read_image(source).pixel_size_um
        pixel = square_pixel(sizes)
        if pixel is None and {"Y", "X"} <= sizes.keys():
            raise RequestError(
                f"The pixels of {source} are {sizes['Y']:g} x {sizes['X']:g} um, and what an aperture does is round. "
                "Make them square first, or say their side by --pixel if the file is wrong."
            )
    if pixel is None:
        raise RequestError(f"{source} does not say how large its pixels are. Give their side by --pixel.")
    return wavelength, aperture, pixel


def _measured(source: Path, beads: Path | None, bead_size: float | None) -> tuple[Any, ...] | None:
    """Return the blur of an image as a file of beads shows it; ``None`` if there is no such file.

    Raises
    ------
    RequestError
        If a size is told without beads, or cannot be compared with pixels.
    ImageError, FileError
        If no bead can be measured.
    """
    from ..errors import ImageError, RequestError
    from ..files import read_image
    from ..imaging.lattice import square_pixel
    from ..imaging.point_spread import measure_psf
    from .terminal import say

    if beads is None:
        if bead_size is not None:
            raise RequestError("--bead-size says nothing without --beads. Give this, too.")
        return None
    picture = read_image(beads)
    sizes = picture.pixel_size_um
    side, pixel = square_pixel(sizes), square_pixel(read_image(source).pixel_size_um)
    if side is None and {"Y", "X"} <= sizes.keys():
        raise RequestError(f"The pixels of {beads} are {sizes['Y']:g} x {sizes['X']:g} um. Make them square first.")
    if bead_size is not None and side is None:
        raise RequestError(f"{beads} does not say how large its pixels are, so --bead-size cannot be used.")
    try:
        found = measure_psf(picture.array, (bead_size or 0.0) / side if side else 0.0)
        found = found.on_pixels(pixel / side) if side and pixel else found
    except ImageError as error:
        raise ImageError(f"{beads}: {error}") from error
    if (side is None) != (pixel is None):
        say(f"note: only one of {source} and {beads} says how large its pixels are; they are taken for alike.")
    say(f"note: the blur is {found.width:.2f} pixels wide, measured on {found.beads} bead{'s' * (found.beads > 1)}.")
    return found.parts
