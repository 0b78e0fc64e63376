"""What lies between slices, drawn by a model that was never trained for it: it knows what images look like, no more.

A denoising model that is told nothing is a prior. Sampling begins with slices interpolated, under noise, and holds the
slices at every step (after Lee et al. 2023, arXiv:2303.08440, and Pan et al. 2023, arXiv:2306.12109, whose priors were
trained on the very tissue).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..diffusion.denoiser import Condition, Denoiser
from ..diffusion.guidance import known_pixels
from ..engine.prior import enough
from ..engine.tiles import Tile
from ..imaging.axes import PlaneIndex
from .base import Context, PlaneJob, Task, check_architecture, steps_of
from .between import RowsBetween
from .isotropic import Isotropic
from .starting import PRIOR, empty_condition, jobs_from_guess
from .statistics import position_of

_START = 1.0  # noise over what is interpolated, in normalised units
_SIGMA_MIN = 0.02


def making_isotropic(context: Context) -> Task:
    """Return the task as the model can do it: trained for it, or as a prior."""
    return IsotropicByPrior(context) if context.card.task == "denoise" else Isotropic(context)


class IsotropicByPrior(Isotropic):
    """The task, with a denoising model as the prior; see `tasks.base.Task`."""

    def __init__(self, context: Context) -> None:
        request, told = enough(context.request)
        super().__init__(replace(context, request=request))
        self.notices.extend(told)

    def check_model(self) -> tuple[int, ...]:
        """Return that no planes beside one are shown; raise ModelError if the model is no prior."""
        check_architecture(self.card, PRIOR)
        return ()

    def guide(self, denoiser: Denoiser) -> Denoiser:
        """Hold the slices: a model that is told nothing has no range to keep to."""
        return known_pixels(denoiser)

    def jobs(self, index: PlaneIndex) -> Sequence[PlaneJob]:
        """Prepare one volume, for each of its samples; nothing for a channel without any content."""
        statistics = self._statistics[position_of(self.source, index)]
        if statistics.constant:
            return ()
        start = min(_START, self.card.sigma_max)
        steps = steps_of(self.request, start, _SIGMA_MIN, blind=False)
        volume, between = self._volume(index, statistics)
        volume = replace(volume, condition_at=self._prior_condition(between))
        return jobs_from_guess(self.request, volume, between.interpolated, start, steps, between.view)

    def _prior_condition(self, between: RowsBetween) -> Any:
        """Return what makes the condition of a window: known slices, which the network is not told."""

        def condition_at(tile: Tile) -> Condition:
            told = between.condition(tile)
            return replace(empty_condition(self.card, tile), known=told.known, known_mask=told.known_mask)

        return condition_at
