"""The inside of the local U-Net: residual blocks, encoder and decoder, and how maps are shown to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import SILU_GAIN, Conv, joining, mixing, silu

Injection = Literal["input", "concatenate", "modulate"]
_TAKEN = 0.3  # part of a block's own output in what it gives on


class Modulation(nn.Module):
    """Scale and shift features pixel by pixel as maps say (Park et al. 2019, arXiv:1903.07291); at first not at all.

    There the features are normalised over space before, which would let far parts of an image see each other.
    """

    def __init__(self, maps: int, channels: int, dims: int) -> None:
        super().__init__()
        self.read = Conv(maps + 1, channels, 3, dims)  # one constant channel stands in for biases
        self.scale = Conv(channels, channels, 1, dims)
        self.shift = Conv(channels, channels, 1, dims)
        self.scale_gain = nn.Parameter(torch.zeros(()))
        self.shift_gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, maps: Tensor) -> Tensor:
        """Modulate ``x`` of shape (batch, channels, ...) by ``maps`` of shape (batch, maps, ...)."""
        hidden = silu(self.read(torch.cat([maps, torch.ones_like(maps[:, :1])], dim=1)))
        scale, shift = self.scale(hidden, gain=self.scale_gain), self.shift(hidden, gain=self.shift_gain)
        modulated: Tensor = x * (1 + scale) + shift
        return modulated


class Block(nn.Module):
    """Residual block: two convolutions, the first one's output scaled by the embedding, and modulated by maps if any.

    Parameters
    ----------
    maps : int
        Channels of the maps that it is modulated by; 0 for none.
    joined : sequence of int
        Channels of the two inputs that are joined along channels, if they are; others may follow.
    """

    gains: Tensor | None

    def __init__(
        self, inputs: int, outputs: int, embedding: int, dims: int, maps: int = 0, joined: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.project = Conv(inputs, outputs, 1, dims) if inputs != outputs else None
        gains = _gains_of(inputs, joined).view(1, -1, *([1] * dims)) if joined else None
        self.register_buffer("gains", gains, persistent=False)
        self.first = Conv(outputs, outputs, 3, dims)
        self.modulate = Conv(embedding, outputs, 0)
        self.modulate_gain = nn.Parameter(torch.zeros(()))
        self.by_maps = Modulation(maps, outputs, dims) if maps else None
        self.second = Conv(outputs, outputs, 3, dims)

    def forward(self, x: Tensor, embedding: Tensor, maps: Tensor | None = None) -> Tensor:
        """Map (batch, inputs, ...) to (batch, outputs, ...)."""
        if self.project is not None:
            x = self.project(x, gain=1.0 if self.gains is None else self.gains.to(x.dtype))
        scale = 1 + self.modulate(embedding, gain=self.modulate_gain)
        scale = scale.view(*scale.shape, *([1] * (x.ndim - 2)))
        kept, taken = mixing(_TAKEN)
        hidden = self.first(F.silu(x), gain=SILU_GAIN)
        reused = not torch.is_grad_enabled()  # nobody needs it again, so that it may be written over
        hidden = hidden.mul_(scale) if reused else hidden * scale
        if self.by_maps is not None and maps is not None:
            hidden = self.by_maps(hidden, maps)
        own = self.second(F.silu(hidden, inplace=reused), gain=SILU_GAIN * taken)
        return own.add_(x, alpha=kept) if reused else torch.add(own, x, alpha=kept)


def _gains_of(inputs: int, joined: Sequence[int]) -> Tensor:
    """Return what each input channel is multiplied by where the first ones are joined from two."""
    gains = torch.ones(inputs)
    first, second = joined
    gains[:first], gains[first : first + second] = joining(first, second)
    return gains


class Features(nn.Module):
    """Encoder and decoder with skips; maps an unshuffled input to features of the same size.

    Parameters
    ----------
    inputs : int
        Channels.
    maps : int
        Channels of the maps that every level of the decoder is shown again; 0 for none.
    injection : {"input", "concatenate", "modulate"}
        How it is shown them, see `LocalUNet`.
    """

    def __init__(
        self,
        inputs: int,
        widths: Sequence[int],
        blocks: int,
        embedding: int,
        dims: int,
        maps: int = 0,
        injection: Injection = "input",
    ) -> None:
        super().__init__()
        self.dims = dims
        self.injection = injection
        joined = maps if injection == "concatenate" else 0
        modulating = maps if injection == "modulate" else 0
        self.stem = Conv(inputs, widths[0], 3, dims)
        self.encoder = nn.ModuleList()
        self.decoder = nn.ModuleList()
        previous = widths[0]
        for width in widths:
            inputs_of = [previous] + [width] * (blocks - 1)
            self.encoder.append(nn.ModuleList(Block(i, width, embedding, dims) for i in inputs_of))
            previous = width
        for width in reversed(widths[:-1]):
            first = Block(previous + width + joined, width, embedding, dims, modulating, (previous, width))
            others = (Block(width, width, embedding, dims, modulating) for _ in range(blocks - 1))
            self.decoder.append(nn.ModuleList([first, *others]))
            previous = width

    def forward(self, x: Tensor, embedding: Tensor, maps: Tensor | None = None) -> Tensor:
        """Map (batch, inputs, ...) to (batch, widths[0], ...); sides must be multiples of ``2**(levels - 1)``."""
        shown = self._at_each_level(maps)
        x = self.stem(x)
        skips = []
        for level, encoder_blocks in enumerate(self.encoder):
            if level:
                x = self._halve(x)
            for block in cast(nn.ModuleList, encoder_blocks):
                x = block(x, embedding)
            skips.append(x)
        skips.pop()
        for decoder_blocks in self.decoder:
            here = shown.pop() if shown else None
            further = [here] if here is not None and self.injection == "concatenate" else []
            x = torch.cat([self._double(x), skips.pop(), *further], dim=1)
            for block in cast(nn.ModuleList, decoder_blocks):
                x = block(x, embedding, here)
        return x

    def _at_each_level(self, maps: Tensor | None) -> list[Tensor]:
        """Return the maps as each level of the decoder sees them, finest first; nothing if it does not."""
        if maps is None or self.injection == "input":
            return []
        levels = [maps]
        while len(levels) < len(self.decoder):
            levels.append(self._halve(levels[-1]))
        return levels

    def _halve(self, x: Tensor) -> Tensor:
        # Stacks are usually coarser along z than across it, so only y and x are halved.
        if self.dims == 2:
            return F.avg_pool2d(x, 2)
        # Plane by plane, since pooling of volumes is not there in bfloat16 on a CPU.
        channels, depth = x.shape[1:3]
        pooled = F.avg_pool2d(x.flatten(1, 2), 2)
        return pooled.reshape(len(x), channels, depth, *pooled.shape[2:])

    def _double(self, x: Tensor) -> Tensor:
        factor = (2.0, 2.0) if self.dims == 2 else (1.0, 2.0, 2.0)
        return F.interpolate(x, scale_factor=factor, mode="nearest")
