from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import resize

from napari_microdiff.imaging.resize import Resized, resized

NOISE = np.random.default_rng(0).standard_normal((60, 83)).astype(np.float32)


@pytest.mark.parametrize("shape", [(60, 83), (31, 40), (12, 200), (150, 90), (1, 1)])
def test_it_agrees_with_scikit_image(shape: tuple[int, int]) -> None:
    theirs = resize(NOISE, shape, order=1, mode="edge", anti_aliasing=True)
    np.testing.assert_allclose(resized(NOISE, shape), theirs, atol=2e-5)


def test_a_slope_stays_a_slope() -> None:
    slope = np.broadcast_to(np.arange(40.0), (20, 40))
    larger = resized(slope, (20, 80))
    np.testing.assert_allclose(
        larger[:, 1:-1], np.broadcast_to((np.arange(80) - 0.5) / 2, (20, 80))[:, 1:-1], atol=1e-5
    )


@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_any_window_is_that_part_of_the_whole(shape: tuple[int, int], parts: tuple[float, ...]) -> None:
    view = Resized(NOISE, shape)
    spans = [sorted(int(p * n) for p in pair) for pair, n in zip((parts[:2], parts[2:]), shape, strict=True)]
    window = tuple(slice(*span) for span in spans)
    np.testing.assert_allclose(view[window], view[:, :][window], atol=1e-6)


def test_only_what_is_needed_is_read() -> None:
    class Counting:
        shape, dtype = (1000, 1000), np.dtype(np.uint8)
        largest = 0

        def __getitem__(self, window: tuple[slice, ...]) -> np.ndarray:
            sides = [part.stop - part.start for part in window]
            self.largest = max(self.largest, *sides)
            return np.zeros(sides, np.uint8)

    plane = Counting()
    Resized(plane, (500, 500))[100:120, 0:30]
    assert plane.largest < 80


def test_there_must_be_a_pixel() -> None:
    with pytest.raises(ValueError, match="resized"):
        Resized(NOISE, (0, 4))
