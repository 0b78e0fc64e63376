from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import disk

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.mask_maps import CAP, Thickness, mask_maps, measure_thickness, whole_mask_maps


def many_objects(shape: tuple[int, int], seed: int, largest: int = 40) -> np.ndarray:
    """Discs of any size, over one another, some of them cut by the border; labels are neither small nor in sequence."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int64)
    for number in rng.permutation(12):
        middle = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        labels[disk(middle, rng.integers(2, largest), shape=shape)] = 10**9 + 7 * number
    return labels


def distance_by_hand(labels: np.ndarray) -> np.ndarray:
    """Distance of each pixel of an object to the nearest of another label, one pixel after the other."""
    depth = np.zeros(labels.shape)
    for place in np.argwhere(labels):
        others = np.argwhere(labels != labels[tuple(place)])
        nearest = np.sqrt(((others - place) ** 2).sum(axis=1).min()) if len(others) else np.inf
        depth[tuple(place)] = min(nearest, CAP)
    return depth


def test_the_maps_are_classes_borders_and_depth() -> None:
    labels = np.zeros((7, 11), np.uint16)
    labels[1:6, 1:6] = 4
    labels[1:6, 6:9] = 9
    background, first, second, borders, depth = mask_maps(labels, measure_thickness(labels), kinds={9: 2}, classes=2)
    np.testing.assert_array_equal(background, labels == 0)
    np.testing.assert_array_equal(first, labels == 4)
    np.testing.assert_array_equal(second, labels == 9)
    ring = (labels > 0) & ~np.pad(np.ones((3, 3), bool), ((2, 2), (2, 6)))
    ring[2:5, 7] = False
    np.testing.assert_array_equal(borders, ring)
    np.testing.assert_allclose(depth[3, :10], [0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 1 / 2, 1, 1 / 2, 0])


@given(seed=st.integers(0, 1000), height=st.integers(1, 30), width=st.integers(1, 30))
def test_depth_is_the_distance_to_what_is_not_of_the_object(seed: int, height: int, width: int) -> None:
    labels = many_objects((height, width), seed, largest=12)
    thickness = measure_thickness(labels)
    expected = distance_by_hand(labels)
    depth = mask_maps(labels, thickness)[-1]
    np.testing.assert_allclose(depth * thickness.of(labels) * (labels > 0), expected, atol=1e-4)
    for label, most in zip(thickness.labels, thickness.depths, strict=True):
        assert most == pytest.approx(expected[labels == label].max(), rel=1e-6)
    assert thickness.labels.tolist() == [n for n in np.unique(labels).tolist() if n]


@pytest.mark.parametrize("seed", range(4))
def test_windows_show_what_the_whole_plane_does(seed: int) -> None:
    labels = many_objects((150, 170), seed)
    whole = mask_maps(labels, measure_thickness(labels), kinds={10**9 + 7: 2}, classes=3)
    thickness = measure_thickness(labels, block=37)
    padded = np.pad(labels, CAP, mode="reflect")
    for top in range(0, 150, 50):
        window = padded[top : top + 50 + 2 * CAP, 60 : 60 + 45 + 2 * CAP]
        part = mask_maps(window, thickness, margin=CAP, kinds={10**9 + 7: 2}, classes=3)
        np.testing.assert_array_equal(part, whole[:, top : top + 50, 60:105])


@given(seed=st.integers(0, 1000), height=st.integers(1, 60), width=st.integers(1, 60))
def test_those_of_a_small_mask_are_the_same_at_once(seed: int, height: int, width: int) -> None:
    labels = many_objects((height, width), seed, largest=30)
    np.testing.assert_array_equal(whole_mask_maps(labels), mask_maps(labels, measure_thickness(labels)))


def test_an_object_that_fills_the_plane_is_as_deep_as_can_be() -> None:
    labels = np.full((30, 20), 5)
    thickness = measure_thickness(labels)
    assert thickness.depths.tolist() == [CAP]
    background, inside, borders, depth = mask_maps(labels, thickness)
    assert inside.all()
    assert not background.any()
    assert not borders.any()
    np.testing.assert_array_equal(depth, 1)


@pytest.mark.parametrize("labels", [np.zeros((12, 9), int), np.zeros((0, 4), int)])
def test_a_mask_without_objects_is_all_background(labels: np.ndarray) -> None:
    thickness = measure_thickness(labels)
    assert not thickness.labels.size
    maps = mask_maps(labels, thickness, classes=2)
    assert maps.shape == (5, *labels.shape)
    assert maps[0].all()
    assert not maps[1:].any()


def test_objects_that_were_not_measured_are_as_thick_as_a_pixel() -> None:
    known = Thickness(np.array([3]), np.array([2.0], np.float32))
    assert known.of(np.array([[0, 3, 4]])).tolist() == [[1, 2, 1]]


@pytest.mark.parametrize("labels", [np.full((4, 4), -1), np.full((4, 4), 0.5), np.zeros((2, 4, 4), int)])
def test_what_is_no_mask_is_refused(labels: np.ndarray) -> None:
    with pytest.raises(ImageError):
        mask_maps(labels, Thickness(np.zeros(0, np.int64), np.zeros(0, np.float32)))


def test_how_large_the_numbers_of_objects_are_makes_no_difference() -> None:
    labels = np.zeros((60, 70), np.int64)
    labels[disk((20, 20), 9)] = 1
    labels[disk((40, 45), 14)] = 3
    large = labels * 10**12
    np.testing.assert_array_equal(whole_mask_maps(large), whole_mask_maps(labels))
    measured, of_large = measure_thickness(labels), measure_thickness(large)
    np.testing.assert_array_equal(of_large.labels, measured.labels * 10**12)
    np.testing.assert_array_equal(of_large.depths, measured.depths)
