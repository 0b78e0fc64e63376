"""How images were made from masks without a model that draws: by rule, and by pasting objects of other images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from common import Image
from numpy.random import Generator
from numpy.typing import NDArray
from outlined import Outlined
from scipy import ndimage
from skimage.transform import resize

from napari_microdiff.imaging.noise import noise_sigma

_BLUR = 1.0  # pixels
_Plane = NDArray[np.float64]


def by_rule(item: Outlined, rng: Generator) -> Image:
    """Give each object a grey level, blur, and add the noise of a camera, all as in the image of the mask itself."""
    image, labels = item.image.astype(float), item.labels
    numbers = np.unique(labels[labels > 0])
    levels = ndimage.mean(image, labels, numbers) if numbers.size else np.zeros(0)
    ground = image[labels == 0]
    table = np.full(int(labels.max()) + 1, float(np.median(ground)) if ground.size else 0.0)
    if numbers.size:
        table[numbers] = rng.normal(levels.mean(), levels.std(), len(numbers))
    light = ndimage.gaussian_filter(np.clip(table[labels], 0, None), _BLUR)
    return _as_camera(light + noise_sigma(image, "YX") * rng.standard_normal(light.shape))


def pasted(item: Outlined, donors: Sequence[Outlined], rng: Generator) -> Image:
    """Fill each object with one of an image whose objects are about as large, and the rest with its background."""
    near = sorted(donors, key=lambda donor: abs(np.log(donor.diameter / item.diameter)))
    donor = near[int(rng.integers(min(5, len(near))))]
    light, labels = donor.image.astype(float), donor.labels
    ground = light[labels == 0]
    result = rng.choice(ground if ground.size else np.zeros(1), item.labels.shape)
    boxes = [box for box in ndimage.find_objects(labels) if box is not None]
    for number, box in enumerate(ndimage.find_objects(item.labels), start=1):
        if box is None or not boxes:
            continue
        inside = item.labels[box] == number
        source = _filled(light, labels, boxes[int(rng.integers(len(boxes)))], rng)
        result[box][inside] = resize(source, inside.shape, order=1, mode="edge", preserve_range=True)[inside]
    return _as_camera(result)


def _filled(light: _Plane, labels: Image, box: tuple[slice, ...], rng: Generator) -> _Plane:
    """Return the pixels of an object's box, turned; those outside of it are those of the object that are nearest."""
    part, within = light[box], labels[box]
    own = within == np.bincount(within[within > 0]).argmax()
    _, nearest = ndimage.distance_transform_edt(~own, return_indices=True)
    return np.rot90(part[tuple(nearest)], int(rng.integers(4)))


def _as_camera(light: _Plane) -> Image:
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)
