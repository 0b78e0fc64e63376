"""The one description of a job, whoever asks for it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..errors import RequestError
from ..imaging.axes import Finer

SamplerName = Literal["dpmpp-2m", "heun", "ddim", "ddpm", "sde"]
OutputName = Literal["mean", "sample", "uncertainty", "residual", "labels", "maps", "draws"]
Span = tuple[int, int]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DenoiseOptions(_Frozen):
    """What only denoising needs to know.

    Attributes
    ----------
    noise_level : float, optional
        Standard deviation of the noise in the units of the image; ``None`` measures it. A larger value smooths more.
    start : {"condition", "measured-noise"}
        ``"condition"`` gives the noisy image to a model trained on pairs. ``"measured-noise"`` uses the model as a
        prior only: the variance is stabilised and the noisy image is itself the starting point of the diffusion, at
        the noise level that was measured. It is for images that no model was trained on.
    """

    task: Literal["denoise"] = Field(default="denoise", exclude=True)
    noise_level: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    start: Literal["condition", "measured-noise"] = "condition"


class SuperresolveOptions(_Frozen):
    """What only making pixels finer needs to know.

    Attributes
    ----------
    factor : int
        Finer pixels along one of the image.
    blur : float
        Standard deviation, in pixels of the image, of the Gaussian that blurred it; 0 makes pixels finer and nothing
        sharper.
    optics : (float, float, float), optional
        Wavelength of the light, numerical aperture, and side of a pixel in the unit of the wavelength: the diffraction
        pattern of this aperture instead of a Gaussian.
    noise_level : float, optional
        Standard deviation of the noise in the units of the image; ``None`` measures it. If it is 0, the result, blurred
        and binned again, is the image to about the fourth digit.
    """

    task: Literal["superresolve"] = Field(default="superresolve", exclude=True)
    factor: int = Field(default=2, ge=2, le=8)
    blur: float = Field(default=0.0, ge=0, le=8)
    optics: tuple[float, float, float] | None = None
    noise_level: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_point_spread(self) -> SuperresolveOptions:
        if self.optics is None:
            return self
        if self.blur:
            raise ValueError("give either blur or optics, not both")
        if not all(0 < number < float("inf") for number in self.optics):
            raise ValueError("optics: wavelength, numerical aperture and pixel must be positive numbers")
        return self


class IsotropicOptions(_Frozen):
    """What only making stacks isotropic needs to know.

    Attributes
    ----------
    factor : int
        Distance of slices in pixels: so many times as many slices are made of the stack, less those after the last.
    """

    task: Literal["isotropic"] = Field(default="isotropic", exclude=True)
    factor: int = Field(default=2, ge=2, le=10)


class RepairOptions(_Frozen):
    """What only repairing needs to know.

    Attributes
    ----------
    start : float
        Noise, in normalised units, over the smooth filling from which drawing begins: with less the result is smoother
        and nearer to it, with more it is freer.
    noise : bool
        Whether the camera's noise, as measured around, is added to what is drawn of a sample.
    """

    task: Literal["repair"] = Field(default="repair", exclude=True)
    start: float = Field(default=1.0, ge=0.05, le=10)
    noise: bool = True


class Stroke(_Frozen):
    """A line that a user drew.

    Attributes
    ----------
    kind : {"object", "background", "cut"}
        All of it lies in one object; in none; along the line where two objects touch.
    points : tuple of tuple of float
        Corners of the line in pixels of the array: one number for each of its axes but that of colours, in their order.
        A stroke lies on the plane of its first corner.
    """

    kind: Literal["object", "background", "cut"]
    points: tuple[tuple[float, ...], ...] = Field(min_length=1)


class SegmentOptions(_Frozen):
    """What only segmenting needs to know.

    Attributes
    ----------
    shown : {"bright", "dark", "stained"}
        Whether objects are brighter than the background, darker, or stained in an image in colours.
    diameter : float, optional
        Typical diameter of the objects in pixels; ``None`` estimates it.
    saddle : float
        How much shallower than two objects the place between them must be, and how deep an object that stands alone;
        a smaller value splits more and keeps more that is doubtful.
    smallest : float
        Objects of less than this share of the area of a typical one are left out.
    strokes : tuple of Stroke
        What the user drew.
    """

    task: Literal["segment"] = Field(default="segment", exclude=True)
    shown: Literal["bright", "dark", "stained"] = "bright"
    diameter: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    saddle: float = Field(default=0.35, gt=0, lt=1)
    smallest: float = Field(default=0.05, ge=0, lt=1)
    strokes: tuple[Stroke, ...] = ()


class SynthesizeOptions(_Frozen):
    """What only drawing images from masks needs to know.

    Attributes
    ----------
    style : tuple of float, optional
        That of a reference image, see `imaging.style.style_vector`; ``None`` leaves it to the model.
    levels : (float, float)
        Grey levels that are written for the normalised -1 and 1; those of the reference make the image like it.
    kinds : tuple of (label, class)
        Classes of objects, from 1; those that are not named are of class 1.
    photons : float, optional
        That the camera counts where the image has the upper of the two levels; ``None`` draws the noise that the model
        learned, and no other.
    read_noise : float
        Standard deviation of what the camera adds, in grey levels.
    blur : float
        Standard deviation, in pixels, of a Gaussian that blurs the image before the camera.
    start : float, optional
        Noise, in standard deviations of the images that the model knows, over the image behind from which drawing
        begins: what is larger than it stays as it is. ``None`` begins with noise alone.
    """

    task: Literal["synthesize"] = Field(default="synthesize", exclude=True)
    style: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] | None = None
    levels: tuple[float, float] = (0.0, 255.0)
    kinds: tuple[tuple[int, int], ...] = ()
    photons: float | None = Field(default=None, gt=0, le=1e9)
    read_noise: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    blur: float = Field(default=0.0, ge=0, le=50)
    start: float | None = Field(default=None, ge=0.05, le=1000)

    @field_validator("levels")
    @classmethod
    def _rise(cls, levels: tuple[float, float]) -> tuple[float, float]:
        if not levels[0] < levels[1] < float("inf"):
            raise ValueError(f"the lower level must be below the upper one, not {levels[0]:g} and {levels[1]:g}")
        return levels

    @field_validator("kinds")
    @classmethod
    def _from_one(cls, kinds: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        for label, kind in kinds:
            if label < 1 or kind < 1:
                raise ValueError(f"labels and classes are numbered from 1, not label {label} of class {kind}")
        return kinds


_OUTPUTS: dict[str, tuple[OutputName, ...]] = {
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


class Request(_Frozen):
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
        of the mean. Making isotropic and repairing: ``"sample"``, ``"mean"``, ``"uncertainty"``. Segmenting:
        ``"labels"``, the ``"maps"`` that they are read from, and ``"draws"``, the labels of each sample. Synthesising:
        ``"sample"``, an image, and ``"mean"``, that of all images that could lie there.
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
        Side of a tile in pixels, without its halo; ``None`` chooses by memory and device.
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
    device: str = Field(default="auto", pattern="^(auto|cpu|mps|cuda(:[0-9]+)?)$")
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
        strange = [name for name in self.outputs if name not in _OUTPUTS[self.task]]
        if strange:
            raise ValueError(f"'{self.task}' makes {', '.join(_OUTPUTS[self.task])}, but not {', '.join(strange)}")
        return self

    @field_validator("outputs")
    @classmethod
    def _some_output(cls, outputs: tuple[OutputName, ...]) -> tuple[OutputName, ...]:
        if not outputs:
            raise ValueError("ask for at least one")
        return tuple(dict.fromkeys(outputs))

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
        faults = []
        for fault in error.errors():
            name = ".".join(str(part) for part in fault["loc"] if part not in ("options", *_OUTPUTS))
            faults.append(f"{name or 'request'}: {fault['msg'].removeprefix('Value error, ')}")
        raise RequestError(f"{where}{'; '.join(faults)}.") from None
