"""Recipes: everything that decides what a training run makes, in one YAML file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from ..errors import TrainingError
from ..imaging.between import BESIDE, PLANE_MAPS
from ..imaging.mask_maps import EXTRA_MAPS
from ..models.card import Architecture, TrainingSet


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pairs(_Part):
    """Recorded pairs: files of the same name in two folders.

    Attributes
    ----------
    noisy, clean : str
        Glob patterns below the data folder.
    hold_out : float
        Share of the rows, from the bottom, that is kept for validation.
    """

    noisy: str
    clean: str
    hold_out: float = Field(default=0.25, ge=0, lt=1)


class Clean(_Part):
    """Recorded images that are clean enough to simulate noise on.

    Attributes
    ----------
    files : str
        Glob pattern below the data folder.
    shrink : (float, float)
        Range of the factor by which images are binned; what is averaged has less grain.
    average : int
        Consecutive planes of a stack that are averaged, for the same reason.
    isotropic : bool
        Whether a stack may be cut along all three axes.
    hold_out : float
        Share of the planes (of a stack) or rows (of an image), from the end, that is kept for validation.
    weight : float
        How often images from here are drawn, relative to the other entries.
    """

    files: str
    shrink: tuple[float, float] = (1.0, 1.0)
    average: int = Field(default=1, ge=1)
    isotropic: bool = False
    hold_out: float = Field(default=0.25, ge=0, lt=1)
    weight: float = Field(default=1.0, gt=0)


class Noise(_Part):
    """How wide the simulated camera varies.

    Attributes
    ----------
    psnr_db : (float, float)
        Range of the peak signal-to-noise ratio of the noisy images.
    shot_share : (float, float)
        Range of the share of the noise variance that is shot noise (the rest is read noise).
    correlated, correlation_px : float, (float, float)
        How often the noise is blurred, and by Gaussians of which standard deviations along y and x.
    quantised, stripes, hot_pixels : float
        How often images are stored in 8 bits, have row offsets, or have hot pixels.
    """

    psnr_db: tuple[float, float] = (10.0, 36.0)
    shot_share: tuple[float, float] = (0.0, 1.0)
    correlated: float = 0.15
    correlation_px: tuple[float, float] = (0.3, 1.0)
    quantised: float = 0.3
    stripes: float = 0.05
    hot_pixels: float = 0.05


class Recipe(_Part):
    """What the recipes of all tasks have in common.

    Attributes
    ----------
    start_from : str, optional
        Model of the same task and architecture whose weights the run begins with; ``None`` begins with random ones.
    sigma_max : float
        Highest noise level, from which on the network is blind.
    batch_fields : int
        Squares that a batch draws.
    echo : int
        Steps that each batch is used for, with other noise: for machines that learn faster than batches are made (Choi
        et al. 2019, arXiv:1907.05550).
    """

    id: str
    title: str
    summary: str
    architecture: Architecture
    start_from: str | None = None
    sigma_max: float = 5.0
    steps: int = 60_000
    batch_fields: int = 4
    echo: int = Field(default=1, ge=1)
    learning_rate: float = 0.01
    seed: int = 0
    training_data: tuple[TrainingSet, ...] = ()
    known_failures: tuple[str, ...] = ()


class RestoreRecipe(Recipe):
    """A training run of a model that brings back what a microscope lost of a clean image.

    Attributes
    ----------
    clean : tuple of Clean
        Recorded clean images.
    procedural : {"fluorescence", "electron_microscopy"}
        Kind of procedural images.
    noise : Noise
        Of the simulated camera.
    blur_px : (float, float)
        Range of the additional Gaussian blur of clean images; blurred with probability `blurred`.
    """

    clean: tuple[Clean, ...] = ()
    procedural: Literal["fluorescence", "electron_microscopy"]
    procedural_count: int = 600
    noise: Noise = Noise()
    blurred: float = 0.7
    blur_px: tuple[float, float] = (0.4, 4.0)


class DenoiseRecipe(RestoreRecipe):
    """A training run of a denoiser.

    Attributes
    ----------
    pairs : tuple of Pairs
        Recorded pairs.
    shares : (float, float, float)
        Relative frequency of recorded pairs, recorded clean images and procedural images.
    """

    task: Literal["denoise"] = "denoise"
    pairs: tuple[Pairs, ...] = ()
    shares: tuple[float, float, float] = (0.15, 0.35, 0.5)


class SuperresolveRecipe(RestoreRecipe):
    """A training run of a model that makes pixels finer and takes back blur.

    Attributes
    ----------
    factors : tuple of int
        Sides of the squares of pixels that the simulated camera sees as one.
    psf_px : (float, float)
        Range of the width (standard deviation) of the point-spread function, in pixels of the camera.
    unblurred, noiseless : float
        How often it does not blur, and records without noise.
    simulated : float
        Share of the procedural images.
    """

    task: Literal["superresolve"]
    factors: tuple[Annotated[int, Field(ge=2, le=8)], ...] = (2, 4)
    psf_px: tuple[float, float] = (0.25, 1.6)
    unblurred: float = Field(default=0.25, ge=0, le=1)
    noiseless: float = Field(default=0.2, ge=0, le=1)
    simulated: float = Field(default=0.4, ge=0, le=1)


class IsotropicRecipe(RestoreRecipe):
    """A training run of a model that fills in the rows between some of an image, as those between slices of a stack.

    Images are shown and asked for as they were recorded, noise included: what a model of recorded slices makes is to
    look like one.

    Attributes
    ----------
    factors : (int, int)
        Least and largest distance of the rows that are shown.
    noisier : float
        How often the simulated camera adds noise to a recorded image; it always does to procedural ones.
    simulated : float
        Share of the procedural images.
    alone : float
        How often the neighbours of a plane of an isotropic volume are not shown. Those of others never are.
    """

    task: Literal["isotropic"]
    factors: tuple[int, int] = (2, 10)
    noisier: float = Field(default=0.3, ge=0, le=1)
    simulated: float = Field(default=0.2, ge=0, le=1)
    alone: float = Field(default=0.25, ge=0, le=1)

    @property
    def beside(self) -> tuple[int, ...]:
        """Distances of the neighbouring planes that the network is shown."""
        return BESIDE if self.architecture.condition_channels > PLANE_MAPS else ()

    @model_validator(mode="after")
    def _shows_what_there_is(self) -> IsotropicRecipe:
        few, many = PLANE_MAPS, PLANE_MAPS + len(BESIDE)
        if self.architecture.condition_channels not in (few, many):
            raise ValueError(
                f"architecture.condition_channels must be {few}, or {many} if neighbouring planes are to be shown"
            )
        return self


class Labelled(_Part):
    """Images whose objects were outlined.

    Attributes
    ----------
    images, labels : str
        Glob patterns below the data folder, matched in the order of their names.
    shown : {"bright", "dark", "stained"}
        Whether objects are brighter than the background, darker, or of another colour.
    hold_out : int
        Every so many images one is kept for validation.
    weight : float
        How often images from here are drawn, relative to the other entries.
    objects : str, optional
        Glob pattern of tables (CSV) with the columns ``label`` and ``class``, matched as the labels are; for models
        that know classes.
    """

    images: str
    labels: str
    objects: str | None = None
    shown: Literal["bright", "dark", "stained"] = "bright"
    hold_out: int = Field(default=8, ge=2)
    weight: float = Field(default=1.0, gt=0)


class SegmentRecipe(Recipe):
    """A training run of a model that outlines objects.

    Attributes
    ----------
    labelled : tuple of Labelled
        The images.
    diameter_px : float
        Median diameter of objects that images are brought to.
    zoom : float
        Standard deviation of the logarithm of what they miss it by, so that diameters may be told a little wrong.
    altered : float
        Share of the crops that are shown as another microscope would, with other light, blur, noise and ground.
    strokes : float
        Share of the crops on which a user has drawn.
    """

    task: Literal["segment"]
    labelled: tuple[Labelled, ...]
    diameter_px: float = Field(default=24.0, gt=4)
    zoom: float = Field(default=0.3, ge=0)
    altered: float = Field(default=0.7, ge=0, le=1)
    strokes: float = Field(default=0.5, ge=0, le=1)


class SynthesizeRecipe(Recipe):
    """A training run of a model that makes images from masks.

    Attributes
    ----------
    labelled : tuple of Labelled
        The images; in colours if the architecture has three channels.
    classes : tuple of str
        Names of the classes of objects, as the tables have them; empty where all objects are of one.
    diameter_px : float
        Median diameter of objects that images are brought to.
    zoom : float
        Standard deviation of the logarithm of what they miss it by: objects of these sizes can be drawn.
    crops : int
        That are cut from each square.
    untold : float
        Share of the crops that are shown neither mask nor style, for classifier-free guidance; as large a share again
        is not told the style only.
    """

    task: Literal["synthesize"]
    labelled: tuple[Labelled, ...]
    classes: tuple[str, ...] = ()
    diameter_px: float = Field(default=24.0, gt=4)
    zoom: float = Field(default=0.35, ge=0)
    crops: int = Field(default=2, ge=1)
    untold: float = Field(default=0.15, ge=0, le=0.5)

    @model_validator(mode="after")
    def _knows_its_classes(self) -> SynthesizeRecipe:
        maps = max(1, len(self.classes)) + EXTRA_MAPS
        if self.architecture.condition_channels != maps:
            raise ValueError(f"architecture.condition_channels must be {maps}: one for each class, and {EXTRA_MAPS}")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes: each needs a name of its own")
        if self.classes and not all(entry.objects for entry in self.labelled):
            raise ValueError("classes: each entry of labelled needs the tables that name them, objects")
        return self


AnyRecipe = DenoiseRecipe | SuperresolveRecipe | IsotropicRecipe | SegmentRecipe | SynthesizeRecipe
_ANY: TypeAdapter[AnyRecipe] = TypeAdapter(Annotated[AnyRecipe, Field(discriminator="task")])


def bundled_recipes() -> list[str]:
    """Return the names of the recipes that come with the package."""
    folder = resources.files(__package__) / "library"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def read_recipe(name: str | Path) -> AnyRecipe:
    """Read a bundled recipe by its name or any recipe by its path.

    Raises
    ------
    TrainingError
        If there is none or it is not valid.
    """
    path = Path(name)
    try:
        if str(name) in bundled_recipes():
            text = (resources.files(__package__) / "library" / f"{name}.yaml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
        # Recipes from before there was more than one task do not name it.
        return _ANY.validate_python({"task": "denoise", **content} if isinstance(content, dict) else content)
    except OSError:
        known = ", ".join(bundled_recipes())
        raise TrainingError(f"There is no recipe '{name}'. Give the path of a YAML file or one of: {known}.") from None
    except yaml.YAMLError:
        raise TrainingError(f"{path} is not readable as YAML.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "recipe"
        what = first["msg"].removeprefix("Value error, ")
        raise TrainingError(f"{path} is not a valid recipe: {where}: {what}.") from None
