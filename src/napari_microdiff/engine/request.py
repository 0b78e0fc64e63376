"""The one description of a job, whoever asks for it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from ..errors import RequestError, in_plain_words, problem_of
from ..imaging.lattice import Finer
from .options import (
    DenoiseOptions,
    Frozen,
    IsotropicOptions,
    RepairOptions,
    SegmentOptions,
    SuperresolveOptions,
    SynthesizeOptions,
)

SamplerName = Literal["dpmpp-2m", "heun", "ddim", "ddpm", "sde"]
OutputName = Literal["mean", "sample", "uncertainty", "residual", "labels", "maps", "draws"]
Span = tuple[int, int]

# What each task makes, the principal one first.
OUTPUTS: dict[str, tuple[OutputName, ...]] = {
    "denoise": ("mean", "sample", "uncertainty"),
    "superresolve": ("mean", "sample", "uncertainty", "residual"),
    "isotropic": ("sample", "mean", "uncertainty"),
    "repair": ("sample", "mean", "uncertainty"),
    "segment": ("labels", "maps", "draws"),
    "synthesize": ("sample", "mean"),
}
# Where a task has other defaults than those of denoising.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "superresolve": {"model": "superres-fluorescence"},
    "isotropic": {"model": "isotropic-em", "outputs": ("sample", "uncertainty"), "sampler": "heun", "steps": 8},
    "repair": {"outputs": ("sample",), "sampler": "ddpm", "steps": 12},
    "segment": {"model": "segment-nuclei", "outputs": ("labels",)},
    "synthesize": {"model": "synth-nuclei", "outputs": ("sample",), "steps": 16, "guidance": 2.0},
}


class Request(Frozen):
    """A job: what to do, with which model, how, and where.

    The panel builds it, the result layer remembers it, YAML stores it and the command line runs it. The same request
    on the same data and device gives the identical array.

    Attributes
    ----------
    task : str
        What to do.
    model : str
        Identity of a model in the store.
    weights_sha256 : str, optional
        Fingerprint of the weights. If given, a model with other weights is refused; results always carry it.
    sampler : str
        How the reverse diffusion is integrated.
    steps : int
        Evaluations of the denoiser per sample. One gives the posterior mean directly, and where neither a sample nor
        several samples are asked for, one is all that is spent.
    samples : int
        Number of samples; their mean and spread are returned. They are drawn in antithetic pairs, so that their mean
        is near the posterior mean; for independent ones use different seeds.
    outputs : tuple of str
        Denoising and super-resolving: any of ``"mean"``, ``"sample"`` (the first sample) and ``"uncertainty"``
        (standard deviation per pixel); super-resolving also ``"residual"``, the image without what would be measured
        of the mean, or of the sample if that is made and no mean. Making isotropic and repairing: ``"sample"``,
        ``"mean"``, ``"uncertainty"``. Segmenting: ``"labels"``, the ``"maps"`` that they are read from, and
        ``"draws"``, the labels of each sample. Synthesising: ``"sample"``, an image, and ``"mean"``, that of all images
        that could lie there.
    guidance : float
        Weight of classifier-free guidance; 0, the default but for synthesis, is none.
    seed : int
        Noise is a function of this seed and of the position of each pixel, nothing else.
    axes : str, optional
        One letter per axis of the array, such as ``"ZCYX"``; ``None`` guesses from the shape. ``"S"`` marks the
        colour samples of an RGB image.
    region : tuple of (start, stop), optional
        The part to compute, one pair per axis, in pixels; ``None`` is all of it. The result equals that part of the
        whole.
    tile : int, optional
        Largest side of a tile in pixels, without its halo; ``None`` chooses by device.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    precision : {"auto", "float32", "bfloat16"}
        Number format of the network; ``"auto"`` is bfloat16 where the hardware multiplies in it, else float32.
    options : DenoiseOptions, SuperresolveOptions, IsotropicOptions, RepairOptions, SegmentOptions or SynthesizeOptions
        What only this task needs to know.
    """

    task: Literal["denoise", "superresolve", "isotropic", "repair", "segment", "synthesize"] = "denoise"
    model: str = "denoise-fluorescence"
    weights_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    sampler: SamplerName = "dpmpp-2m"
    steps: int = Field(default=1, ge=1, le=1000)
    samples: int = Field(default=1, ge=1, le=1000)
    outputs: tuple[OutputName, ...] = ("mean", "uncertainty")
    guidance: float = Field(default=0.0, ge=0, le=20)
    seed: int = Field(default=0, ge=0, lt=2**63)
    axes: str | None = None
    region: tuple[Span, ...] | None = None
    tile: int | None = Field(default=None, ge=32, le=65536)
    device: str = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    options: Annotated[
        DenoiseOptions | SuperresolveOptions | IsotropicOptions | RepairOptions | SegmentOptions | SynthesizeOptions,
        Field(discriminator="task"),
    ] = DenoiseOptions()

    @property
    def serves(self) -> tuple[str, ...]:
        """The tasks of the models that serve this one, the better ones first."""
        if self.task == "repair":
            return ("denoise",)
        return (self.task, "denoise") if self.task in ("superresolve", "isotropic") else (self.task,)

    @property
    def finer(self) -> Finer:
        """How the pixels of the result lie on those of the image."""
        if isinstance(self.options, IsotropicOptions):
            return Finer(self.options.factor, along="Z", between=True)
        return Finer(self.options.factor) if isinstance(self.options, SuperresolveOptions) else Finer()

    @property
    def within(self) -> str:
        """Axes of what is worked on at once: planes, or volumes."""
        return "ZYX" if self.task == "isotropic" else "YX"

    @model_validator(mode="before")
    @classmethod
    def _of_its_task(cls, fields: Any) -> Any:
        """Fill in what depends on the task."""
        if not isinstance(fields, dict):
            return fields
        task = fields.get("task", "denoise")
        fields = {**_DEFAULTS.get(str(task), {}), **fields}
        options = fields.get("options", {})
        return {**fields, "options": {"task": task, **options}} if isinstance(options, dict) else fields

    @model_validator(mode="after")
    def _fits_its_task(self) -> Request:
        if self.options.task != self.task:
            raise ValueError(f"the options are those of the task '{self.options.task}', not of '{self.task}'")
        strange = [name for name in self.outputs if name not in OUTPUTS[self.task]]
        if strange:
            raise ValueError(f"'{self.task}' makes {', '.join(OUTPUTS[self.task])}, but not {', '.join(strange)}")
        return self

    @field_validator("outputs")
    @classmethod
    def _some_output(cls, outputs: tuple[OutputName, ...]) -> tuple[OutputName, ...]:
        if not outputs:
            raise ValueError("ask for at least one")
        return tuple(dict.fromkeys(outputs))

    @field_validator("device")
    @classmethod
    def _one_that_there_is(cls, device: str) -> str:
        if not re.fullmatch("auto|cpu|mps|cuda(:[0-9]+)?", device):
            raise ValueError(f"must be auto, cpu, cuda, cuda:N or mps, not '{device}'")
        return device

    @field_validator("region")
    @classmethod
    def _not_empty(cls, region: tuple[Span, ...] | None) -> tuple[Span, ...] | None:
        for start, stop in region or ():
            if start < 0 or stop <= start:
                raise ValueError(f"a region's span must have 0 <= start < stop, not {start} to {stop}")
        return region


def build_request(fields: dict[str, Any], where: str = "") -> Request:
    """Return the request with these fields.

    Raises
    ------
    RequestError
        If a field is unknown or has an impossible value; the message names all such fields.
    """
    try:
        return Request.model_validate(fields)
    except ValidationError as error:
        raise RequestError(f"{where}{problem_with(error)}") from None


def problem_with(error: ValidationError) -> str:
    """Return a sentence that names all fields with impossible values."""
    faults = []
    for fault in error.errors():
        name = ".".join(str(part) for part in fault["loc"] if part not in ("options", *OUTPUTS))
        faults.append(problem_of(name, fault["msg"]) if name else in_plain_words(fault["msg"]))
    return f"{'; '.join(faults)}."
