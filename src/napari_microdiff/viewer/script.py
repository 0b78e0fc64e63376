"""A request as Python code and as a command, to be pasted somewhere else."""

from __future__ import annotations

import shlex
from typing import Any

from ..engine.options import SuperresolveOptions, SynthesizeOptions
from ..engine.request import Request

# Fields of a request and of its options that are options of the command too.
_SAID = ("model", "sampler", "steps", "samples", "seed", "tile", "device", "precision", "axes")
_DRAWN = ("guidance", "photons", "read_noise", "blur")
_OPTIONS = {
    "denoise": (*_SAID, "noise_level", "start"),
    "superresolve": (*_SAID, "factor", "noise_level"),
    "isotropic": (*_SAID, "factor"),
    "repair": (*_SAID, "start"),
    "segment": (*_SAID, "diameter", "shown", "saddle", "smallest"),
    "synthesize": (*(name for name in _SAID if name not in ("samples", "axes")), *_DRAWN),
}


def as_python(request: Request, layer_name: str, *, multiscale: bool = False) -> str:
    """Return code that makes the same arrays from the same layer.

    Parameters
    ----------
    request : Request
        What was done.
    layer_name : str
        Name of the layer that it was done to.
    multiscale : bool
        Whether that layer has several levels, of which the finest was used.
    """
    level = "[0]" if multiscale else ""
    keywords = {name: value for name, value in _said(request).items() if name != "task"}
    imports = ["import napari", "import napari_microdiff"]
    if request.task == "synthesize":
        keywords = _as_arguments(keywords)
        imports += ["from napari_microdiff.tasks import Reference"] if "reference" in keywords else []
    lines = [f"    {name}={value!r}," for name, value in keywords.items()]
    what = "mask" if request.task == "synthesize" else "image"
    mends, painted = request.task == "repair", f"{layer_name} damage"
    return "\n".join(
        [
            *imports,
            "",
            f"# The {what}: here the layer that is open in napari; any array with the same pixels will do.",
            f"{what} = napari.current_viewer().layers[{layer_name!r}].data{level}",
            "",
            *([f"damaged = napari.current_viewer().layers[{painted!r}].data", ""] if mends else []),
            f"result = napari_microdiff.{request.task}(",
            f"    {what},{' damaged,' * mends}",
            *lines,
            ")",
            *(f"{output} = result.{output}" for output in request.outputs),
            "",
        ]
    )


def as_command(request: Request, source: str = "INPUT.tif") -> str:
    """Return a command line that does the same to a file."""
    others = ["DAMAGED.tif"] if request.task == "repair" else []
    words = ["napari-microdiff", request.task, source, *others, "OUTPUT.tif"]
    for name, value in _said(request).items():
        if name in _OPTIONS[request.task]:
            words += ["--" + name.replace("_", "-"), str(value)]
    if isinstance(request.options, SynthesizeOptions):
        return shlex.join([*words, *_style_of(request.options)])
    if isinstance(request.options, SuperresolveOptions):
        words += _blur_of(request.options)
    drawn = request.task in ("isotropic", "repair")
    for output in ("mean", "uncertainty") if drawn else ("sample", "uncertainty", "residual"):
        if output in request.outputs:
            words += [f"--{output}", f"{output.upper()}.tif"]
    return shlex.join(words)


class _Code(str):
    """A piece of code, which is written as it is."""

    def __repr__(self) -> str:
        return str(self)


def _as_arguments(keywords: dict[str, Any]) -> dict[str, Any]:
    """Return what `tasks.synthesize` calls the options of a mask."""
    style, levels = keywords.pop("style", None), keywords.pop("levels", SynthesizeOptions().levels)
    if style is not None:
        keywords["reference"] = _Code(f"Reference(style={style!r}, levels={levels!r})")
    elif levels != SynthesizeOptions().levels:
        keywords["levels"] = levels
    if "kinds" in keywords:
        keywords["kinds"] = dict(keywords["kinds"])
    return keywords


def _style_of(options: SynthesizeOptions) -> list[str]:
    if options.style is not None:
        return ["--style", "STYLE.tif"]  # a shell is given images, not numbers
    if options.levels != SynthesizeOptions().levels:
        return ["--levels", *(str(level) for level in options.levels)]
    return []


def _blur_of(options: SuperresolveOptions) -> list[str]:
    if options.optics is not None:
        names = ("--wavelength", "--aperture", "--pixel")
        return [word for pair in zip(names, map(str, options.optics), strict=True) for word in pair]
    return ["--psf", str(options.blur)] if options.blur else []


def _said(request: Request) -> dict[str, Any]:
    """Return the fields that are not at their default, and always those that a reader wants to see."""
    fields = request.model_dump(mode="python", exclude_defaults=True)
    fields |= fields.pop("options", {})  # the short way in takes the options of its task as they are
    shown = ("model", "steps", "seed", "outputs")
    for name in (*shown, "guidance") if request.task == "synthesize" else shown:  # whose default is one of its own
        fields.setdefault(name, getattr(request, name))
    order = [*Request.model_fields, *type(request.options).model_fields]
    return dict(sorted(fields.items(), key=lambda item: order.index(item[0])))
