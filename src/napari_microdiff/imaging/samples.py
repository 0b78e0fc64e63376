"""Sample images whose truth is known: simulated ones, and exposures simulated over images bundled with scikit-image.

They are for the viewer's sample data and for tests; they are not what networks are trained on (that is
``structures``). Nothing here needs a download.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import RequestError
from .camera import Camera, simulate

_Array = NDArray[np.float64]

_BACKGROUND = 2.0  # photons


@dataclass(frozen=True)
class Sample:
    """A sample image and the camera that it is exposed with.

    Attributes
    ----------
    title : str
        What it shows, for a menu.
    axes : str
        One letter per axis.
    photons : callable
        Makes the clean image in photons per pixel from a seed.
    camera : Camera
        The camera.
    saturation : int
        Largest grey level, 255 or 65535; tells the type of the pixels too.
    """

    title: str
    axes: str
    photons: Callable[[int], _Array]
    camera: Camera
    saturation: int = 65535


def filaments_and_blobs(shape: tuple[int, int] = (512, 512), seed: int = 0) -> _Array:
    """Return winding filaments and small round bodies on a dim, uneven ground.

    Parameters
    ----------
    shape : (int, int)
        Shape of the image.
    seed : int
        The same seed gives the same image.

    Returns
    -------
    ndarray of float64
        Expected photons in each pixel, about 2 to 50.
    """
    rng = np.random.default_rng(seed)
    area = shape[0] * shape[1]
    count, length = max(2, area // 4000), 400
    turns = ndimage.gaussian_filter1d(rng.standard_normal((count, length)), 15, axis=1) * 0.12
    angles = rng.uniform(0, 2 * np.pi, (count, 1)) + np.cumsum(turns, axis=1)
    starts = rng.uniform(0, 1, (count, 2, 1)) * np.reshape(shape, (1, 2, 1))
    paths = starts + np.cumsum(0.7 * np.stack([np.sin(angles), np.cos(angles)], axis=1), axis=2)
    light = np.repeat(rng.lognormal(0, 0.4, count), length)
    filaments = ndimage.gaussian_filter(_light_at(paths.transpose(0, 2, 1).reshape(-1, 2), light, shape), 1.2)

    centres = rng.uniform(0, 1, (max(3, area // 3000), 2)) * shape
    bodies = ndimage.gaussian_filter(_light_at(centres, rng.lognormal(0, 0.5, len(centres)), shape), 3.0)
    ground = ndimage.gaussian_filter(filaments + 20 * bodies, min(shape) / 12)
    return np.asarray(_BACKGROUND + 25 * filaments + 1200 * bodies + 15 * ground)


def nuclei(shape: tuple[int, ...] = (512, 512), seed: int = 0) -> _Array:
    """Return textured, bright, roundish nuclei with soft rims on a dim ground.

    Parameters
    ----------
    shape : tuple of int
        Shape of the image, (y, x) or (z, y, x); planes of a stack lie two pixels apart.
    seed : int
        The same seed gives the same image.

    Returns
    -------
    ndarray of float64
        Expected photons in each pixel, about 2 to 60.
    """
    rng = np.random.default_rng(seed)
    spacing = np.array([2.0, 1.0, 1.0][-len(shape) :])
    extent = np.array(shape) * spacing
    texture = np.exp(0.35 * _smooth_noise(rng, shape, 3 / spacing))
    image = np.zeros(shape)
    centres: list[_Array] = []
    radius = 14.0
    for centre in rng.uniform(0, 1, (max(4, int(extent[-2:].prod() / radius**2)), len(shape))) * extent:
        axes = radius * rng.uniform(0.75, 1.2, len(shape))
        brightness = rng.lognormal(3.2, 0.35)
        if any(np.linalg.norm(centre - other) < 1.9 * radius for other in centres):
            continue
        centres.append(centre)
        reach = 1.5 * radius
        box = tuple(
            slice(max(0, int((c - reach) / s)), min(n, int((c + reach) / s) + 1))
            for c, s, n in zip(centre, spacing, shape, strict=True)
        )
        places = np.stack(np.meshgrid(*(np.arange(part.start, part.stop) for part in box), indexing="ij"), axis=-1)
        distance = np.sqrt((((places * spacing - centre) / axes) ** 2).sum(axis=-1))
        body = brightness / (1 + np.exp((distance - 1) * 12))
        image[box] = np.maximum(image[box], body)
    return np.asarray(_BACKGROUND + ndimage.gaussian_filter(image * texture, 1.2 / spacing))


def noisy_sample(name: str, seed: int = 0) -> tuple[NDArray[np.uint8 | np.uint16], NDArray[np.float32]]:
    """Return a noisy sample image and its truth in the same grey levels.

    Parameters
    ----------
    name : str
        One of `SAMPLES`.
    seed : int
        Of the noise, and of the structures if they are simulated.

    Returns
    -------
    noisy : ndarray of uint8 or uint16
        What the camera saw.
    truth : ndarray of float32
        Its expectation. For the images bundled with scikit-image it is that image, which has a little noise of its own.

    Raises
    ------
    RequestError
        If there is no sample of this name.
    """
    if name not in SAMPLES:
        raise RequestError(f"There is no sample image {name!r}. Choose one of {', '.join(SAMPLES)}.")
    sample = SAMPLES[name]
    photons = sample.photons(seed)
    rng = np.random.default_rng((seed, 1))  # not the stream that drew the structures
    noisy = simulate(photons, sample.camera, rng, quantise=True, saturation=sample.saturation)
    truth = sample.camera.gain * photons + sample.camera.offset
    return noisy.astype(np.uint8 if sample.saturation == 255 else np.uint16), truth.astype(np.float32)


def _bundled(name: str, brightest: float) -> Callable[[int], _Array]:
    """Return a maker of an image of scikit-image, its full scale being ``brightest`` photons."""

    def photons(_seed: int) -> _Array:
        from skimage import data  # takes a moment to import, and only menus and tests need it

        return np.asarray(getattr(data, name)(), dtype=np.float64) * (brightest / 255)

    return photons


def _light_at(points: _Array, light: _Array, shape: tuple[int, int]) -> _Array:
    """Add light at points between pixels, shared among the four pixels around."""
    image = np.zeros(shape)
    corner = np.floor(points).astype(np.intp)
    part = points - corner
    for dy in (0, 1):
        for dx in (0, 1):
            share = np.abs(1 - dy - part[:, 0]) * np.abs(1 - dx - part[:, 1])
            place = corner + np.array([dy, dx])
            inside = ((place >= 0) & (place < shape)).all(axis=1)
            np.add.at(image, tuple(place[inside].T), (light * share)[inside])
    return image


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: _Array) -> _Array:
    field = ndimage.gaussian_filter(rng.standard_normal(shape), sigma)
    return np.asarray(field / max(float(field.std()), 1e-12))


SAMPLES: dict[str, Sample] = {
    "filaments": Sample(
        "Filaments and vesicles (simulated)",
        "YX",
        lambda seed: 0.4 * filaments_and_blobs((512, 512), seed),
        Camera(gain=4.0, offset=100.0, read_noise=6.0),
    ),
    "nuclei": Sample(
        "Nuclei (simulated)",
        "YX",
        lambda seed: 0.2 * nuclei((512, 512), seed),
        Camera(gain=2.0, offset=100.0, read_noise=4.0),
    ),
    "nuclei-stack": Sample(
        "Nuclei, z-stack (simulated)",
        "ZYX",
        lambda seed: 0.2 * nuclei((24, 256, 256), seed),
        Camera(gain=2.0, offset=100.0, read_noise=4.0),
    ),
    "cell": Sample(
        "Cell in quantitative phase (noise added)",
        "YX",
        _bundled("cell", 30.0),
        Camera(gain=5.0, offset=20.0, read_noise=5.0),
        saturation=255,
    ),
    "tissue": Sample(
        "Stained tissue, colour (noise added)",
        "YXS",
        _bundled("immunohistochemistry", 40.0),
        Camera(gain=6.0, offset=0.0, read_noise=4.0),
        saturation=255,
    ),
}
