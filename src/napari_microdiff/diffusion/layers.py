"""Magnitude-preserving layers, after Karras et al. 2024 (arXiv:2312.02696, section 2 and appendix B).

Activations keep unit variance because weights have unit norm, so that no normalisation over space is needed. This is
what makes a tile's output equal to the whole image's: every layer sees a neighbourhood and nothing else.

What only scales activations is not done to them but to the filters of the convolution before or after, which are a
thousand times smaller: on a processor a quarter of the time of an evaluation went into such products.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_TINY = 1e-4
SILU_GAIN = 1 / 0.596  # over the standard deviation of silu of a unit normal, which it brings back to 1


def silu(x: Tensor) -> Tensor:
    """Apply SiLU, scaled to keep the variance of a unit normal."""
    return F.silu(x) * SILU_GAIN


def mix(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Blend two uncorrelated unit-variance tensors into one of unit variance; ``share`` is the part of ``b``."""
    kept, taken = mixing(share)
    return a * kept + b * taken


def mixing(share: float) -> tuple[float, float]:
    """Return what the two tensors of `mix` are multiplied by."""
    length = math.hypot(1 - share, share)
    return (1 - share) / length, share / length


def joining(n_a: int, n_b: int) -> tuple[float, float]:
    """Return what two inputs that are joined along channels are multiplied by.

    Then both contribute the same variance whatever their numbers of channels, ``n_a`` and ``n_b``.
    """
    half = math.sqrt((n_a + n_b) / 2)
    return half / math.sqrt(n_a), half / math.sqrt(n_b)


def _unit_norm(weight: Tensor) -> Tensor:
    """Scale each output filter to unit root-mean-square times ``1/sqrt(fan_in)``, in float32."""
    flat = weight.float().flatten(1)
    norm = torch.linalg.vector_norm(flat, dim=1).clamp_min(_TINY)
    scaled: Tensor = weight / norm.view(-1, *([1] * (weight.ndim - 1))).to(weight.dtype)
    return scaled


class Conv(nn.Module):
    """Convolution (or, with ``kernel=0``, a linear map) whose filters have unit norm and which has no bias.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel : int
        Side of the odd square or cubic kernel; 0 is a linear map of vectors.
    dims : {2, 3}
        Spatial dimensions.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dims: int = 2) -> None:
        super().__init__()
        self.kernel = kernel
        shape = (outputs, inputs) + (kernel,) * (dims if kernel else 0)
        self.weight = nn.Parameter(torch.randn(shape))
        self._ready: Tensor | None = None
        self.register_load_state_dict_post_hook(_weights_changed)  # type: ignore[no-untyped-call]

    def train(self, mode: bool = True) -> Conv:
        """Forget the weights that were normalised for inference; they may be about to change."""
        self._ready = None
        return super().train(mode)

    def forward(self, x: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        """Map ``x`` of shape (batch, inputs, ...) to (batch, outputs, ...).

        The filters are multiplied by ``gain``, a number or what can be broadcast to their shape.
        """
        weight = self._weight(x.dtype) * gain
        if self.kernel == 0:
            return F.linear(x, weight)
        convolve = F.conv2d if x.ndim == 4 else F.conv3d
        return convolve(x, weight, padding=self.kernel // 2)

    def _weight(self, dtype: torch.dtype) -> Tensor:
        if self.training:
            with torch.no_grad():
                # Keeping the parameter itself at unit norm makes Adam's step relative to the weight's size.
                flat = self.weight.flatten(1)
                self.weight.copy_(_unit_norm(self.weight) * math.sqrt(flat.shape[1]))
            return _unit_norm(self.weight).to(dtype)
        if self._ready is None or self._ready.dtype != dtype or self._ready.device != self.weight.device:
            weight = _unit_norm(self.weight).detach().to(dtype)
            if weight.ndim == 4:
                weight = weight.contiguous(memory_format=torch.channels_last)
            self._ready = weight
        return self._ready


def _weights_changed(conv: nn.Module, _: object) -> None:
    conv.train(conv.training)  # drops what was prepared from the old ones


class Fourier(nn.Module):
    """Random Fourier features of a scalar, of unit variance."""

    frequencies: Tensor
    phases: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.register_buffer("frequencies", 2 * math.pi * torch.randn(features, generator=generator))
        self.register_buffer("phases", 2 * math.pi * torch.rand(features, generator=generator))

    def forward(self, scalar: Tensor) -> Tensor:
        """Map shape (batch,) to (batch, features)."""
        angle = scalar.float()[:, None] * self.frequencies + self.phases
        return angle.cos() * math.sqrt(2)
