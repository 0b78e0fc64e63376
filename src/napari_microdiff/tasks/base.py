"""What every task has in common: a checked image, its planes, and the contract that a task fulfils."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..diffusion.denoiser import Denoiser, Preconditioned
from ..diffusion.samplers import SAMPLERS, Step, levels_for
from ..diffusion.schedule import karras_sigmas
from ..engine.canvas import Denoised, Plane
from ..engine.events import Preview
from ..engine.request import Request
from ..engine.tiles import Box
from ..errors import ImageError, ModelError, RequestError
from ..imaging.axes import PlaneIndex, Region, Sliceable, check_axes, check_region, full_region, guess_axes
from ..models.card import Card

Image = NDArray[np.float32]
_LARGEST = 1e30  # beyond this, squares overflow float32


@dataclass(frozen=True)
class Source:
    """A checked image.

    Attributes
    ----------
    array : array-like
        Anything with a shape and a dtype that can be sliced.
    axes : str
        One letter per axis.
    region : tuple of (start, stop)
        The part that was asked for, one pair per axis.
    """

    array: Sliceable
    axes: str
    region: Region

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(int(n) for n in self.array.shape)

    @property
    def plane_axes(self) -> tuple[int, int]:
        """Positions of Y and X, in the order in which they come."""
        first, second = (axis for axis, letter in enumerate(self.axes) if letter in "YX")
        return first, second

    @property
    def plane_shape(self) -> tuple[int, ...]:
        """Shape of a whole plane."""
        return tuple(self.shape[axis] for axis in self.plane_axes)

    def plane_number(self, index: PlaneIndex) -> int:
        """Return the number of a plane within the array, whatever the region."""
        others = [(i, n) for i, n in zip(index, self.shape, strict=True) if not isinstance(i, slice)]
        if not others:
            return 0
        return int(np.ravel_multi_index([int(i) for i, _ in others], [n for _, n in others]))

    def plane(self, index: PlaneIndex) -> PlaneView:
        """Return a view of a whole plane, from which windows can be read."""
        return PlaneView(self.array, index, self.plane_shape)


@dataclass(frozen=True)
class PlaneView:
    """One plane of an array, read part by part and checked for pixels that are not finite."""

    array: Sliceable
    index: PlaneIndex
    shape: tuple[int, ...]

    @property
    def dtype(self) -> Any:
        """Type of a pixel."""
        return self.array.dtype

    def __getitem__(self, part: tuple[slice, ...]) -> NDArray[np.generic]:
        """Read a part of the plane."""
        inside = iter(part)
        full = tuple(next(inside) if isinstance(i, slice) else i for i in self.index)
        pixels = np.asarray(self.array[full])
        check_finite(pixels)
        return pixels


def check_finite(pixels: NDArray[np.generic]) -> None:
    """Raise ImageError if there are pixels that are not numbers, or too large to compute with."""
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise ImageError(
            "The image has pixels that are not numbers (NaN) or infinite. Replace them, for example with "
            "numpy.nan_to_num, and try again."
        )
    if pixels.dtype.kind == "f" and pixels.size and float(np.abs(pixels).max()) > _LARGEST:
        raise ImageError(f"The image has values beyond {_LARGEST:g}. Divide it by a constant and try again.")


def _as_array(image: object) -> NDArray[np.generic]:
    try:
        return np.asarray(image)
    except ValueError:
        raise ImageError("The image is no array: its rows differ in length. Give every row the same length.") from None
    except (TypeError, RuntimeError) as error:  # of a tensor on a GPU, or one with gradients
        raise ImageError(f"The image cannot be read as a NumPy array ({error}). Convert it first.") from None


def open_source(request: Request, array: Sliceable) -> Source:
    """Check an image against a request.

    Raises
    ------
    ImageError
        If it is empty, or of a type that is not a number.
    RequestError
        If axes or region do not fit it.
    """
    if not isinstance(getattr(array, "dtype", None), np.dtype):  # lists, and tensors of PyTorch
        array = _as_array(array)
    kind = np.dtype(array.dtype).kind
    if kind not in "buif":
        what = "complex numbers" if kind == "c" else f"the type {array.dtype}"
        raise ImageError(f"The image has {what}, which cannot be processed. Convert it to real numbers first.")
    if 0 in array.shape:
        raise ImageError(f"The image is empty (shape {tuple(array.shape)}). Choose an image with at least one pixel.")
    axes = request.axes or guess_axes(array.shape, rgb=None if len(array.shape) == 3 else False)
    check_axes(axes, array.shape)
    region = request.region or full_region(array.shape)
    check_region(region, array.shape)
    return Source(array, axes, region)


@dataclass(frozen=True)
class PlaneJob:
    """One plane, ready to be sampled, and the way back from normalised units.

    Attributes
    ----------
    plane : Plane
        What the canvas needs.
    steps : sequence of Step
        The sampler's table.
    noisy : PlaneView
        The pixels that it was made from.
    """

    plane: Plane
    steps: Sequence[Step]
    noisy: PlaneView


def box_of(index: PlaneIndex) -> Box:
    """Return the part of a plane that was asked for."""
    return tuple((part.start, part.stop) for part in index if isinstance(part, slice))


class Gatherer(Protocol):
    """Gathers what tiles and samples bring into the arrays of the result."""

    def take(self, index: PlaneIndex, job: PlaneJob, event: Denoised, sample: int) -> Preview:
        """Take in a denoised tile and return it as a preview, in the units of the image."""

    def take_sample(self, index: PlaneIndex, job: PlaneJob, drawn: Image | None, sample: int) -> Iterable[None]:
        """Take in a whole sample of a plane; ``None`` if its only evaluation was already taken.

        What is returned has to be iterated: where this takes long, the job can be stopped in between.
        """

    def copy(self, index: PlaneIndex) -> None:
        """Note that nothing is to be done for a plane."""

    def report(self) -> dict[str, Any]:
        """Return facts for the report."""

    def outputs(self) -> dict[str, Any]:
        """Return the fields of the result; called once, at the end."""


class Task(Protocol):
    """What one file in this folder provides.

    A task says how to condition the denoiser, what to guide it with and how to read the answer. How planes are walked,
    tiled, sampled and reported is the same for all and is in `run`.

    Attributes
    ----------
    source : Source
        The image as the task sees it.
    request : Request
        As it is carried out, which may differ from what was asked for; `notices` then say why.
    """

    source: Source
    request: Request
    notices: list[str]
    report: dict[str, Any]

    def guide(self, denoiser: Denoiser) -> Denoiser:
        """Wrap the denoiser in the guidance that the request asks for."""

    def jobs(self, index: PlaneIndex) -> Sequence[PlaneJob]:
        """Return what is to be done for one plane, which its samples take in turn; nothing to leave it as it is."""

    def gatherer(self, request: Request) -> Gatherer:
        """Return what gathers the answers to a request, which is that of the task with the device filled in."""


def evaluations_needed(request: Request) -> int:
    """Return how many evaluations a sample takes: one if only the posterior mean and its uncertainty are wanted."""
    drawn = {"sample", "draws"} & set(request.outputs)
    return request.steps if drawn or request.samples > 1 else 1


def samples_needed(request: Request) -> int:
    """Return how many samples are worth computing: one if all would be equal."""
    return request.samples if request.steps > 1 else 1


def without_equal_samples(request: Request, notices: list[str]) -> Request:
    """Return the request with as many samples as differ, and say so if these are fewer."""
    if samples_needed(request) == request.samples:
        return request
    notices.append("One step always gives the same result: one sample was computed. Ask for more steps.")
    return request.model_copy(update={"samples": samples_needed(request)})


def steps_of(request: Request, sigma_max: float, sigma_min: float, *, blind: bool) -> list[Step]:
    """Return the table of steps of a request between two noise levels; ``blind`` if the first is one."""
    count = levels_for(request.sampler, request.steps, blind)
    table = SAMPLERS[request.sampler](karras_sigmas(sigma_max, sigma_min, max(1, count)), blind=blind)
    return table[: evaluations_needed(request)]


def check_model_fits(request: Request, card: Card) -> None:
    """Raise ModelError if the model was made for another task."""
    if card.task not in request.serves:
        raise ModelError(f"The model '{card.id}' is for '{card.task}', not for '{request.task}'. Choose another model.")


def check_architecture(card: Card, wanted: Mapping[str, int]) -> None:
    """Raise ModelError if a model's network does not take and give what a task needs."""
    shape = card.architecture
    wrong = [
        f"{name} {getattr(shape, name)} instead of {value}"
        for name, value in wanted.items()
        if getattr(shape, name) != value
    ]
    if wrong:
        raise ModelError(
            f"The model '{card.id}' is not one that this version can use for '{card.task}': its card says "
            f"{', '.join(wrong)}. Choose another model, or train one from a recipe of this version."
        )


def check_weights_match(request: Request, card: Card) -> None:
    """Raise RequestError if the request was made with other weights than the model has now."""
    if request.weights_sha256 not in (None, card.weights_sha256):
        raise RequestError(
            f"The request was made with other weights of '{card.id}' (sha256 {request.weights_sha256:.12}…) than the "
            f"installed ones ({card.weights_sha256:.12}…). Install that version, or remove weights_sha256."
        )


@dataclass
class Context:
    """What a task is made from.

    Attributes
    ----------
    behind : array-like, optional
        An image of which all outside of the region is kept; only for tasks that draw images from masks.
    kept : array-like, optional
        Not zero where it is kept within the region, too.
    damaged : array-like, optional
        Not zero where pixels are damaged; only for repairing.
    """

    request: Request
    source: Source
    card: Card
    denoiser: Preconditioned
    notices: list[str] = field(default_factory=list)
    behind: Sliceable | None = None
    kept: Sliceable | None = None
    damaged: Sliceable | None = None
