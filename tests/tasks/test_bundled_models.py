"""The models that come with the package do their work on images that they were not trained on."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from napari_microdiff import segment
from napari_microdiff.imaging.samples import noisy_sample


@pytest.fixture(scope="module")
def coins() -> np.ndarray:
    """Bright discs of many sizes on an uneven background: no nuclei, but objects all the same."""
    return np.asarray(data.coins())


def test_all_coins_are_found_and_nothing_else(coins: np.ndarray) -> None:
    result = segment(coins, device="cpu")
    assert len(result.objects["label"]) == 24
    assert 35 < result.report["diameter"] < 60


def test_coins_are_found_in_another_magnification(coins: np.ndarray) -> None:
    small = segment(coins[::2, ::2], device="cpu")
    assert abs(len(small.objects["label"]) - 24) <= 1
    assert 17 < small.report["diameter"] < 30


def test_objects_of_simulated_nuclei_hold_their_light() -> None:
    noisy, truth = noisy_sample("nuclei")
    result = segment(noisy, device="cpu")
    assert 150 < len(result.objects["label"]) < 260
    light = truth - np.percentile(truth, 2)
    assert light[result.labels > 0].sum() > 0.85 * light.sum()
    assert np.count_nonzero(result.labels) < 0.5 * truth.size
