"""An average of the weights over the last part of a run."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)

_EXPONENT = 16.97  # relative width 0.05 of the run so far; Karras et al. 2024, section 3


class PowerAverage(Generic[M]):
    """Power-function average of weights, which suits runs of any length (Karras et al. 2024, equation 121).

    Unlike a fixed decay it forgets the beginning of a run at the same relative rate, whether that takes a thousand
    steps or a million.
    """

    def __init__(self, module: M) -> None:
        self.module: M = copy.deepcopy(module).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, module: M, step: int) -> None:
        """Take in the weights after ``step`` (1, 2, ...) steps."""
        share = 1 - (1 - 1 / (step + 1)) ** (_EXPONENT + 1)
        for average, value in zip(self.module.parameters(), module.parameters(), strict=True):
            average.lerp_(value.detach().to(average.dtype), share)
        self.module.train(False)  # drops weights that were prepared for inference
