"""What an image shows is described alike whatever its brightness, and differently where it is of another kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage import data

from napari_microdiff.imaging import structures
from napari_microdiff.imaging.texture import LEVELS, PER_LEVEL, TEXTURE_LENGTH, texture_vector

SKEWNESS, DETAIL_SKEWNESS, SPARSENESS, WITH_BRIGHTNESS, UNEVENNESS, DARK_RIDGES, LINES = range(PER_LEVEL)


def levels(image: np.ndarray) -> np.ndarray:
    return texture_vector(np.atleast_3d(image).T if image.ndim == 2 else image).reshape(LEVELS, PER_LEVEL)


@pytest.fixture(scope="module")
def cells() -> np.ndarray:
    return structures.fluorescence(np.random.default_rng(1), 192).astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(0.01, 1e4), offset=st.floats(-1e4, 1e4))
def test_brightness_and_contrast_make_no_difference(scale: float, offset: float) -> None:
    image = data.camera()[None, :128, :128].astype(np.float64)
    normal = (image - image.mean()) / image.std()
    changed = scale * image + offset
    changed = (changed - changed.mean()) / changed.std()
    np.testing.assert_allclose(texture_vector(changed), texture_vector(normal), atol=5e-3)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_orientation_makes_no_difference(cells: np.ndarray, turn: int) -> None:
    # Every second pixel is kept from level to level; which one that is depends on where a side begins.
    np.testing.assert_allclose(levels(np.rot90(cells, turn)), levels(cells), atol=0.15)


def test_inverted_contrast_changes_the_signs_of_what_tells_bright_from_dark(cells: np.ndarray) -> None:
    one, other = levels(cells), levels(-cells)
    signed = [SKEWNESS, DETAIL_SKEWNESS, WITH_BRIGHTNESS, DARK_RIDGES]
    np.testing.assert_allclose(other[:, signed], -one[:, signed], atol=1e-3)
    unsigned = [SPARSENESS, UNEVENNESS, LINES]
    np.testing.assert_allclose(other[:, unsigned], one[:, unsigned], atol=1e-3)


def test_each_number_tells_what_it_is_called() -> None:
    y, x = np.mgrid[:192, :192].astype(np.float32)
    rng = np.random.default_rng(0)
    spots = np.zeros((192, 192), np.float32)
    for cy, cx in rng.integers(10, 182, (12, 2)):
        spots += np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 2.0**2))
    lines = np.exp(-np.square((x + 2 * y) % 48 - 24) / (2 * 2.0**2))
    noise = rng.standard_normal((192, 192)).astype(np.float32)
    seen = {name: levels(image)[1] for name, image in {"spots": spots, "lines": lines, "noise": noise}.items()}
    assert seen["spots"][SKEWNESS] > 1
    assert abs(seen["noise"][SKEWNESS]) < 0.2
    assert seen["spots"][SPARSENESS] > seen["lines"][SPARSENESS] > seen["noise"][SPARSENESS]
    assert seen["noise"][SPARSENESS] == pytest.approx(np.log(3 + 1), abs=0.1)
    assert seen["spots"][WITH_BRIGHTNESS] > 0.5 > abs(seen["noise"][WITH_BRIGHTNESS])
    assert seen["lines"][DARK_RIDGES] < -0.2
    assert abs(seen["noise"][DARK_RIDGES]) < 0.1
    assert seen["lines"][LINES] > seen["spots"][LINES]
    assert seen["spots"][UNEVENNESS] > seen["noise"][UNEVENNESS]


@settings(max_examples=25, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40)),
        elements=st.floats(-2, 2, width=32),
    )
)
def test_any_image_has_a_description(blocks: np.ndarray) -> None:
    found = texture_vector(blocks)
    assert found.shape == (TEXTURE_LENGTH,)
    assert np.isfinite(found).all()


def test_electron_micrographs_are_told_from_fluorescence() -> None:
    def described(make, count: int) -> np.ndarray:
        return np.stack([texture_vector(make(np.random.default_rng(i), 128)[None]) for i in range(count)])

    bright, dark = described(structures.fluorescence, 24), described(structures.electron_microscopy, 24)
    away = np.abs(bright.mean(axis=0) - dark.mean(axis=0)) / (bright.std(axis=0) + dark.std(axis=0))
    assert away.max() > 1
