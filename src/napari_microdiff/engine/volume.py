"""Volumes through networks of planes: each step looks at a volume from two sides, plane by plane.

A network that knows images of one kind of plane restores all planes across y and all planes across x; the estimate of
the volume is the mean of both, at every step of the sampler (after Lee et al. 2023, arXiv:2303.08440, who have two
networks take turns). What one side cannot tell of a neighbouring plane the other one does, so that little flickers
from plane to plane.

The volume itself may lie on disk; what is held in memory is a slab of it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from torch import Tensor

from ..diffusion.denoiser import NOTHING, Condition, Denoiser, Prediction
from ..diffusion.samplers import Step
from .canvas import Canvas, Denoised, Evaluated, Image, Plane, cut_to, evaluate, sampled_area, stream_of
from .events import Notice
from .memory import Workplace, blank_array
from .tiles import Box, Reach, Tile, bands, make_tiles, slices_in

_SIDES = (1, 2)  # axes that planes are cut across: y and x
_DIMS = 3


@dataclass(frozen=True)
class Looked:
    """Planes were evaluated from one side, or begun with; the estimate of their slab is not complete yet."""


def sample_volume(
    denoiser: Denoiser, volume: Plane, steps: Sequence[Step], workplace: Workplace, *, seed: int, sample: int = 0
) -> Generator[Denoised | Looked | Notice, None, Image | None]:
    """Draw one sample of a volume with a denoiser of planes; see `canvas.sample_plane`.

    Parameters
    ----------
    volume : Plane
        With a shape of (z, y, x). Its condition is asked for windows that are one pixel thick along y or along x, and
        has all three axes; if it has starting values, these are asked for parts of slices, and there are two steps or
        more.

    Yields
    ------
    Looked, Denoised or Notice
        After every evaluation; for every few slices once they were looked at from both sides; when memory ran out.
    """
    area = sampled_area(volume, steps)
    canvas = None if len(steps) == 1 else Canvas(volume, area, steps)
    begun = canvas is not None and volume.start_at is not None
    if canvas is not None and volume.start_at is not None:
        for core in bands(area):
            canvas.begin(core, volume.start_at(Tile(core, core)))
            yield Looked()
    for number, step in enumerate(steps):
        for slab in _slabs(volume, area, workplace.tile):
            for item in _both_sides(denoiser, volume, slab, step.sigma, workplace, canvas, blind=not (number or begun)):
                if isinstance(item, Evaluated):
                    if canvas is not None:
                        canvas.apply(step, item, seed, *stream_of(number, sample))
                    yield cut_to(item, volume.region, first=number == 0)
                else:
                    yield item
        if canvas is not None:
            canvas.advance()
    return None if canvas is None else canvas.read_region()


def count_looks(volume: Plane, steps: Sequence[Step], tile: int | None) -> int:
    """Return how many events a sample takes but for notices."""
    slabs = _slabs(volume, sampled_area(volume, steps), tile)
    looks = [sum(len(_planes(volume, slab, side, tile)) for side in _SIDES) + len(bands(slab)) for slab in slabs]
    begun = volume.start_at is not None and len(steps) > 1
    return len(steps) * sum(looks) + begun * len(bands(sampled_area(volume, steps)))


def _slabs(volume: Plane, area: Box, tile: int | None) -> Iterator[Box]:
    along_z = Reach((volume.reach.stride[0], 1, 1), (0,) * _DIMS)
    for part in make_tiles(volume.shape, (area[0], (0, 1), (0, 1)), tile, along_z):
        yield (part.core[0], *area[1:])


def _planes(volume: Plane, slab: Box, side: int, tile: int | None) -> list[Tile]:
    """Return the parts of all planes across an axis; equal ones of neighbouring planes follow each other."""
    reach = _reach_across(volume.reach, side)
    first = (*slab[:side], (slab[side][0], slab[side][0] + 1), *slab[side + 1 :])
    return [
        Tile(_moved(part.core, side, at), _moved(part.window, side, at))
        for part in make_tiles(volume.shape, first, tile, reach)
        for at in range(*slab[side])
    ]


def _moved(box: Box, side: int, at: int) -> Box:
    return (*box[:side], (at, at + 1), *box[side + 1 :])


def _reach_across(reach: Reach, side: int) -> Reach:
    stride, halo = list(reach.stride), list(reach.halo)
    stride[side], halo[side] = 1, 0
    return Reach(tuple(stride), tuple(halo))


def _both_sides(
    denoiser: Denoiser,
    volume: Plane,
    slab: Box,
    sigma: float,
    workplace: Workplace,
    canvas: Canvas | None,
    *,
    blind: bool,
) -> Iterator[Evaluated | Looked | Notice]:
    """Look at a slab from both sides, then yield the mean of what was seen, a few slices at a time."""
    both = _Mean(slab)
    for side in _SIDES:
        planes = _planes(volume, slab, side, workplace.tile)
        across = replace(volume, reach=_reach_across(volume.reach, side))
        seen = evaluate(of_planes(denoiser, side), across, planes, sigma, workplace, None if blind else canvas)
        for item in seen:
            if isinstance(item, Evaluated):
                both.add(item)
                yield Looked()
            else:
                yield item
    yield from both.parts(canvas)


def of_planes(denoiser: Denoiser, side: int) -> Denoiser:
    """Make a denoiser of planes one of volumes that are a pixel thick along an axis: 1 for y, 2 for x."""
    axis = side + 2

    def flat(x: Tensor, sigma: float | Tensor, condition: Condition = NOTHING) -> Prediction:
        given = {f.name: getattr(condition, f.name) for f in fields(condition)}
        thin = {
            name: part.squeeze(axis) if part is not None and part.ndim == x.ndim else part
            for name, part in given.items()
        }
        mean, variance = denoiser(x.squeeze(axis), sigma, Condition(**thin))
        return Prediction(mean.unsqueeze(axis), None if variance is None else variance.unsqueeze(axis))

    return flat


class _Mean:
    """The mean over both sides of a slab."""

    def __init__(self, slab: Box) -> None:
        self._slab = slab
        self._mean = blank_array(self._shape)
        self._variance: Image | None = None

    @property
    def _shape(self) -> tuple[int, ...]:
        return (1, *(stop - start for start, stop in self._slab))

    def add(self, item: Evaluated) -> None:
        """Add what was seen of a part from one side."""
        share = np.float32(1 / len(_SIDES))
        here = (slice(None), *slices_in(item.core, self._slab))
        self._mean[here] += share * item.mean
        if item.variance is not None:
            if self._variance is None:
                self._variance = blank_array(self._shape)
            self._variance[here] += share * item.variance

    def parts(self, canvas: Canvas | None) -> Iterator[Evaluated]:
        """Yield what was seen from both sides, a few slices at a time."""
        for core in bands(self._slab):
            here = (slice(None), *slices_in(core, self._slab))
            x = np.zeros((), np.float32) if canvas is None else canvas.read(core)
            yield Evaluated(core, x, self._mean[here], None if self._variance is None else self._variance[here])
