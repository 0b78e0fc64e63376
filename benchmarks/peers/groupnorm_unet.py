"""The usual denoising U-Net of DDPM, written to be timed: full resolution, GroupNorm, a block's width on every level.

Ho et al. 2020 (arXiv:2006.11239) without the attention at the coarsest level, which would only make it slower.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_MULTIPLES = (1, 2, 2, 2)
_GROUPS = 4


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.first_norm, self.first = nn.GroupNorm(_GROUPS, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.embed = nn.Linear(embedding, outputs)
        self.second_norm, self.second = nn.GroupNorm(_GROUPS, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        hidden = self.first(F.silu(self.first_norm(x))) + self.embed(embedding)[:, :, None, None]
        return self.skip(x) + self.second(F.silu(self.second_norm(hidden)))


class GroupNormUNet(nn.Module):
    """Maps a noisy image and its condition, (batch, 2, y, x), and a noise level, (batch,), to (batch, 1, y, x)."""

    def __init__(self, width: int, blocks: int = 2) -> None:
        super().__init__()
        self.width, embedding = width, 4 * width
        self.embed = nn.Sequential(nn.Linear(width, embedding), nn.SiLU(), nn.Linear(embedding, embedding), nn.SiLU())
        self.stem = nn.Conv2d(2, width, 3, padding=1)
        self.down, self.shrink, self.up, self.grow = (nn.ModuleList() for _ in range(4))
        widths = [width * multiple for multiple in _MULTIPLES]
        skips, now = [width], width
        for level, wide in enumerate(widths):
            for _ in range(blocks):
                self.down.append(_Block(now, wide, embedding))
                skips.append(now := wide)
            if level < len(widths) - 1:
                self.shrink.append(nn.Conv2d(now, now, 3, stride=2, padding=1))
                skips.append(now)
        self.middle = _Block(now, now, embedding)
        for level, wide in reversed(list(enumerate(widths))):
            for _ in range(blocks + 1):
                self.up.append(_Block(now + skips.pop(), wide, embedding))
                now = wide
            if level:
                self.grow.append(nn.Conv2d(now, now, 3, padding=1))
        self.norm, self.out = nn.GroupNorm(_GROUPS, now), nn.Conv2d(now, 1, 3, padding=1)
        self.blocks = blocks

    def forward(self, x: Tensor, c_noise: Tensor) -> Tensor:
        """Evaluate the network; sides must be multiples of 8."""
        frequencies = torch.exp(-torch.arange(self.width // 2, device=x.device) * 9.2 / (self.width // 2))
        angles = c_noise[:, None] * 1000 * frequencies
        embedding = self.embed(torch.cat([angles.cos(), angles.sin()], dim=1))
        x = self.stem(x)
        skips = [x]
        for number, block in enumerate(self.down):
            x = block(x, embedding)
            skips.append(x)
            level, last = divmod(number + 1, self.blocks)
            if not last and level <= len(self.shrink):
                x = self.shrink[level - 1](x)
                skips.append(x)
        x = self.middle(x, embedding)
        for number, block in enumerate(self.up):
            x = block(torch.cat([x, skips.pop()], dim=1), embedding)
            level, last = divmod(number + 1, self.blocks + 1)
            if not last and level <= len(self.grow):
                x = self.grow[level - 1](F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.out(F.silu(self.norm(x)))


def count(network: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(p.numel() for p in network.parameters())


def of_size(parameters: int) -> GroupNormUNet:
    """Return the network whose number of parameters is nearest."""
    return min(
        (GroupNormUNet(width) for width in range(8, 129, 4)), key=lambda net: abs(count(net) - parameters)
    ).eval()


@torch.inference_mode()
def sample(network: GroupNormUNet, condition: Tensor, steps: int, precision: torch.dtype) -> Tensor:
    """Draw a sample with DDIM, one evaluation a step, as far as time is concerned: the weights need not be trained."""
    x = torch.randn_like(condition)
    sigmas = torch.logspace(1, -2, steps + 1, device=condition.device)
    with torch.autocast(condition.device.type, precision, enabled=precision != torch.float32):
        for now, then in pairwise(sigmas):
            inputs = torch.cat([x, condition], dim=1).contiguous(memory_format=torch.channels_last)
            denoised = network(inputs, now.log()[None] / 4).float()
            x = denoised + (then / now) * (x - denoised)
    return x
