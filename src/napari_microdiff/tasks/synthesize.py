"""Synthesis: from a mask to images that could lie under it.

A model is shown the mask as maps (see `imaging.mask_maps`) and the style of a reference image as a few numbers, and
draws from all images that go with both. The noise is that of positions and the network is local, so that what is far
from an edit of the mask comes out bit by bit as it was; where an image is given that lies behind, all of it outside of
the region is kept, and what is drawn fits to it. A camera may be laid over the image, whose noise is then known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..diffusion.denoiser import Condition, Denoiser
from ..diffusion.guidance import classifier_free, known_pixels
from ..diffusion.samplers import Step
from ..engine.canvas import Plane
from ..engine.options import SynthesizeOptions
from ..engine.request import Request
from ..engine.tiles import Reach, Tile, grown, read_window
from ..errors import ImageError, ModelError, RequestError
from ..imaging.axes import PlaneIndex
from ..imaging.kinds import listed
from ..imaging.mask_maps import CAP, EXTRA_MAPS, mask_maps, measure_thickness
from ..imaging.style import style_length
from .base import Context, PlaneJob, Source, box_of, check_architecture, steps_of, without_equal_samples
from .behind import ImageBehind
from .drawn import DrawnGatherer
from .exposure import blur_margin
from .reference import between
from .remember import Remembered

# In standard deviations of the images. What is fainter than the lowest level is not drawn, and the noise of a good
# camera is faint: with 0.02, spectra lacked high frequencies, which the benchmark `synth_fidelity` measures.
_SIGMA_MIN = 0.004
_GUIDED = (0.3, 4.0)  # of classifier-free guidance; lower, it makes texture stronger and objects no easier to find
_COLOURS = 3


class Synthesize:
    """The task; see `tasks.base.Task`."""

    def __init__(self, context: Context) -> None:
        options = context.request.options
        assert isinstance(options, SynthesizeOptions)
        self.source, self.card, self._denoiser = context.source, context.card, context.denoiser
        self.notices = context.notices
        self.request = without_equal_samples(context.request, self.notices)
        self._options = options
        self._check_model()
        _check_mask(self.source)
        self._kinds = self._known_kinds()
        self._style = self._known_style()
        self._levels = between(options.levels)
        self._behind = self._checked_behind(context)
        self.report: dict[str, Any] = {"synthetic": True}

    def guide(self, denoiser: Denoiser) -> Denoiser:
        """Add classifier-free guidance if the request asks for it, and keep what is known of an image behind."""
        if self.request.guidance:
            low, high = (limit * self.card.sigma_data for limit in _GUIDED)
            denoiser = classifier_free(denoiser, self.request.guidance, (low, high))
        return denoiser if self._behind is None else known_pixels(denoiser)

    def jobs(self, index: PlaneIndex) -> Sequence[PlaneJob]:
        """Prepare one plane, the same for all samples."""
        labels = self.source.plane(index)
        thickness = measure_thickness(labels)
        style = torch.from_numpy(self._style)[None]

        def condition_at(tile: Tile) -> Condition:
            window = tuple((start - CAP, stop + CAP) for start, stop in tile.window)
            maps = mask_maps(
                read_window(labels, window), thickness, margin=CAP, kinds=self._kinds, classes=self._classes
            )
            known, known_mask = (None, None) if self._behind is None else self._behind.known(index, tile)
            return Condition(torch.from_numpy(maps)[None], style, known=known, known_mask=known_mask)

        steps = self._steps()
        again = len(steps) * self.request.samples > 1
        margin = blur_margin(self._options)
        plane = Plane(
            shape=labels.shape,
            region=grown(box_of(index), labels.shape, (margin, margin)),
            reach=Reach.of(self._denoiser.network.stride, self.card.halo),
            number=self.source.plane_number(index),
            condition_at=Remembered(condition_at) if again else condition_at,
            channels=self.card.architecture.channels,
        )
        if self._behind is not None:
            plane = replace(plane, margin=1.0)
        if self._behind is None or self._options.start is None:
            return (PlaneJob(plane, steps, labels),)
        starts = [
            self._behind.noisy(index, self._start_sigma, seed=self.request.seed, sample=sample)
            for sample in range(self.request.samples)
        ]
        return tuple(PlaneJob(replace(plane, start_at=start), steps, labels) for start in starts)

    def gatherer(self, request: Request) -> DrawnGatherer:
        """Return what gathers the images."""
        return DrawnGatherer(request, self.source, self._levels, self.card.architecture.channels, self._behind)

    @property
    def _classes(self) -> int:
        return self.card.architecture.condition_channels - EXTRA_MAPS

    def _check_model(self) -> None:
        channels, maps = self.card.architecture.channels, self.card.architecture.condition_channels
        check_architecture(self.card, {"dims": 2, "vector_length": style_length(channels)})
        named = len(self.card.classes) or self._classes
        if channels not in (1, _COLOURS) or self._classes < 1 or named != self._classes:
            raise ModelError(
                f"The model '{self.card.id}' is not one that this version can use for '{self.card.task}': it makes "
                f"images of {channels} channels from {maps} maps. Choose another model."
            )

    def _known_kinds(self) -> dict[int, int]:
        kinds = dict(self._options.kinds)
        unknown = sorted({kind for kind in kinds.values() if kind > self._classes})
        if unknown:
            named = f": {listed(self.card.classes)}" if self.card.classes else ""
            raise RequestError(
                f"The model '{self.card.id}' knows {self._classes} "
                f"{'class' if self._classes == 1 else 'classes'} of objects{named}, but there are objects of class "
                f"{', '.join(map(str, unknown))}. Give them a class that it knows, or choose another model."
            )
        return kinds

    def _known_style(self) -> NDArray[np.float32]:
        length = style_length(self.card.architecture.channels)
        if self._options.style is None:
            return np.zeros(length, np.float32)
        if len(self._options.style) != length:
            raise RequestError(
                f"The style has {len(self._options.style)} numbers, but the model '{self.card.id}' reads {length}. "
                "Measure it on an image with as many channels as the model makes."
            )
        return np.array(self._options.style, np.float32)

    def _checked_behind(self, context: Context) -> ImageBehind | None:
        if context.behind is not None:
            channels = self.card.architecture.channels
            return ImageBehind.checked(context.behind, context.kept, self.source, self._levels, channels)
        if context.kept is not None or self._options.start is not None:
            raise RequestError(
                "There is no image behind of which pixels could be kept or from which drawing could begin. Give one, "
                "or leave out 'kept' and 'start'."
            )
        return None

    @property
    def _start_sigma(self) -> float:
        assert self._options.start is not None
        return min(self._options.start * self.card.sigma_data, self.card.sigma_max)

    def _steps(self) -> Sequence[Step]:
        lowest = _SIGMA_MIN * self.card.sigma_data
        if self._options.start is None:
            return steps_of(self.request, self.card.sigma_max, lowest, blind=True)
        return steps_of(self.request, self._start_sigma, lowest, blind=False)


def _check_mask(source: Source) -> None:
    if "S" in source.axes:
        raise ImageError("A mask has no colours. Choose a label image, in which each object has a number of its own.")
    dtype = np.dtype(source.array.dtype)
    if dtype.kind == "f":
        raise ImageError(f"A mask holds whole numbers, not {dtype}. Choose a label image.")
