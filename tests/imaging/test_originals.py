"""Copies of training images are known again, and other images of the same kind are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.draw import disk

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.originals import Originals


def field(seed: int, shape: tuple[int, int] = (160, 192)) -> tuple[np.ndarray, np.ndarray]:
    """Round objects with a texture of their own, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    for number in range(1, 21):
        labels[disk(rng.uniform((0, 0), shape), rng.uniform(8, 13), shape=shape)] = number
    texture = ndimage.gaussian_filter(rng.standard_normal(shape), 2.5)
    bright = ndimage.gaussian_filter((labels > 0).astype(float), 1.5)
    return 100 + bright * (400 + 800 * texture) + rng.normal(0, 5, shape), labels


TRAINED = [field(seed) for seed in range(4)]
ORIGINALS = Originals.of(TRAINED)


def test_copies_are_known_again_in_any_way_they_are_changed() -> None:
    image, labels = TRAINED[1]
    rng = np.random.default_rng(9)
    for turns in range(4):
        for flip in (False, True):
            copy, places = np.rot90(image, turns), np.rot90(labels, turns)
            if flip:
                copy, places = copy[:, ::-1], places[:, ::-1]
            changed = 3 * copy + 50 + rng.normal(0, 60, copy.shape)
            assert np.median(ORIGINALS.nearest(changed, places)) > 0.95
    assert ORIGINALS.nearest(image, labels).min() > 0.99


def test_other_images_of_the_same_kind_are_no_copies() -> None:
    fresh = np.concatenate([ORIGINALS.nearest(*field(seed)) for seed in range(10, 14)])
    assert np.quantile(fresh, 0.95) < 0.75
    _, labels = field(10)
    other, _ = field(11)
    pasted = np.where(labels > 0, TRAINED[0][0], other)  # some of a training image under another mask
    assert np.median(ORIGINALS.nearest(pasted, labels)) < np.median(ORIGINALS.nearest(*TRAINED[0]))


def test_the_same_objects_with_another_texture_are_no_copy() -> None:
    _, labels = TRAINED[2]
    rng = np.random.default_rng(77)
    texture = ndimage.gaussian_filter(rng.standard_normal(labels.shape), 2.5)
    image = 100 + ndimage.gaussian_filter((labels > 0).astype(float), 1.5) * (400 + 800 * texture)
    again = ORIGINALS.nearest(image, labels)
    assert np.median(again) < 0.8 < np.median(ORIGINALS.nearest(*TRAINED[2]))


def test_colours_are_compared_by_their_mean() -> None:
    image, labels = TRAINED[0]
    coloured = np.stack([image, 2 * image, 0 * image], axis=-1)
    np.testing.assert_allclose(ORIGINALS.nearest(coloured, labels), ORIGINALS.nearest(image, labels), atol=1e-5)


def test_no_more_patches_are_kept_than_asked_for() -> None:
    few = Originals.of(TRAINED, most=10, seed=3)
    assert few.prints.shape == (10, 144)
    assert few.prints.dtype == np.int8
    np.testing.assert_array_equal(few.prints, Originals.of(TRAINED, most=10, seed=3).prints)


def test_images_without_objects() -> None:
    assert ORIGINALS.nearest(np.zeros((20, 30)), np.zeros((20, 30), int)).shape == (0,)
    flat = ORIGINALS.nearest(np.ones((60, 60)), np.eye(60, dtype=int))
    assert np.isfinite(flat).all()
    with pytest.raises(ImageError, match="no objects"):
        Originals.of([])
    with pytest.raises(ImageError, match="no objects"):
        Originals.of([(np.zeros((20, 30)), np.zeros((20, 30), int))])
    with pytest.raises(ImageError, match="of the shape"):
        ORIGINALS.nearest(np.zeros((20, 30)), np.zeros((20, 31), int))
