"""What only one task needs to know of a job."""

from __future__ import annotations

from math import hypot, inf, isfinite, sqrt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

# Both as in `imaging.optics`, which takes scipy to import.
_WIDEST = 8.0  # blur: standard deviation in pixels
_LOUDEST = 1e30  # noise level, whose square must be a number
_GAUSSIAN_OF_AIRY = 0.225  # wavelengths over numerical apertures: the standard deviation of the nearest Gaussian

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Frozen(BaseModel):
    """What cannot be changed, and takes no field that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DenoiseOptions(Frozen):
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
    noise_level: float | None = Field(default=None, gt=0, le=_LOUDEST, allow_inf_nan=False)
    start: Literal["condition", "measured-noise"] = "condition"


class SuperresolveOptions(Frozen):
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
    psf : tuple of (str, float, float)
        A point-spread function that was measured on beads instead of either: shapes (``"gaussian"`` or ``"airy"``),
        widths in pixels of the image, and shares of what it is the sum of. See `imaging.point_spread.measure_psf`.
    noise_level : float, optional
        Standard deviation of the noise in the units of the image; ``None`` measures it. If it is 0, the result, blurred
        and binned again, is the image as far as the blur lets it through: to about the fourth digit if there is really
        no noise and the blur is no wider than a pixel.
    """

    task: Literal["superresolve"] = Field(default="superresolve", exclude=True)
    factor: int = Field(default=2, ge=2, le=8)
    blur: float = Field(default=0.0, ge=0, le=_WIDEST)
    optics: tuple[float, float, float] | None = None
    psf: tuple[tuple[Literal["gaussian", "airy"], float, float], ...] = Field(default=(), max_length=8)
    noise_level: float | None = Field(default=None, ge=0, le=_LOUDEST, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_point_spread(self) -> SuperresolveOptions:
        if sum((self.blur > 0, self.optics is not None, bool(self.psf))) > 1:
            raise ValueError("give one of blur, optics and psf, not several")
        if not all(0 < width <= _WIDEST and 0 < share < float("inf") for _, width, share in self.psf):
            raise ValueError(f"psf: widths must be above 0 and at most {_WIDEST:g} pixels, and shares above 0")
        if self.optics is None:
            return self
        if not all(0 < number < float("inf") for number in self.optics):
            raise ValueError("optics: wavelength, numerical aperture and pixel must be positive numbers")
        wavelength, aperture, pixel = self.optics
        width = _GAUSSIAN_OF_AIRY * wavelength / (aperture * pixel)
        if width > _WIDEST:
            raise ValueError(
                f"optics: they would blur over {width:.3g} pixels, and {_WIDEST:g} are the most. Check them: the "
                "wavelength and the side of a pixel are in the same unit"
            )
        return self


class IsotropicOptions(Frozen):
    """What only making stacks isotropic needs to know.

    Attributes
    ----------
    factor : int
        Distance of slices in pixels: so many times as many slices are made of the stack, less those after the last.
    """

    task: Literal["isotropic"] = Field(default="isotropic", exclude=True)
    factor: int = Field(default=2, ge=2, le=10)


class RepairOptions(Frozen):
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


class Stroke(Frozen):
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
    points: tuple[tuple[Finite, ...], ...] = Field(min_length=1)


class SegmentOptions(Frozen):
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


class SynthesizeOptions(Frozen):
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
    style: tuple[Finite, ...] | None = None
    levels: tuple[float, float] = (0.0, 255.0)
    kinds: tuple[tuple[int, int], ...] = ()
    photons: float | None = Field(default=None, gt=0, le=1e9)
    read_noise: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    blur: float = Field(default=0.0, ge=0, le=50)
    start: float | None = Field(default=None, ge=0.05, le=1000)

    @property
    def camera_noise(self) -> float:
        """Standard deviation of the noise that is laid over what is as bright as the upper level, in grey levels."""
        span = self.levels[1] - self.levels[0]
        return hypot(self.read_noise, 0.0 if self.photons is None else span / sqrt(self.photons))

    @field_validator("levels")
    @classmethod
    def _rise(cls, levels: tuple[float, float]) -> tuple[float, float]:
        if not (isfinite(levels[0]) and levels[0] < levels[1] < inf):
            raise ValueError(
                f"the lower level must be below the upper one, both finite, not {levels[0]:g} and {levels[1]:g}"
            )
        return levels

    @field_validator("kinds")
    @classmethod
    def _from_one(cls, kinds: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        for label, kind in kinds:
            if label < 1 or kind < 1:
                raise ValueError(f"labels and classes are numbered from 1, not label {label} of class {kind}")
        return kinds
