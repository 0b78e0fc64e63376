"""At which noise levels a denoiser is trained."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_BLIND = 4  # crops in eight that are trained as a regression network is: what they are conditioned on is all they know
_CENTRE, _WIDTH = math.log(0.5), 1.2  # of the logarithm of the other levels, in units of the scale


def draw_sigmas(scale: Tensor, ratio: float, generator: torch.Generator, blind_in_eight: int = _BLIND) -> Tensor:
    """Draw noise levels for standard deviations ``scale``, shape (count,).

    The first ones, as many in eight as is said, are ``ratio`` times the scale, where the denoiser is blind; the rest
    are log-normal and stratified.
    """
    blind = len(scale) * blind_in_eight // 8
    rest = len(scale) - blind
    place = (torch.arange(rest) + torch.rand(rest, generator=generator)) / rest
    place = place[torch.randperm(rest, generator=generator)]
    normal = torch.erfinv((2 * place - 1).clamp(-0.9999, 0.9999)) * math.sqrt(2)
    drawn = (_CENTRE + _WIDTH * normal).exp().clamp(0.002, 0.999 * ratio)
    return scale * torch.cat([torch.full((blind,), ratio), drawn]).to(scale.device)
