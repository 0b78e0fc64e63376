"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Processes that test side by side keep to a thread each. Libraries read this as they are imported, and programs that a
# test starts inherit it.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch  # which the process that only hands out the tests does without

TINY = "tiny"
CLASSES = ("resting", "dividing", "dying")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out, and count, what a busy computer did not come to until the time that ``TEST_UNTIL`` gives.

    It is in seconds since the epoch, and unless it is set everything is tested.
    """
    until = os.environ.get("TEST_UNTIL")
    if until and time.time() > float(until):
        pytest.skip("not reached: the time that was given to the tests is over")


# A busy computer is no failure. The weekly tests look further, with HYPOTHESIS_PROFILE=thorough.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=20)
settings.register_profile("thorough", parent=settings.get_profile("calm"), max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "calm"))


def make_tiny_model(
    folder: Path, name: str = TINY, widths: tuple[int, ...] = (8, 8), halo: int = 48, size: float = 0.3
) -> None:
    """Save a small network with fixed random weights, strong enough to change an image, as a model."""
    import torch

    from napari_microdiff.diffusion.unet import LocalUNet
    from napari_microdiff.imaging.spectrum import LIKENESS, VECTOR_LENGTH
    from napari_microdiff.models.card import Architecture, Card, Familiarity
    from napari_microdiff.models.model import save_model

    torch.manual_seed(0)
    shape = Architecture(condition_channels=2, vector_length=VECTOR_LENGTH, widths=widths, blocks=1)
    network = LocalUNet(**shape.model_dump())
    with torch.no_grad():
        # The gains start at zero, which would hide the network; these make every part of it count.
        for gain, value in ((network.mean_gain, size), (network.spread_gain, 0.5)):
            gain.fill_(value)
    length = LIKENESS.stop - LIKENESS.start
    card = Card(
        id=name,
        title="Tiny",
        summary="a small network for tests",
        task="denoise",
        sigma_data=0.5,
        sigma_max=2.5,
        halo=halo,
        architecture=shape,
        weights_sha256="0" * 64,
        familiarity=Familiarity(
            mean=(0.0,) * length,
            precision=tuple(tuple(float(i == j) for j in range(length)) for i in range(length)),
            threshold=10.0,
        ),
    )
    save_model(card, network.state_dict(), folder)


def make_tiny_sharpener(folder: Path) -> None:
    """Save a small network with random weights as a model that makes pixels finer."""
    from napari_microdiff.tasks.conditioning import SUPERRESOLVING_LENGTH

    _make_tiny_restorer(folder, "superres-tiny", "superresolve", (2, 4), maps=2, length=SUPERRESOLVING_LENGTH)


def make_tiny_slicer(folder: Path, *, beside: bool = True, size: float = 0.3) -> None:
    """Save a small network with random weights as a model that draws slices between slices."""
    from napari_microdiff.imaging.between import BESIDE, PLANE_MAPS
    from napari_microdiff.imaging.spectrum import VECTOR_LENGTH

    maps = PLANE_MAPS + len(BESIDE) * beside
    factors = tuple(range(2, 11))
    _make_tiny_restorer(folder, folder.name, "isotropic", factors, maps=maps, length=VECTOR_LENGTH, size=size)


def _make_tiny_restorer(
    folder: Path, name: str, task: str, factors: tuple[int, ...], *, maps: int, length: int, size: float = 0.3
) -> None:
    import torch

    from napari_microdiff.diffusion.unet import LocalUNet
    from napari_microdiff.models.card import Architecture, Card
    from napari_microdiff.models.model import save_model

    torch.manual_seed(0)
    shape = Architecture(condition_channels=maps, vector_length=length, widths=(8, 8), blocks=1)
    network = LocalUNet(**shape.model_dump())
    with torch.no_grad():
        network.mean_gain.fill_(size)
        network.spread_gain.fill_(0.5)
    card = Card(
        id=name,
        title="Tiny",
        summary="for tests",
        task=task,
        sigma_data=0.5,
        sigma_max=2.5,
        halo=48,
        factors=factors,
        architecture=shape,
        weights_sha256="0" * 64,
    )
    save_model(card, network.state_dict(), folder)


def make_tiny_segmenter(folder: Path) -> None:
    """Save a small network with random weights as a model for segmenting."""
    import torch

    from napari_microdiff.diffusion.unet import LocalUNet
    from napari_microdiff.models.card import Architecture, Card
    from napari_microdiff.models.model import save_model

    torch.manual_seed(0)
    shape = Architecture(channels=2, condition_channels=4, widths=(8, 8), blocks=1)
    network = LocalUNet(**shape.model_dump())
    with torch.no_grad():
        network.mean_gain.fill_(1.0)
        network.spread_gain.fill_(0.5)
    card = Card(
        id="segment-tiny",
        title="Tiny",
        summary="for tests",
        task="segment",
        sigma_data=0.8,
        sigma_max=4.0,
        halo=48,
        diameter_px=24.0,
        architecture=shape,
        weights_sha256="0" * 64,
    )
    save_model(card, network.state_dict(), folder)


def make_tiny_painter(folder: Path, channels: int = 1, classes: int = 1) -> None:
    """Save a small network with random weights as a model for synthesis."""
    import torch

    from napari_microdiff.diffusion.unet import LocalUNet
    from napari_microdiff.imaging.mask_maps import EXTRA_MAPS
    from napari_microdiff.imaging.style import style_length
    from napari_microdiff.models.card import Architecture, Card
    from napari_microdiff.models.model import save_model

    torch.manual_seed(0)
    shape = Architecture(
        channels=channels,
        condition_channels=classes + EXTRA_MAPS,
        vector_length=style_length(channels),
        widths=(8, 8),
        blocks=1,
        injection="modulate",
    )
    network = LocalUNet(**shape.model_dump())
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("gain"):
                parameter.fill_(0.5)
    card = Card(
        id=folder.name,
        title="Tiny",
        summary="for tests",
        task="synthesize",
        sigma_data=0.5,
        sigma_max=20.0,
        halo=48,
        classes=CLASSES[:classes] if classes > 1 else (),
        architecture=shape,
        weights_sha256="0" * 64,
    )
    save_model(card, network.state_dict(), folder)


@pytest.fixture
def tiny_model(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Identity of a small real model, in a store of its own."""
    from napari_microdiff.models.build import unload

    store = tmp_path_factory.mktemp("store")
    make_tiny_model(store / TINY)
    monkeypatch.setenv("NAPARI_MICRODIFF_MODELS", str(store))
    yield TINY
    unload()


@pytest.fixture
def sharpener(tiny_model: str) -> str:
    """Identity of a small model that makes pixels finer, in the same store."""
    from napari_microdiff.models.store import user_folder

    make_tiny_sharpener(user_folder() / "superres-tiny")
    return "superres-tiny"


@pytest.fixture
def slicer(tiny_model: str) -> str:
    """Identity of a small model that draws slices between slices, in the same store."""
    from napari_microdiff.models.store import user_folder

    make_tiny_slicer(user_folder() / "isotropic-tiny")
    return "isotropic-tiny"


@pytest.fixture
def lone_slicer(tiny_model: str) -> str:
    """Identity of one that is not shown the planes beside the one that it looks at."""
    from napari_microdiff.models.store import user_folder

    make_tiny_slicer(user_folder() / "isotropic-lone", beside=False)
    return "isotropic-lone"


@pytest.fixture
def segmenter(tiny_model: str) -> str:
    """Identity of a model with random weights, beside one for denoising."""
    from napari_microdiff.models.store import user_folder

    make_tiny_segmenter(user_folder() / "segment-tiny")
    return "segment-tiny"


@pytest.fixture
def make_painter(tiny_model: str) -> Callable[..., str]:
    """Make a model with random weights that makes images from masks, and return its identity."""
    from napari_microdiff.models.store import user_folder

    def make(name: str = "synth-tiny", **shape: int) -> str:
        make_tiny_painter(user_folder() / name, **shape)
        return name

    return make


@pytest.fixture
def painter(make_painter: Callable[..., str]) -> str:
    """Identity of a model with random weights that makes images from masks."""
    return make_painter()


@pytest.fixture
def oracle(segmenter: str, monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """The model of `segmenter`, but with an answer that is right for bright objects that do not touch."""
    import torch
    from scipy import ndimage

    from napari_microdiff.diffusion.denoiser import Condition, Prediction
    from napari_microdiff.imaging.instances import Depth, as_drawn, maps_of

    class Threshold(torch.nn.Module):
        """Takes for objects whatever is above the middle and was not drawn as background."""

        sigma_data, sigma_max, precision = 0.8, 4.0, torch.float32

        def __init__(self) -> None:
            super().__init__()
            self.network = torch.nn.Linear(1, 1)
            self.network.stride = 4  # type: ignore[assignment]
            self.drawn: list[float] = []  # pixels of strokes that were shown to it, each time
            self.sizes: list[tuple[int, ...]] = []
            self.depth: Depth = "even"

        def forward(self, x: torch.Tensor, sigma: float | torch.Tensor, condition: Condition) -> Prediction:
            assert condition.maps is not None
            self.sizes.append(tuple(condition.maps.shape[2:]))
            self.drawn.append(float(condition.maps[:, 1:].sum()))
            answers = []
            for image, _, background, _ in condition.maps.numpy():
                labels, _ = ndimage.label((image > 0) & (background == 0))
                answers.append(torch.from_numpy(as_drawn(maps_of(labels), self.depth)))
            mean = torch.stack(answers)
            return Prediction(mean, torch.full_like(mean, 0.01))

    denoiser = Threshold()
    # By its module, since `tasks.run` is the function.
    monkeypatch.setattr(import_module("napari_microdiff.tasks.run"), "load_denoiser", lambda *_: denoiser)
    return denoiser


@pytest.fixture
def harmful_model(tiny_model: str) -> str:
    """Identity of a model in the same store that makes images worse."""
    from napari_microdiff.models.store import user_folder

    make_tiny_model(user_folder() / "harmful", name="harmful", size=3.0)
    return "harmful"


@pytest.fixture(params=[True, False], ids=["beside", "alone"])
def harmful_slicer(tiny_model: str, request: pytest.FixtureRequest) -> str:
    """Identity of a model in the same store that draws between slices what does not belong there."""
    from napari_microdiff.models.store import user_folder

    make_tiny_slicer(user_folder() / "isotropic-harmful", beside=request.param, size=3.0)
    return "isotropic-harmful"


@pytest.fixture
def noisy() -> NDArray[np.float32]:
    """Smooth spots under noise, 96 x 112, about 100 to 300 grey levels."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :112]
    spots = sum(np.exp(-((y - a) ** 2 + (x - b) ** 2) / 60) for a, b in rng.uniform(0, 100, (12, 2)))
    return (100 + 200 * spots + 10 * rng.standard_normal((96, 112))).astype(np.float32)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Keep torch from waking a thread for every small tensor, which costs more than the arithmetic."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _write_ome(
    path: Path, array: NDArray[Any], *, objectives: str = "", settings: str = "", channels: str = ""
) -> None:
    """Write an OME-TIFF of shape (channel, y, x) whose instrument, objective settings and channels are as said."""
    import tifffile

    count, height, width = array.shape
    names = {"uint8": "uint8", "uint16": "uint16", "float32": "float"}
    xml = f"""<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Instrument ID="Instrument:0">{objectives}</Instrument>
<Image ID="Image:0" Name="cell">{settings}<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="{names[str(array.dtype)]}"
SizeX="{width}" SizeY="{height}" SizeC="{count}" SizeZ="1" SizeT="1" PhysicalSizeX="65" PhysicalSizeXUnit="nm"
PhysicalSizeY="0.065">{channels}<TiffData/></Pixels></Image></OME>"""
    tifffile.imwrite(path, array, description=xml.encode(), metadata=None, photometric="minisblack")


@pytest.fixture
def write_ome() -> Callable[..., None]:
    """Return what writes an OME-TIFF of shape (channel, y, x) that tells how it was recorded."""
    return _write_ome
