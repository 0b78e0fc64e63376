"""What a series is made of: the order of names, the table of objects, and labels that fit their image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_microdiff.files import Picture
from napari_microdiff.files.series import AUTO, EDITED, Segmentation, changed_objects, natural_order, state_table


@pytest.mark.parametrize(
    "names",
    [
        ["a1.tif", "a2.tif", "a10.tif"],
        ["7.png", "11.png", "a.png"],
        ["Well B1.tif", "well b2.tif", "Well B10.tif"],
        ["t1_z9.tif", "t1_z10.tif", "t2_z1.tif"],
    ],
)
def test_names_are_sorted_as_people_count(names: list[str]) -> None:
    assert sorted([names[-1], *names[:-1]], key=natural_order) == names


@given(st.permutations(["a", "a1", "A1", "a01", "1", "²", "a²1", "", "٣", "b10c2", "b10c10"]))
def test_the_order_does_not_depend_on_where_one_begins(names: list[str]) -> None:
    assert sorted(names, key=natural_order) == sorted(set(names), key=natural_order)


@pytest.mark.parametrize("largest", [9, 2**30])
def test_the_table_is_measured_from_the_labels(largest: int) -> None:
    labels = np.random.default_rng(0).integers(0, 4, (3, 8, 9)).astype(np.int32)
    labels[labels == 3] = largest
    known = {"label": [1, 2, 77], "confidence": [0.5, 0.25, 1.0], "state": [AUTO, "accepted", AUTO]}
    table = state_table(labels, "ZYX", known)
    assert list(table) == ["label", "area", "confidence", "state", "z", "y", "x"]
    assert table["label"].tolist() == [1, 2, largest]
    assert table["area"].tolist() == [int((labels == label).sum()) for label in (1, 2, largest)]
    assert table["state"].tolist() == [AUTO, "accepted", EDITED]
    np.testing.assert_array_equal(table["confidence"], [0.5, 0.25, np.nan])
    centres = ndimage.center_of_mass(labels > 0, labels, [1, 2, largest])
    np.testing.assert_allclose(np.stack([table[letter] for letter in "zyx"], axis=1), centres)


def test_there_may_be_no_objects() -> None:
    table = state_table(np.zeros((4, 5), np.int32), "YX")
    assert {name: len(column) for name, column in table.items()} == dict.fromkeys(table, 0)


def test_objects_that_changed() -> None:
    before = np.array([[1, 1, 0, 2], [3, 3, 0, 2]])
    after = np.array([[1, 1, 4, 2], [3, 2, 0, 2]])
    assert changed_objects(before, after) == {2, 3, 4}
    assert changed_objects(before, before) == set()


@pytest.mark.parametrize(
    ("axes", "shape", "image_axes", "image_shape"),
    [
        ("YX", (4, 5), "YX", (4, 5)),
        ("YX", (4, 5), "YXS", (4, 5, 3)),
        ("YX", (4, 5), "ZYX", (1, 4, 5)),
        ("ZYX", (1, 4, 5), "YX", (4, 5)),
        ("TZYX", (2, 3, 4, 5), "ZTYX", (3, 2, 4, 5)),
        ("ZYX", (3, 4, 5), "TZYX", (1, 3, 4, 5)),
    ],
)
def test_labels_take_the_axes_of_their_image(
    axes: str, shape: tuple[int, ...], image_axes: str, image_shape: tuple[int, ...]
) -> None:
    labels = np.arange(np.prod(shape)).reshape(shape)
    found = Segmentation(labels, axes, {}).for_image(Picture(np.zeros(image_shape), image_axes))
    assert found is not None
    assert found.axes == image_axes.replace("S", "")
    assert found.labels.shape == image_shape[: len(found.axes)]
    if axes == "TZYX":
        np.testing.assert_array_equal(found.labels, labels.transpose(1, 0, 2, 3))


@pytest.mark.parametrize(("axes", "shape"), [("YX", (5, 4)), ("YX", (4, 6)), ("ZYX", (2, 4, 5)), ("ZYX", (20, 1, 1))])
def test_labels_of_another_size_do_not_fit(axes: str, shape: tuple[int, ...]) -> None:
    assert Segmentation(np.zeros(shape, np.int32), axes, {}).for_image(Picture(np.zeros((4, 5)), "YX")) is None
