"""Fine-tuning goes where torch's own Adam goes, without what that brings along."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
from torch import nn

from napari_microdiff.training.descent import Descent
from napari_microdiff.training.rate import rate_at


def _network() -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.SiLU(), nn.Conv2d(4, 1, 3))
    network.unused = nn.Parameter(torch.ones(3))
    return network


def test_steps_are_those_of_adam() -> None:
    ours, theirs = _network(), _network()
    descent = Descent(ours.parameters(), 1e-2, 3, 10)
    optimizer = torch.optim.Adam(theirs.parameters(), betas=(0.9, 0.99))
    for number in range(1, 11):
        image = torch.randn(2, 1, 9, 9, generator=torch.Generator().manual_seed(number))
        descent.step(50 * ours(image).pow(2).mean(), number)  # steep, so that gradients are clipped
        optimizer.zero_grad()
        (50 * theirs(image).pow(2).mean()).backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 5.0)
        optimizer.param_groups[0]["lr"] = 1e-2 * rate_at(number, number / 10, 3)
        optimizer.step()
    before = _network().state_dict()
    for name, weights in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], weights)
        assert torch.equal(before[name], weights) == (name == "unused")


_ALL_THAT_A_VIEWER_RUNS = """
import sys
import numpy as np
import napari_microdiff as nm
from napari_microdiff.training.denoise.adapt import adapt
from napari_microdiff.training.isotropic.adapt import adapt as adapt_to_stack

rng = np.random.default_rng(0)
image = rng.poisson(100, (160, 160)).astype(np.float32)
mask = np.zeros((64, 64), np.int32)
mask[20:40, 20:40] = 1
stack = rng.standard_normal((3, 400, 200)).astype(np.float32)
for _ in adapt("denoise-fluorescence", image, name="mine", steps=1, device="cpu"):
    pass
for _ in adapt_to_stack("isotropic-em", stack, factor=5, axes="ZYX", name="stack", steps=1, device="cpu"):
    pass
nm.denoise(image[:64, :64], steps=2)
nm.segment(image[:64, :64], diameter=20)
nm.synthesize(mask, steps=2)
nm.superresolve(image[:32, :32])
assert "torch" in sys.modules
brought = {"torch._dynamo", "torch._inductor", "triton"} & set(sys.modules)
assert not brought, brought
"""


def test_nothing_that_a_viewer_runs_brings_the_compiler_of_torch(tmp_path: Path) -> None:
    # which is where triton is loaded, whose LLVM crashes beside that of Mesa
    subprocess.run(
        [sys.executable, "-c", _ALL_THAT_A_VIEWER_RUNS],
        check=True,
        timeout=600,
        env={**os.environ, "NAPARI_MICRODIFF_MODELS": str(tmp_path)},
    )
