"""The canvas: one sampler stepping a whole plane while the denoiser is evaluated tile by tile.

This is where the mathematics and the machine meet. The sampler is a table of steps (see `diffusion.samplers`); the
canvas holds the plane's values, evaluates tiles in turn and applies each step as soon as a tile is denoised. Between
two of its yields nothing takes longer than one evaluation of one batch of tiles.

Planes have a channel axis first: arrays are (channels, y, x) or (channels, z, y, x). Boxes are spatial.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..diffusion.denoiser import Condition, Denoiser
from ..diffusion.noise import antithetic, positional_noise
from ..diffusion.samplers import Mix, Step
from .events import Notice
from .memory import Workplace, blank_array, is_out_of_memory
from .tiles import Box, Reach, Tile, batches, grown, make_tiles, overlap, read_window, slices_in

Image = NDArray[np.float32]
_STREAMS_PER_PAIR = 2**20


@dataclass(frozen=True)
class Denoised:
    """A tile was evaluated.

    Attributes
    ----------
    core : tuple of (start, stop)
        Where in the plane; empty if the tile lies in the margin around the region.
    mean, variance : ndarray
        Of the core, in normalised units; ``variance`` is ``None`` if the denoiser knows none.
    first : bool
        Whether this was a sample's first evaluation, whose mean is the posterior mean.
    """

    core: Box
    mean: Image
    variance: Image | None
    first: bool


@dataclass(frozen=True)
class Plane:
    """One plane (or volume) to sample.

    Attributes
    ----------
    shape : tuple of int
        Spatial shape of the whole plane.
    region : tuple of (start, stop)
        Part that is wanted.
    reach : Reach
        What the network needs to see.
    number : int
        Number of the plane within the array, which its noise depends on.
    condition_at : callable
        Returns the condition of a tile's window, for a batch of one.
    start_at : callable, optional
        Returns the starting value of a tile's window; ``None`` for a sampler that starts blind.
    channels : int
        Channels of the image that is sampled.
    margin : float
        Halos around the region that are stepped with it; one is enough where all around it is known.
    at_edges : bool
        How the plane is mirrored beyond its borders, see `tiles.read_window`.
    """

    shape: tuple[int, ...]
    region: Box
    reach: Reach
    number: int
    condition_at: Callable[[Tile], Condition]
    start_at: Callable[[Tile], Image] | None = None
    channels: int = 1
    margin: float = 1.5
    at_edges: bool = False


def sampled_area(plane: Plane, steps: Sequence[Step]) -> Box:
    """Return the part of a plane that has to be stepped for its region.

    A later step sees the neighbourhood of what an earlier one made, so that a region needs a margin around it. One halo
    is too little for samples of dense tissue; the benchmark ``tiling`` says how far regions are off.
    """
    margin = [0 if len(steps) == 1 else round(plane.margin * halo) for halo in plane.reach.halo]
    return grown(plane.region, plane.shape, margin)


def sample_plane(
    denoiser: Denoiser, plane: Plane, steps: Sequence[Step], workplace: Workplace, *, seed: int, sample: int = 0
) -> Generator[Denoised | Notice, None, Image | None]:
    """Draw one sample of a plane.

    Samples 0 and 1, 2 and 3 and so on are *antithetic*: drawn with the same noise of opposite sign (Hammersley and
    Morton 1956). Each is as good a draw as any, and their errors about the posterior mean cancel to first order, so
    that few samples already average to it.

    Parameters
    ----------
    steps : sequence of Step
        The sampler's table.
    workplace : Workplace
        Where tiles are evaluated; its batch and tile shrink when memory runs out.
    seed, sample : int
        Key of the noise and number of the sample.

    Yields
    ------
    Denoised or Notice
        After every evaluation of a tile; notices when memory ran out.

    Returns
    -------
    ndarray or None
        The sample in the plane's region; ``None`` for a single step, whose `Denoised` events are the answer.

    Raises
    ------
    DeviceError
        If memory does not suffice for the smallest tile.
    FileError
        If the disk has no room for what a large plane needs.
    """
    area = sampled_area(plane, steps)
    canvas = None if len(steps) == 1 else Canvas(plane, area, steps)
    for number, step in enumerate(steps):
        tiles = make_tiles(plane.shape, area, workplace.tile, plane.reach)
        stepped = canvas if number else None
        for item in evaluate(denoiser, plane, tiles, step.sigma, workplace, stepped):
            if isinstance(item, Notice):
                yield item
                continue
            if canvas is not None:
                canvas.apply(step, item, seed, *stream_of(number, sample))
            yield cut_to(item, plane.region, first=number == 0)
        if canvas is not None:
            canvas.advance()
    return None if canvas is None else canvas.read_region()


def stream_of(step: int, sample: int) -> tuple[int, float]:
    """Return the stream of noise of a step of a sample, and its sign; samples of a pair differ in the sign."""
    pair, sign = antithetic(sample)
    return pair * _STREAMS_PER_PAIR + step, sign


@dataclass(frozen=True)
class Evaluated:
    """A tile's value before the step, and what the denoiser made of it; all of the core."""

    core: Box
    x: Image
    mean: Image
    variance: Image | None


def evaluate(
    denoiser: Denoiser, plane: Plane, tiles: Sequence[Tile], sigma: float, workplace: Workplace, canvas: Canvas | None
) -> Iterator[Evaluated | Notice]:
    """Evaluate tiles of a plane at a noise level; with smaller ones, and a notice, where memory runs out."""
    waiting = list(tiles)
    while waiting:
        group = next(batches(waiting, workplace.count(waiting[0])))
        try:
            done = _evaluate_batch(denoiser, plane, group, sigma, workplace.device, canvas)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            yield from done
            waiting = waiting[len(group) :]
            continue
        # Out of the handler, so that the failed evaluation's tensors are no longer held by its traceback.
        smaller, notice = workplace.shrink(group, plane.shape, plane.reach)
        waiting = smaller + workplace.cut(waiting[len(group) :], plane.shape, plane.reach)
        yield notice


def _evaluate_batch(
    denoiser: Denoiser, plane: Plane, tiles: Sequence[Tile], sigma: float, device: torch.device, canvas: Canvas | None
) -> list[Evaluated]:
    values = [_value_at(plane, tile, canvas) for tile in tiles]
    conditions = [plane.condition_at(tile).to(device) for tile in tiles]
    with torch.inference_mode():
        x = torch.from_numpy(np.stack(values)).to(device)
        prediction = denoiser(x, sigma, Condition.stack(conditions))
        mean = prediction.mean.float().cpu().numpy()
        variance = None if prediction.variance is None else prediction.variance.float().cpu().numpy()
    done = []
    for i, tile in enumerate(tiles):
        inner = (slice(None), *tile.inner)
        spread = None if variance is None else variance[i][inner]
        done.append(Evaluated(tile.core, values[i][inner], mean[i][inner], spread))
    return done


def _value_at(plane: Plane, tile: Tile, canvas: Canvas | None) -> Image:
    if canvas is not None:
        return canvas.read(tile.window)
    if plane.start_at is not None:
        return plane.start_at(tile)
    return np.zeros((plane.channels, *tile.window_shape), dtype=np.float32)


def cut_to(item: Evaluated, region: Box, *, first: bool) -> Denoised:
    """Cut what was evaluated to the region that was asked for."""
    box = overlap(item.core, region)
    inner = (slice(None), *slices_in(box, item.core))
    variance = None if item.variance is None else item.variance[inner]
    return Denoised(box, item.mean[inner], variance, first)


class Canvas:
    """Value and memory of every pixel of an area, in place and on disk if large."""

    def __init__(self, plane: Plane, area: Box, steps: Sequence[Step]) -> None:
        shape = (plane.channels, *(stop - start for start, stop in area))
        self._plane, self._area = plane, area
        self._origin = (0, *(start for start, _ in area))
        self._x, self._next = blank_array(shape), blank_array(shape)
        remembers = any(step.memory is not None for step in steps)
        self._memory = blank_array(shape) if remembers else None

    def begin(self, core: Box, values: Image) -> None:
        """Set the values of a part before the first step, shape (channels, [z,] y, x)."""
        self._x[(slice(None), *slices_in(core, self._area))] = values

    def read(self, window: Box) -> Image:
        """Return the present values in a window, reflected outside the area."""
        channels = (0, self._plane.channels)
        at_edges = self._plane.at_edges
        return np.ascontiguousarray(read_window(self._x, (channels, *window), self._origin, at_edges=at_edges))

    def apply(self, step: Step, item: Evaluated, seed: int, stream: int, sign: float) -> None:
        """Take one step at the pixels of a tile, with the noise of a stream times ``sign``."""
        here = (slice(None), *slices_in(item.core, self._area))
        memory = None if self._memory is None else self._memory[here]
        new = _mixed(step.x, item, memory)
        if step.noise or (step.variance and item.variance is not None):
            new += np.float32(sign) * self._noise(step, item, seed, stream)
        if step.memory is not None and memory is not None:
            memory[...] = _mixed(step.memory, item, memory)
        self._next[here] = new

    def _noise(self, step: Step, item: Evaluated, seed: int, stream: int) -> Image:
        start, stop = zip(*item.core, strict=True)
        channels = self._plane.channels
        numbers = range(self._plane.number * channels, (self._plane.number + 1) * channels)
        noise = np.stack([positional_noise(seed, stream, number, start, stop) for number in numbers])
        if item.variance is None or not step.variance:
            return np.asarray(noise * np.float32(step.noise))
        deviation = np.sqrt(np.float32(step.noise**2) + np.float32(step.variance) * item.variance)
        return np.asarray(noise * deviation)

    def advance(self) -> None:
        """Make the stepped values the present ones."""
        self._x, self._next = self._next, self._x

    def read_region(self) -> Image:
        """Return the present values in the plane's region, where they lie."""
        return self._x[(slice(None), *slices_in(self._plane.region, self._area))]


def _mixed(mix: Mix, item: Evaluated, memory: Image | None) -> Image:
    new = np.float32(mix.x) * item.x + np.float32(mix.denoised) * item.mean
    if mix.memory and memory is not None:
        new += np.float32(mix.memory) * memory
    return new
