"""Tests of `imaging.measured`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from napari_microdiff.imaging.measured import measure


@given(arrays(np.int32, array_shapes(min_dims=1, max_dims=4, max_side=6), elements=st.integers(0, 5)))
def test_as_scipy_measures(labels: np.ndarray) -> None:
    found = measure(labels)
    numbers = np.unique(labels[labels > 0])
    assert found.labels.tolist() == numbers.tolist()
    assert found.areas.tolist() == [np.count_nonzero(labels == n) for n in numbers]
    centres = np.array(ndimage.center_of_mass(np.ones(labels.shape), labels, numbers)).reshape(-1, labels.ndim)
    np.testing.assert_allclose(found.centres, centres.T)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64])
def test_labels_of_any_type(dtype: type) -> None:
    found = measure(np.array([[0, 7, 7], [9, 0, 7]], dtype=dtype))
    assert found.labels.tolist() == [7, 9]
    assert found.areas.tolist() == [3, 1]


def test_very_large_labels_cost_no_memory() -> None:
    found = measure(np.array([0, 2**62, 2**62, 3]))
    assert found.labels.tolist() == [3, 2**62]
    assert found.areas.tolist() == [1, 2]
    assert found.centres.tolist() == [[3, 1.5]]


@pytest.mark.parametrize("shape", [(0,), (0, 5), (4, 4)])
def test_nothing_is_no_object(shape: tuple[int, ...]) -> None:
    found = measure(np.zeros(shape, np.int32))
    assert found.labels.size == found.areas.size == 0
    assert found.centres.shape == (len(shape), 0)
