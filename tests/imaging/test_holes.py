"""Holes are filled as smooth images go on, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import disk

from napari_microdiff.imaging.holes import fill_smoothly


def test_a_plane_goes_on_through_a_hole():
    y, x = np.mgrid[:60, :70]
    image = 1000.0 + 3 * y - 2 * x
    unknown = np.zeros(image.shape, dtype=bool)
    unknown[disk((30, 30), 9)] = True
    unknown[:, 55:57] = True
    damaged = np.where(unknown, 1e6, image)
    filled = fill_smoothly(damaged, unknown)
    np.testing.assert_allclose(filled, image, atol=1.0)
    np.testing.assert_allclose(filled[~unknown], image[~unknown], rtol=1e-5)


def test_large_holes_are_filled_too():
    y, x = np.mgrid[:300, :300]
    image = np.sin(x / 90) + np.cos(y / 70)
    unknown = np.zeros(image.shape, dtype=bool)
    unknown[disk((150, 150), 60)] = True  # more than are solved for at once
    filled = fill_smoothly(image, unknown)
    assert np.abs(filled - image)[unknown].max() < 0.3
    assert np.sqrt(((filled - image)[unknown] ** 2).mean()) < 0.3 * image[unknown].std()
    step = np.abs(np.diff(filled, axis=1)).max()
    assert step < 5 * np.abs(np.diff(image, axis=1)).max()  # no edge where the coarse part begins


@given(rows=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 99))
def test_any_hole_in_any_image_is_filled_with_numbers(rows, columns, seed):
    rng = np.random.default_rng(seed)
    image, unknown = rng.random((rows, columns)), rng.random((rows, columns)) < rng.random()
    filled = fill_smoothly(image, unknown)
    assert np.isfinite(filled).all()
    if not unknown.all():
        np.testing.assert_allclose(filled[~unknown], image[~unknown], atol=1e-5)


def test_where_nothing_is_known_there_is_nothing():
    assert (fill_smoothly(np.ones((4, 4)), np.ones((4, 4), dtype=bool)) == 0).all()
    image = np.arange(12.0).reshape(3, 4)
    assert fill_smoothly(image, np.zeros((3, 4), dtype=bool)) == pytest.approx(image)
