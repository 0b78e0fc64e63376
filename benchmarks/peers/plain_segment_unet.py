"""A plain U-Net that draws the maps of objects: of the size and the training of the bundled model, without diffusion.

It sees the image only, is trained by the squared error on the very batches that the recipe makes, whose strokes it is
not shown, and its maps are read as ours are.

    python benchmarks/peers/plain_segment_unet.py --data DATA --out benchmarks/peers/plain --steps 13000
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from napari_microdiff.diffusion.denoiser import Condition, Prediction
from napari_microdiff.engine.device import choose_device
from napari_microdiff.imaging.blocks import sample_blocks
from napari_microdiff.imaging.contrast import Shown, bright_objects
from napari_microdiff.imaging.instances import labels_of
from napari_microdiff.imaging.intensity import Normalization
from napari_microdiff.imaging.resize import resized
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.segment.data import SegmentBatch, SegmentBatches
from napari_microdiff.training.segment.recipe import SegmentRecipe
from napari_microdiff.training.segment.sources import load_planes
from napari_microdiff.training.segment.validate import SegmentValidation

try:
    from peers.plain_unet import PlainUNet, train
except ModuleNotFoundError:  # run as a script, which is beside it
    from plain_unet import PlainUNet, train

RECIPE = "segment-nuclei"
_STRIDE = 16
_MAPS = 2
_BLOCKS, _BLOCK_SIDE = 24, 192  # that the range of an image is measured in, as for ours
_SMALLEST = 0.05  # of the area of a typical object, as for ours


class PlainSegmentUNet(PlainUNet):
    """Maps a normalised image with bright objects, (batch, 1, y, x), to its maps, (batch, 2, y, x)."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 160), blocks: int = 2) -> None:
        super().__init__(widths, blocks)
        self.out = nn.Conv2d(widths[0], 4 * _MAPS, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate the network."""
        return self.drawn(x)


def load(weights: Path) -> tuple[PlainSegmentUNet, float, int]:
    """Return the trained network, the diameter of the objects that it knows, and its steps."""
    state = torch.load(weights, map_location="cpu", weights_only=True)
    network = PlainSegmentUNet().eval()
    network.load_state_dict(state["average"])
    return network, float(state["diameter_px"]), int(state["step"])


@torch.inference_mode()
def outline(
    network: PlainSegmentUNet, known: float, image: NDArray[np.generic], shown: Shown, diameter: float
) -> NDArray[np.int32]:
    """Outline the objects of an image, magnified, normalised and read as for ours.

    Parameters
    ----------
    known, diameter : float
        Diameter of objects in pixels: of those that the network knows, and of those in the image.
    """
    grey = bright_objects(image, shown, 2 if image.ndim == 3 else None)
    normalization = Normalization.fit(sample_blocks(grey, "YX", count=_BLOCKS, size=_BLOCK_SIDE))
    height, width = (max(1, round(n * known / diameter)) for n in grey.shape)
    pixels = torch.from_numpy(normalization.apply(resized(grey, (height, width))))[None, None]
    padded = F.pad(pixels, (0, -width % _STRIDE, 0, -height % _STRIDE), mode="replicate")
    maps = network(padded)[0, :, :height, :width].numpy()
    native = np.stack([resized(one, grey.shape) for one in maps])
    return labels_of(native, smallest=round(_SMALLEST * np.pi / 4 * diameter**2))


def error_of(network: PlainUNet, batch: SegmentBatch) -> Tensor:
    """Return the squared error of the maps of a batch."""
    place = next(network.parameters()).device
    return (network(batch.image.to(place)).float() - batch.maps.to(place)).pow(2).mean()


class _AsDenoiser(nn.Module):
    """The network as validation asks ours: blind, at the highest noise level."""

    sigma_max = 1.0

    def __init__(self, network: PlainSegmentUNet) -> None:
        super().__init__()
        self.network = network
        self.network.stride = _STRIDE  # type: ignore[assignment]

    def forward(self, x: Tensor, sigma: float, condition: Condition) -> Prediction:
        """Return the maps; that of the image is the first of the condition."""
        assert condition.maps is not None
        mean = self.network(condition.maps[:, :1])
        return Prediction(mean, torch.ones_like(mean))


def choose_size(weights: Path, plan: SegmentRecipe, data: Path) -> float:
    """Choose the diameter at which objects are found best, as for ours, and keep it in the file."""
    network, _, _ = load(weights)
    validation = SegmentValidation(load_planes(plan, data, validation=True), plan)
    diameter, _ = validation.best_diameter(_AsDenoiser(network))  # type: ignore[arg-type]
    torch.save(torch.load(weights, map_location="cpu", weights_only=True) | {"diameter_px": diameter}, weights)
    return diameter


def main(
    data: Annotated[Path, typer.Option(help="Folder that the recipe's patterns are relative to.")],
    out: Annotated[Path, typer.Option(help=f"Folder for the weights, {RECIPE}.pt; a run goes on from them.")],
    steps: Annotated[int, typer.Option(help="Steps in all; as many as of the bundled model.")] = 13_000,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Train the network on the batches of our recipe."""
    plan = read_recipe(RECIPE)
    assert isinstance(plan, SegmentRecipe)
    plan = plan.model_copy(update={"depth": "even"})  # as `outline` reads it
    torch.manual_seed(plan.seed)
    planes = load_planes(plan, data, validation=False)

    def batches_from(first: int) -> SegmentBatches:
        return SegmentBatches(plan, planes, seed=plan.seed, first=first, length=steps)

    facts = {"diameter_px": plan.diameter_px}
    weights = out / f"{RECIPE}.pt"
    train(PlainSegmentUNet(), weights, steps, choose_device(device), batches_from, error_of, facts)
    print(f"Objects are found best at {choose_size(weights, plan, data):.1f} pixels", flush=True)


if __name__ == "__main__":
    typer.run(main)
