"""Super-resolution with a model that was never trained for it: it knows what images look like, and no more.

A denoising model that is told nothing is a prior. Samples begin with the best linear estimate under noise, and at every
step the estimate is weighed against what was measured. No network has to know the optics or the factor, so that these
can be any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..diffusion.denoiser import Condition, Denoiser
from ..diffusion.guidance import left_unknown, measured
from ..engine.prior import enough
from ..engine.tiles import Tile
from ..imaging.axes import PlaneIndex
from .base import Context, Image, PlaneJob, PlaneView, Task, check_architecture, steps_of
from .conditioning import on_finer_pixels
from .remember import Remembered
from .starting import PRIOR, empty_condition, jobs_from_guess
from .statistics import Statistics, position_of
from .superresolve import Superresolve

_START = 1.0  # noise over the linear estimate, in normalised units
_SIGMA_MIN = 0.02


def superresolving(context: Context) -> Task:
    """Return the task as the model can do it: trained for it, or as a prior."""
    return SuperresolveByPrior(context) if context.card.task == "denoise" else Superresolve(context)


class SuperresolveByPrior(Superresolve):
    """The task, with a denoising model as the prior; see `tasks.base.Task`."""

    def __init__(self, context: Context) -> None:
        request, told = enough(context.request)
        super().__init__(replace(context, request=request))
        self.notices.extend(told)

    def check_model(self) -> None:
        """Raise ModelError if the model is no prior."""
        check_architecture(self.card, PRIOR)

    def guide(self, denoiser: Denoiser) -> Denoiser:
        """Weigh each estimate against what was measured."""
        return measured(denoiser, self._correction, self._unknown)

    def _unknown(self, sigma: torch.Tensor, condition: Condition) -> torch.Tensor:
        """Return the variance by which an estimate may be off that saw nothing of what was measured."""
        return left_unknown(sigma, self.card.sigma_data)

    def jobs(self, index: PlaneIndex) -> Sequence[PlaneJob]:
        """Prepare one plane, for each of its samples; nothing for a channel without any content."""
        statistics = self._statistics[position_of(self.source, index)]
        if statistics.constant:
            return ()
        view = self.source.plane(index)
        begin = min(_START, self.card.sigma_max)
        steps = steps_of(self.request, begin, _SIGMA_MIN, blind=False)
        plane = self._plane(
            index,
            halo=self._halo(statistics, self.card.sigma_data**2),
            condition_at=Remembered(self._prior_condition(view, statistics)),
        )
        kernels, _ = self._filter(statistics)

        def guess(tile: Tile) -> Image:
            seen = self._measured_window(view, statistics, tile)
            return np.asarray(on_finer_pixels(seen.around, kernels)[0, 0].numpy())

        return jobs_from_guess(self.request, plane, guess, begin, steps, view)

    def _prior_condition(self, view: PlaneView, statistics: Statistics) -> Any:
        """Return what makes the condition of a tile: what was measured there, which the network is not told."""
        noise = self._told_noise(statistics)

        def condition_at(tile: Tile) -> Condition:
            seen = self._measured_window(view, statistics, tile)
            return empty_condition(self.card, tile).with_measured(seen.inner, seen.extent, noise)

        return condition_at
