from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.layers import Image

from napari_microdiff.viewer import samples

ALL = [
    samples.noisy_cell,
    samples.noisy_tissue,
    samples.simulated_filaments,
    samples.simulated_nuclei,
    samples.simulated_stack,
]


@pytest.mark.parametrize("sample", ALL)
def test_a_sample_is_a_noisy_image_over_its_hidden_truth(sample: Callable[[], list[Any]]) -> None:
    truth, noisy = (Image(array, **arguments) for array, arguments, kind in sample() if kind == "image")
    assert (truth.visible, noisy.visible) == (False, True)
    assert truth.data.shape == noisy.data.shape
    np.testing.assert_allclose(truth.scale, noisy.scale)
    difference = noisy.data.astype(float) - truth.data
    assert 0.02 < difference.std() / np.ptp(truth.data) < 0.5
    assert (truth.units, truth.axis_labels) == (noisy.units, noisy.axis_labels)


def test_slices_are_every_fifth_of_their_volume() -> None:
    truth, slices = (Image(array, **arguments) for array, arguments, _ in samples.simulated_slices())
    assert (truth.visible, slices.visible) == (False, True)
    np.testing.assert_array_equal(slices.data, truth.data[::5])
    last = np.array(slices.data.shape) - 1
    np.testing.assert_allclose(slices.data_to_world(last), truth.data_to_world(last * (5, 1, 1)))


@pytest.mark.parametrize("sample", [*ALL, samples.simulated_slices])
def test_everybody_sees_the_same_sample(sample: Callable[[], list[Any]]) -> None:
    for (first, *_), (second, *_) in zip(sample(), sample(), strict=True):
        np.testing.assert_array_equal(first, second)
