"""A plain U-Net for regression, of the size and the training of the bundled models: no diffusion, no filter, no hints.

It sees the noisy image and is trained by the squared error, on the very batches that a recipe makes. Like ours it works
on groups of 2 x 2 pixels, so that a step costs the same; unlike ours it has the usual biases and group normalisation.

    python benchmarks/peers/plain_unet.py denoise-fluorescence --data DATA --out FOLDER --steps 12000
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from napari_microdiff.engine.device import choose_device, choose_precision, torch_dtype
from napari_microdiff.imaging.intensity import Normalization
from napari_microdiff.training.average import PowerAverage
from napari_microdiff.training.denoise.data import DenoiseBatches
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.restore.batch import Batch
from napari_microdiff.training.restore.sources import load_sources

_STRIDE, _GROUPS = 16, 8
_RATE, _WARM_UP = 1e-3, 200
_SECONDS_BETWEEN_CHECKPOINTS = 300


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.first_norm, self.second_norm = nn.GroupNorm(_GROUPS, outputs), nn.GroupNorm(_GROUPS, outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.silu(self.first_norm(self.first(x)))
        return self.skip(x) + F.silu(self.second_norm(self.second(hidden)))


class PlainUNet(nn.Module):
    """Maps a normalised noisy image, (batch, 1, y, x), to the clean one; sides must be multiples of 16."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 160), blocks: int = 2) -> None:
        super().__init__()
        self.stem = nn.Conv2d(4, widths[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        now = widths[0]
        for width in widths:
            self.down.append(nn.Sequential(_Block(now, width), *(_Block(width, width) for _ in range(blocks - 1))))
            now = width
        for width in reversed(widths[:-1]):
            inputs = now + width
            self.up.append(nn.Sequential(_Block(inputs, width), *(_Block(width, width) for _ in range(blocks - 1))))
            now = width
        self.out = nn.Conv2d(now, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate the network."""
        return x + self.drawn(x)

    def drawn(self, x: Tensor) -> Tensor:
        """Return what the last convolution draws, without the image that a denoiser adds it to."""
        hidden = self.stem(F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last))
        skips = []
        for level, block in enumerate(self.down):
            hidden = block(F.avg_pool2d(hidden, 2) if level else hidden)
            skips.append(hidden)
        skips.pop()
        for block in self.up:
            hidden = block(torch.cat([F.interpolate(hidden, scale_factor=2.0), skips.pop()], dim=1))
        return F.pixel_shuffle(self.out(hidden).float(), 2)


def train(
    network: PlainUNet,
    path: Path,
    steps: int,
    place: torch.device,
    batches_from: Callable[[int], Dataset[Any]],
    error_of: Callable[[PlainUNet, Any], Tensor],
    facts: dict[str, Any] | None = None,
) -> None:
    """Train a network, going on from the file if it is there.

    Parameters
    ----------
    path : Path
        Of weights, their average, the state of the optimiser and how many steps were done.
    batches_from : callable
        Returns the batches from that of a number on.
    error_of : callable
        Returns the mean squared error of a batch.
    facts : dict, optional
        Kept in the file beside the weights.
    """
    precision = torch_dtype(choose_precision("auto", place))
    network.to(place)
    average = PowerAverage(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=_RATE, betas=(0.9, 0.99))
    first = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        state = torch.load(path, map_location=place, weights_only=True)
        network.load_state_dict(state["weights"])
        average.module.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = int(state["step"])
    saved, errors = time.monotonic(), []
    loader = DataLoader(batches_from(first), batch_size=None, num_workers=1, prefetch_factor=8)
    for step, batch in enumerate(loader, first + 1):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1, step / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))
        with torch.autocast(place.type, precision, enabled=precision != torch.float32):
            error = error_of(network, batch)
        optimizer.zero_grad()
        error.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update(network, step)
        errors.append(float(error.detach()))
        if step == steps or time.monotonic() - saved > _SECONDS_BETWEEN_CHECKPOINTS:
            state = {"weights": network.state_dict(), "average": average.module.state_dict(), **(facts or {})}
            torch.save({**state, "optimizer": optimizer.state_dict(), "step": step}, path)
            print(f"step {step}, squared error {np.mean(errors):.5f}", flush=True)
            saved, errors = time.monotonic(), []


@torch.inference_mode()
def denoise(weights: Path, image: NDArray[np.generic]) -> NDArray[np.float32]:
    """Denoise a whole image at once, normalised as ours is."""
    state = torch.load(weights, map_location="cpu", weights_only=True)
    network = PlainUNet().eval()
    network.load_state_dict(state["average"])
    normalization = Normalization.fit(np.asarray(image, dtype=np.float32)[None])
    pixels = torch.from_numpy(normalization.apply(image))[None, None]
    down, right = (-n % _STRIDE for n in pixels.shape[2:])
    made = network(F.pad(pixels, (0, right, 0, down), mode="reflect"))
    return normalization.undo(made[0, 0, : image.shape[0], : image.shape[1]].numpy())


def main(
    recipe: Annotated[str, typer.Argument(help="Recipe whose batches are trained on.")],
    data: Annotated[Path, typer.Option(help="Folder that the recipe's patterns are relative to.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights, RECIPE.pt; a run goes on from them.")],
    steps: Annotated[int, typer.Option(help="Steps in all.")] = 12_000,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Train the network of one recipe."""
    plan, place = read_recipe(recipe), choose_device(device)
    torch.manual_seed(plan.seed)
    network, sources = PlainUNet(), load_sources(plan, data, cache=out)

    def batches_from(first: int) -> DenoiseBatches:
        return DenoiseBatches(plan, sources, seed=plan.seed, first=first, length=steps)

    def error_of(network: PlainUNet, batch: Batch) -> Tensor:
        made = network(batch.noisy.to(place))
        # Fields of freak range would outweigh all others; ours is held to a decibel for each crop instead.
        return (made.float() - batch.clean.to(place)).pow(2).mean(dim=(1, 2, 3)).clamp_max(1.0).mean()

    train(network, out / f"{recipe}.pt", steps, place, batches_from, error_of)


if __name__ == "__main__":
    typer.run(main)
