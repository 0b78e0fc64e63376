"""Small real networks and planes to sample with them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_microdiff.diffusion.denoiser import Condition, Preconditioned
from napari_microdiff.diffusion.unet import LocalUNet
from napari_microdiff.engine.canvas import Denoised, Plane, sample_plane
from napari_microdiff.engine.events import Notice
from napari_microdiff.engine.memory import Workplace
from napari_microdiff.engine.tiles import Reach, read_window

CPU = torch.device("cpu")
HALO, DEPTH_HALO = 32, 8  # the networks below reach 30 pixels across and 8 planes along z


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """Small tensors everywhere in here."""


def make_denoiser(dims: int = 2, channels: int = 1) -> Preconditioned:
    torch.manual_seed(0)
    network = LocalUNet(dims=dims, channels=channels, condition_channels=1, widths=(4, 4), blocks=1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("gain"):
                parameter.fill_(0.3)
    return Preconditioned(network, 0.5, 2.5).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def denoisers() -> dict[int, Preconditioned]:
    """Networks of two and of three dimensions."""
    return {dims: make_denoiser(dims) for dims in (2, 3)}


@pytest.fixture(scope="session")
def make_plane() -> Callable[..., Plane]:
    """Make a plane conditioned on an image."""

    def make(image: NDArray[np.float32], region=None, *, seen: list | None = None, **fields) -> Plane:
        def condition_at(tile):
            if seen is not None:
                seen.append(tile)
            return Condition(maps=torch.from_numpy(read_window(image, tile.window).copy())[None, None])

        dims = image.ndim
        return Plane(
            shape=image.shape,
            region=region or tuple((0, n) for n in image.shape),
            reach=Reach.of(4, HALO, dims, DEPTH_HALO),
            number=fields.pop("number", 0),
            condition_at=condition_at,
            **fields,
        )

    return make


@pytest.fixture
def sampled() -> Callable[..., tuple[NDArray[np.float32], list[Denoised], list[str]]]:
    """Sample a plane to its end: what was drawn (or, for one step, the assembled mean), evaluations, notices."""

    def run(denoiser, plane, steps, *, tile=None, batch=1, workplace=None, seed=0, sample=0):
        events, notices = [], []
        sampling = sample_plane(
            denoiser, plane, steps, workplace or Workplace(CPU, batch, tile), seed=seed, sample=sample
        )
        while True:
            try:
                event = next(sampling)
            except StopIteration as stop:
                drawn = stop.value
                break
            if isinstance(event, Notice):
                notices.append(event.message)
            else:
                events.append(event)
        if drawn is None:
            drawn = np.full((plane.channels, *(b - a for a, b in plane.region)), np.nan, np.float32)
            for event in events:
                box = (slice(a - o, b - o) for (a, b), (o, _) in zip(event.core, plane.region, strict=True))
                drawn[(slice(None), *box)] = event.mean
        return drawn, events, notices

    return run
