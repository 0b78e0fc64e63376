"""Segmentation: from an image to its objects.

A model draws two smooth maps, how deep in an object each pixel lies and how near to where two touch (see
`imaging.instances`), conditioned on the image and on what a user drew on it. One evaluation is the posterior mean of
the maps; several samples disagree where the image does not tell, which is what the confidence of each object comes
from. Images are brought to the magnification at which objects are as large as those that the model was trained on;
several samples see them a little smaller and larger besides, and objects are read from the mean of what each of them
saw at its first evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ..diffusion.denoiser import Condition, Denoiser
from ..engine.canvas import Plane
from ..engine.options import SegmentOptions
from ..engine.request import Request
from ..engine.tiles import Box, Reach, Tile, read_window
from ..errors import ModelError, RequestError
from ..imaging.axes import PlaneIndex, Sliceable
from ..imaging.faults import Faults
from ..imaging.intensity import Normalization
from ..imaging.resize import Resized
from ..imaging.telling import telling_blocks
from .base import Context, PlaneJob, check_architecture, check_finite, steps_of, without_equal_samples
from .conditioning import object_condition
from .diameter import estimate_diameter, middle_planes
from .mended import Kept, mended
from .objects import ObjectGatherer
from .shown import with_bright_objects
from .statistics import channel_view, position_of, positions
from .strokes import WIDTH, StrokeMaps

_ARCHITECTURE = {"dims": 2, "channels": 2, "condition_channels": 4, "vector_length": 0}
_SIGMA_MIN = 0.02  # of the standard deviation of the maps
_BLOCKS, _BLOCK_SIDE = 24, 192
_LEAST_RANGE = 0.25  # of that of all planes
_MORE_THAN_LETTERS, _MANY = 0.02, 8  # share of the pixels, and places
_READ_WHOLE = 2**24  # pixels of a plane that is read at once, rather than block by block of what may be one chunk
_MOST_MAGNIFIED = 16.0
_MAGNIFIED = (1.0, 0.75, 1.25)  # how samples see the image in turn; each size shows other objects best


class Segment:
    """The task; see `tasks.base.Task`."""

    def __init__(self, context: Context) -> None:
        options = context.request.options
        assert isinstance(options, SegmentOptions)
        self.request, self.notices = context.request, context.notices
        self.card, self._denoiser = context.card, context.denoiser
        check_architecture(self.card, _ARCHITECTURE)
        self.request = without_equal_samples(self.request, self.notices)
        self.source = with_bright_objects(context.source, options.shown)
        blocks = {p: self._blocks(p) for p in positions(self.source)}
        faults = {p: _as_ground(Faults.of(part), part) for p, part in blocks.items()}
        self._normalizations = {p: Normalization.fit(faults[p].mended(part)) for p, part in blocks.items()}
        self.source = mended(Kept(self.source, faults), self.notices)
        self._planes = prod(n for n, axis in zip(self.source.shape, self.source.axes, strict=True) if axis not in "CYX")
        self._of_planes: dict[int, Normalization] = {}
        self._diameters = {p: options.diameter or self._estimated(p) for p in positions(self.source)}
        self._known = self.card.diameter_px or max(self._diameters.values())
        self._check_magnification()
        self._strokes = StrokeMaps(options.strokes, self.source.axes)
        measured = [round(diameter, 2) for diameter in self._diameters.values()]
        self.report: dict[str, Any] = {"diameter": measured[0], "diameter_was_given": options.diameter is not None}
        if len(set(measured)) > 1:
            self.report["diameters"] = measured

    def guide(self, denoiser: Denoiser) -> Denoiser:
        """Leave the denoiser as it is: strokes are conditions that it was trained with."""
        return denoiser

    def jobs(self, index: PlaneIndex) -> Sequence[PlaneJob]:
        """Prepare one plane at the magnification of the model, and for further samples near it."""
        zoom = self._known / self._diameter_at(index)
        return [self._job(index, zoom * factor) for factor in _MAGNIFIED[: self.request.samples]]

    def _job(self, index: PlaneIndex, zoom: float) -> PlaneJob:
        pixels = self.source.plane(index)
        shape = _zoomed_shape(pixels.shape, zoom)
        view = Resized(pixels, shape)
        normalization = self._normalization(index)
        strokes = self._strokes.of_plane(index, pixels.shape, shape)

        def condition_at(tile: Tile) -> Condition:
            image = normalization.apply(read_window(view, tile.window))
            drawn = strokes.in_window(tile.window, WIDTH)
            return object_condition(torch.from_numpy(image)[None, None], torch.from_numpy(drawn)[None])

        plane = Plane(
            shape=shape,
            region=_zoomed_region(index, pixels.shape, shape),
            reach=Reach.of(self._denoiser.network.stride, self.card.halo),
            number=self.source.plane_number(index),
            condition_at=condition_at,
            channels=2,
        )
        steps = steps_of(self.request, self.card.sigma_max, _SIGMA_MIN * self.card.sigma_data, blind=True)
        return PlaneJob(plane, steps, pixels)

    def gatherer(self, request: Request) -> ObjectGatherer:
        """Return what reads objects from the maps."""
        options = request.options
        assert isinstance(options, SegmentOptions)
        return ObjectGatherer(
            request,
            self.source,
            ground_at=self._ground_at,
            depth=self.card.depth,
            saddle=options.saddle,
            smallest=options.smallest,
            diameter_at=self._diameter_at,
        )

    def _diameter_at(self, index: PlaneIndex) -> float:
        """Return the diameter of the objects of a plane: each channel shows other ones."""
        return self._diameters[position_of(self.source, index)]

    def _check_magnification(self) -> None:
        smallest = min(self._diameters.values())
        if self._known / smallest > _MOST_MAGNIFIED:
            raise RequestError(
                f"Objects {smallest:.3g} pixels across are too small to be outlined. Give their diameter in pixels, "
                "not in micrometres, or choose an image that shows them larger."
            )

    def _ground_at(self, index: PlaneIndex) -> float:
        """Return how bright the background of a plane is."""
        normalization = self._normalization(index)
        return normalization.offset - normalization.scale

    def _normalization(self, index: PlaneIndex) -> Normalization:
        """Return the range of a plane of its own: stacks grow dim with depth, and time series bleach.

        It is no narrower than a share of the range of all planes, so that noise is not all that an empty one shows.
        """
        whole = self._normalizations[position_of(self.source, index)]
        if self._planes == 1:
            return whole
        number = self.source.plane_number(index)
        if number not in self._of_planes:
            plane: Sliceable = self.source.plane(index)
            if prod(plane.shape) <= _READ_WHOLE:
                plane = np.asarray(plane[: plane.shape[0], : plane.shape[1]])
            blocks = telling_blocks(plane, "YX", count=_BLOCKS, size=_BLOCK_SIDE)
            own = Normalization.fit(blocks.astype(np.float64))
            scale = max(own.scale, _LEAST_RANGE * whole.scale)
            self._of_planes[number] = Normalization(own.offset - own.scale + scale, scale)
        return self._of_planes[number]

    def _blocks(self, position: int | None) -> NDArray[np.float64]:
        view, axes = channel_view(self.source, position)
        blocks = telling_blocks(view, axes, count=_BLOCKS, size=_BLOCK_SIDE).astype(np.float64)
        check_finite(blocks)
        return blocks

    def _estimated(self, position: int | None) -> float:
        known = self.card.diameter_px
        if known is None:
            raise ModelError(f"The card of '{self.card.id}' names no diameter. Give that of your objects in pixels.")
        for index in middle_planes(self.source, position):
            plane, normalization = self.source.plane(index), self._normalization(index)
            diameter, found = estimate_diameter(self._denoiser, plane, normalization, known, self.card.depth)
            if found:
                return diameter
        where = "" if position is None else f" in channel {position + 1}"
        self.notices.append(
            f"No objects were found to measure{where}; their diameter was taken for {known:.0f} pixels. Set it if the "
            "result is empty or wrong."
        )
        return known


def _as_ground(faults: Faults, blocks: NDArray[np.float64]) -> Faults:
    """Return faults of which all that is beyond the range of the image is dark: a scale bar is no object.

    What is beyond at the bright end in many places, and larger than letters, is objects that the camera cut off.
    """
    bright = blocks > faults.high
    if bright.mean() > _MORE_THAN_LETTERS and sum(ndimage.label(block)[1] for block in bright) >= _MANY:
        faults = replace(faults, high=np.inf, above=np.inf)
    return replace(faults, above=faults.below) if faults.any_beyond else faults


def _zoomed_shape(shape: tuple[int, ...], zoom: float) -> tuple[int, int]:
    height, width = (max(1, round(n * zoom)) for n in shape)
    return height, width


def _zoomed_region(index: PlaneIndex, shape: tuple[int, ...], zoomed: tuple[int, ...]) -> Box:
    """Return the region of a magnified plane that covers that of the plane."""
    spans = []
    parts = [part for part in index if isinstance(part, slice)]
    for part, old, new in zip(parts, shape, zoomed, strict=True):
        first, last = int(np.floor(part.start * new / old)), int(np.ceil(part.stop * new / old))
        spans.append((min(first, new - 1), max(first + 1, min(last, new))))
    return tuple(spans)
