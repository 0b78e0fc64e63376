"""A plain U-Net that makes pixels finer: of the size and the training of the bundled model, without diffusion.

It sees the recorded image, its pixels repeated, the factor and the width of the blur, and is trained by the squared
error on the very batches that the recipe makes.

    python benchmarks/peers/plain_superres_unet.py superres-fluorescence --data DATA --out FOLDER --steps 3757
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

from napari_microdiff.engine.device import choose_device
from napari_microdiff.imaging.intensity import Normalization
from napari_microdiff.tasks.conditioning import repeated, superresolving_vector
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.restore.batch import Batch
from napari_microdiff.training.restore.sources import load_sources
from napari_microdiff.training.superresolve.data import SuperresolveBatches
from napari_microdiff.training.superresolve.recipe import SuperresolveRecipe

try:
    from peers.plain_unet import PlainUNet, train
except ModuleNotFoundError:  # run as a script, which is beside it
    from plain_unet import PlainUNet, train

_STRIDE = 16
_HINTS = 3  # the last numbers of the condition vector: factor, width of the blur, whether there is any


class PlainSuperresUNet(PlainUNet):
    """Maps a normalised image with repeated pixels and maps of hints, (batch, 4, y, x), to the sharp one."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 160), blocks: int = 2) -> None:
        super().__init__(widths, blocks)
        self.stem = nn.Conv2d(4 * (1 + _HINTS), widths[0], 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate the network."""
        return x[:, :1] + self.drawn(x)


def with_hints(images: Tensor, vectors: Tensor) -> Tensor:
    """Return images (batch, 1, y, x) with what condition vectors (batch, length) tell of their recording."""
    hints = vectors[:, -_HINTS:, None, None].expand(-1, -1, *images.shape[-2:])
    return torch.cat([images, hints], dim=1)


@torch.inference_mode()
def superresolve(weights: Path, image: NDArray[np.generic], factor: int, blur: float) -> NDArray[np.float32]:
    """Make the pixels of a whole image finer at once, normalised as ours is."""
    state = torch.load(weights, map_location="cpu", weights_only=True)
    network = PlainSuperresUNet().eval()
    network.load_state_dict(state["average"])
    normalization = Normalization.fit(np.asarray(image, dtype=np.float32)[None])
    pixels = repeated(torch.from_numpy(normalization.apply(image))[None, None], factor)
    told = torch.from_numpy(superresolving_vector(np.zeros(0, np.float32), blur, factor))[None]
    height, width = pixels.shape[2:]
    padded = F.pad(with_hints(pixels, told), (0, -width % _STRIDE, 0, -height % _STRIDE), mode="replicate")
    return normalization.undo(network(padded)[0, 0, :height, :width].numpy())


def main(
    recipe: Annotated[str, typer.Argument(help="Recipe whose batches are trained on.")],
    data: Annotated[Path, typer.Option(help="Folder that the recipe's patterns are relative to.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights, RECIPE.pt; a run goes on from them.")],
    steps: Annotated[int, typer.Option(help="Steps in all; as many as of the bundled model.")],
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Train the network on the batches of a recipe."""
    plan, place = read_recipe(recipe), choose_device(device)
    assert isinstance(plan, SuperresolveRecipe)
    torch.manual_seed(plan.seed)
    sources = load_sources(plan, data, cache=out)

    def batches_from(first: int) -> SuperresolveBatches:
        return SuperresolveBatches(plan, sources, seed=plan.seed, first=first, length=steps)

    def error_of(network: PlainUNet, batch: Batch) -> Tensor:
        made = network(with_hints(batch.noisy, batch.vector).to(place))
        # As for denoising: fields of freak range would outweigh all others.
        return (made.float() - batch.clean.to(place)).pow(2).mean(dim=(1, 2, 3)).clamp_max(1.0).mean()

    train(PlainSuperresUNet(), out / f"{recipe}.pt", steps, place, batches_from, error_of)


if __name__ == "__main__":
    typer.run(main)
