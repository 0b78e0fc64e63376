"""A request as Python code and as a command, to be pasted somewhere else."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from typing import Any

from napari.layers import Layer
from pydantic import BaseModel

from ..engine.options import RepairOptions, SuperresolveOptions, SynthesizeOptions
from ..engine.request import Request

# Fields of a request and of its options that are options of the command too.
_SAID = ("model", "sampler", "steps", "samples", "seed", "tile", "device", "precision", "axes")
_DRAWN = ("guidance", "photons", "read_noise", "blur", "start")
_BEHIND = {"behind": "--behind", "objects": "--objects-behind"}
_ALWAYS = {"synthesize": ("guidance",), "isotropic": ("factor",)}  # without a default, or with one that differs
_OPTIONS = {
    "denoise": (*_SAID, "noise_level", "start"),
    "superresolve": (*_SAID, "factor", "noise_level"),
    "isotropic": (*_SAID, "factor"),
    "repair": (*_SAID, "start"),
    "segment": (*_SAID, "diameter", "shown", "saddle", "smallest"),
    "synthesize": (*(name for name in _SAID if name not in ("samples", "axes")), *_DRAWN),
}


def as_python(request: Request, layer: Layer, beside: Mapping[str, Layer] | None = None) -> str:
    """Return code that makes the same arrays from the same layers.

    Parameters
    ----------
    request : Request
        What was done.
    layer : Layer
        What it was done to.
    beside : mapping of str to Layer, optional
        Other layers that it was done with, by the name of the argument.
    """
    keywords = {name: value for name, value in _said(request).items() if name != "task"}
    imports = ["import napari", "import napari_microdiff"]
    if request.task == "synthesize":
        keywords = _as_arguments(keywords)
        imports += ["from napari_microdiff.tasks import Reference"] if "reference" in keywords else []
    lines = [f"    {name}={value!r}," for name, value in keywords.items()]
    what = "mask" if request.task == "synthesize" else "image"
    others = {} if beside is None else dict(beside)
    passed, kept = list(others), []
    if "objects" in others:  # of the image behind, of which the background is kept
        imports.append("from napari_microdiff.imaging.mask_edits import background")
        kept = [f"kept = background(objects, {what}, {request.axes!r})"]
        passed[passed.index("objects")] = "kept"
    lines = [*(f"    {name}={name}," for name in passed), *lines]
    return "\n".join(
        [
            *imports,
            "",
            f"# The {what}: here the layer that is open in napari; any array with the same pixels will do.",
            f"{what} = {_data_of(layer)}",
            *(f"{name} = {_data_of(other)}" for name, other in others.items()),
            *kept,
            "",
            f"result = napari_microdiff.{request.task}(",
            f"    {what},",
            *lines,
            ")",
            *(f"{output} = result.{output}" for output in request.outputs),
            "",
        ]
    )


def _data_of(layer: Layer) -> str:
    level = "[0]" if getattr(layer, "multiscale", False) else ""
    return f"napari.current_viewer().layers[{layer.name!r}].data{level}"


def as_command(request: Request, source: str = "INPUT.tif", beside: Mapping[str, Layer] | None = None) -> str:
    """Return a command line that does the same to a file.

    Parameters
    ----------
    request : Request
        What was done. A part of an image is none that a command knows.
    source : str
        Name of the file.
    beside : mapping of str to Layer, optional
        Other layers that it was done with, see `as_python`.
    """
    files = {name: layer.source.path or f"{name.upper()}.tif" for name, layer in (beside or {}).items()}
    others = [files.get("damaged", "DAMAGED.tif")] if request.task == "repair" else []
    words = ["napari-microdiff", request.task, source, *others, "OUTPUT.tif"]
    for name, value in _said(request).items():
        if name in _OPTIONS[request.task]:
            words += ["--" + name.replace("_", "-"), str(value)]
    if isinstance(request.options, SynthesizeOptions):
        classes = ["--classes", "CLASSES.csv"] if request.options.kinds else []
        behind = [part for name, option in _BEHIND.items() if name in files for part in (option, files[name])]
        return _joined([*words, *_style_of(request.options), *classes, *behind])
    if isinstance(request.options, SuperresolveOptions):
        words += _blur_of(request.options)
    if isinstance(request.options, RepairOptions) and not request.options.noise:
        words.append("--no-noise")
    drawn = request.task in ("isotropic", "repair")
    for output in ("mean", "uncertainty") if drawn else ("sample", "uncertainty", "residual"):
        if output in request.outputs:
            words += [f"--{output}", f"{output.upper()}.tif"]
    return _joined(words)


def command_copied(request: Request, *, whole: bool) -> str:
    """Say what is left to do with a command.

    Parameters
    ----------
    request : Request
        What was done.
    whole : bool
        Whether it was done to the whole image.
    """
    said = ["Copied. Paste it into a terminal, and put your files in place of the names in capitals."]
    if isinstance(request.options, SuperresolveOptions) and request.options.psf:
        said.append("If your beads are larger than a pixel, add --bead-size and their diameter in micrometres.")
    if not whole:
        said.append("It is done to the whole image there.")
    return " ".join(said)


def _joined(words: list[str]) -> str:
    """Return words as a line for the shell of this system; that of Windows knows double quotes only."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


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
    if options.psf:
        return ["--beads", "BEADS.tif"]
    return ["--psf", str(options.blur)] if options.blur else []


def _others(one: BaseModel, usual: BaseModel) -> dict[str, Any]:
    """Return the fields in which one differs from another."""
    before = usual.model_dump(mode="python")
    return {name: value for name, value in one.model_dump(mode="python").items() if value != before[name]}


def _said(request: Request) -> dict[str, Any]:
    """Return the fields that are not at the default of the task, and always those that a reader wants to see."""
    usual = Request.model_validate({"task": request.task})
    fields = _others(request, usual) | _others(request.options, usual.options)  # the short way in takes both alike
    shown = ("model", "steps", "seed", "outputs", *_ALWAYS.get(request.task, ()))
    fields |= {name: getattr(request, name, getattr(request.options, name, None)) for name in shown}
    fields.pop("options", None)
    order = [*Request.model_fields, *type(request.options).model_fields]
    return dict(sorted(fields.items(), key=lambda item: order.index(item[0])))
