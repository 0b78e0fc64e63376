from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from skimage.segmentation import relabel_sequential

from napari_microdiff.engine.options import SegmentOptions
from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.instances import (
    CONTACT,
    REACH,
    SADDLE,
    as_drawn,
    as_read,
    check_labels,
    diameters,
    labels_of,
    maps_of,
    reading_labels,
)
from napari_microdiff.imaging.matching import match_all


def discs(*circles: tuple[float, float, float], side: int = 96) -> np.ndarray:
    """Discs (y, x, radius); pixels of two belong to the nearer centre, as those of touching cells do."""
    y, x = np.mgrid[:side, :side]
    away = np.stack([np.hypot(y - a, x - b) / r for a, b, r in circles])
    return np.where(away.min(axis=0) <= 1, away.argmin(axis=0) + 1, 0)


def test_every_object_is_1_deep_whatever_its_size() -> None:
    labels = discs((25, 25, 6), (60, 60, 25))
    depth, _ = maps_of(labels)
    assert depth[labels == 1].max() == depth[labels == 2].max() == 1
    assert depth[labels > 0].min() > 0
    assert depth[labels == 0].max() < 0


def test_depth_falls_with_the_distance_outside() -> None:
    labels = np.zeros((60, 60), dtype=int)
    labels[30, 30] = 1
    depth, contact = maps_of(labels)
    assert depth[30, 34] == pytest.approx(-4 / REACH)
    assert depth[30, 59] == -1
    assert (contact == -1).all()


def test_contact_is_where_two_objects_are_near() -> None:
    labels = np.zeros((40, 40), dtype=int)
    labels[10:30, 8:18], labels[10:30, 20:30] = 3, 7
    _, contact = maps_of(labels)
    # The pixel between them is one away from one and two from the other.
    assert contact[20, 18] == pytest.approx(2 * np.exp(-(3**2) / (2 * CONTACT**2)) - 1, abs=1e-6)
    assert contact[20, 18] == contact[20, 19]
    assert contact[20, 2] < -0.99


@pytest.mark.parametrize("gap", [0, 1, 3])
def test_touching_objects_come_back_one_by_one(gap: int) -> None:
    labels = discs((40, 25, 16), (40, 25 + 30 + gap, 16), (75, 40, 14))
    back = labels_of(maps_of(labels))
    assert back.max() == 3
    assert [m.average_precision for m in match_all(labels, back, [0.5, 0.9])] == [1.0, 1.0]


def test_an_object_that_the_frame_cuts_is_deepest_at_the_frame() -> None:
    labels = discs((40, 0, 20))
    depth, _ = maps_of(labels)
    assert depth[40, 0] == 1
    assert labels_of(maps_of(labels)).max() == 1


def test_one_object_everywhere_and_none_at_all() -> None:
    everywhere = np.ones((20, 30), dtype=np.uint8)
    assert (labels_of(maps_of(everywhere)) == 1).all()
    assert not labels_of(maps_of(np.zeros((20, 30), dtype=bool))).any()


def test_a_smaller_saddle_makes_more_objects() -> None:
    labels = discs((40, 30, 16), (40, 54, 16)) > 0
    maps = maps_of(labels)
    assert labels_of(maps, saddle=0.9).max() == 1
    assert labels_of(maps, saddle=0.05).max() == 2


def test_small_objects_are_left_out() -> None:
    labels = discs((20, 20, 2), (60, 60, 20))
    assert labels_of(maps_of(labels), smallest=20).max() == 1


@given(arrays.arrays(np.uint16, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.integers(0, 3)))
def test_any_labels_have_maps_within_bounds(labels: np.ndarray) -> None:
    maps = maps_of(labels)
    assert maps.shape == (2, *labels.shape)
    assert np.isfinite(maps).all()
    assert np.abs(maps).max(initial=0) <= 1
    np.testing.assert_array_equal(maps[0] > 0, labels > 0)
    back = labels_of(maps, saddle=1e-6)  # parts that lie apart from the deepest place of an object are shallow
    np.testing.assert_array_equal(back > 0, labels > 0)
    np.testing.assert_array_equal(back, relabel_sequential(back)[0])


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros((2, 3, 4), int), "plane"),
        (np.full((3, 3), 0.5), "whole numbers"),
        (np.full((3, 3), np.nan), "whole numbers"),
        (np.full((3, 3), -1), "negative"),
        (np.zeros((3, 3), complex), "whole numbers"),
    ],
)
def test_what_is_no_label_image_is_said(labels: np.ndarray, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        maps_of(labels)


def test_whole_floats_and_booleans_are_labels() -> None:
    labels = discs((40, 40, 20))
    np.testing.assert_array_equal(maps_of(labels.astype(float)), maps_of(labels > 0))


def test_diameters_are_those_of_discs() -> None:
    found = diameters(np.where(discs((60, 60, 20)) > 0, 5, discs((12, 12, 10)) * 2))
    np.testing.assert_allclose(found, [20, 40], rtol=0.03)
    assert diameters(np.zeros((4, 4), int)).size == 0


def test_an_object_that_is_hardly_there_is_left_out() -> None:
    maps = maps_of(np.pad(np.ones((9, 9), dtype=int), 6))
    doubtful = maps.copy()
    doubtful[0] = np.where(maps[0] > 0, 0.3 * maps[0], maps[0])
    assert labels_of(maps).max() == 1
    assert not labels_of(doubtful).any()
    assert labels_of(doubtful, saddle=0.2).max() == 1


def test_the_default_saddle_is_that_of_requests() -> None:
    assert SegmentOptions().saddle == SADDLE


def test_more_objects_than_sixteen_bits_count() -> None:
    count = 260
    y, x = np.mgrid[: 5 * count, : 5 * count]
    depth = 1 - 2 * (np.maximum(abs(y % 5 - 2), abs(x % 5 - 2)) == 2)
    labels = labels_of(np.stack([depth, np.full(depth.shape, -1.0)]).astype(np.float32))
    assert labels.max() == count**2 > np.iinfo(np.uint16).max
    assert (np.bincount(labels.ravel())[1:] == 9).all()


def read_in_parts(maps: np.ndarray, side: int) -> tuple[np.ndarray, int]:
    """Labels that were read in squares of a side, and in how many parts."""
    reading, parts = reading_labels(maps, side=side), 0
    while True:
        try:
            next(reading)
        except StopIteration as done:
            return done.value, parts
        parts += 1


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.8, 1.5, 3.0]), st.sampled_from([8, 16, 48]))
def test_parts_are_read_as_the_whole_is(seed: int, smooth: float, side: int) -> None:
    rng = np.random.default_rng(seed)
    maps = ndimage.gaussian_filter(rng.standard_normal((2, 64, 48)), (0, smooth, smooth), mode="wrap")
    maps = np.tanh(maps / maps.std() - [[[0.5]], [[1.0]]]).astype(np.float32)  # no two alike, as of a network
    whole, parts_of_whole = read_in_parts(maps, 64)
    found, parts = read_in_parts(maps, side)
    np.testing.assert_array_equal(found, whole)
    assert parts_of_whole <= 1
    assert parts > 1 or side > 8 or whole.max() < 4


@given(st.integers(0, 2**32 - 1))
def test_objects_are_numbered_by_their_first_pixel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    circles = [(*rng.uniform(0, 96, 2), rng.uniform(3, 14)) for _ in range(12)]
    found, _ = read_in_parts(maps_of(discs(*circles)), 24)
    labels, first = np.unique(found, return_index=True)
    assert (np.diff(first[labels > 0]) > 0).all()
    np.testing.assert_array_equal(labels[labels > 0], np.arange(1, found.max() + 1))


def test_reading_can_be_left_between_parts() -> None:
    maps = maps_of(discs((20, 20, 8), (20, 70, 8), (70, 20, 8), (70, 70, 8)))
    reading = reading_labels(maps, side=48)
    next(reading)
    next(reading)
    reading.close()
    assert read_in_parts(maps, 48) == (pytest.approx(labels_of(maps)), 4)


def test_a_steep_depth_jumps_at_borders_and_is_read_as_an_even_one() -> None:
    maps = maps_of(discs((30, 30, 20), (30, 70, 12)))
    steep = as_drawn(maps, "steep")
    inside = (maps[0] > 0) & (maps[0] < 0.06)  # the outermost pixels
    assert steep[0][inside].min() > 0.2
    assert np.abs(steep).max() <= 1
    np.testing.assert_allclose(as_read(steep, "steep"), maps, atol=1e-6)
    np.testing.assert_array_equal(as_read(as_drawn(maps, "even"), "even"), maps)


def test_labels_beyond_63_bits_are_refused_in_words() -> None:
    with pytest.raises(ImageError, match="are too large"):
        check_labels(np.array([[0, 2**63]], dtype=np.uint64))
