"""Tests of `tasks.locked`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_microdiff.engine.events import Result
from napari_microdiff.engine.request import build_request
from napari_microdiff.errors import ImageError, RequestError
from napari_microdiff.tasks import segment
from napari_microdiff.tasks.locked import with_locked


def _result(labels: np.ndarray, confidence: list[float], region: tuple[tuple[int, int], ...] | None = None) -> Result:
    request = build_request({"task": "segment", "axes": "ZYX"[-labels.ndim :]})
    objects = {"label": np.arange(1, len(confidence) + 1), "confidence": np.array(confidence)}
    return Result(
        request, region or tuple((0, n) for n in labels.shape), labels=labels.astype(np.int32), objects=objects
    )


FOUND = np.array(
    [
        [1, 1, 1, 0, 2, 2],
        [1, 1, 1, 0, 2, 2],
        [1, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [3, 3, 3, 3, 0, 0],
    ]
)
LOCKED = np.zeros_like(FOUND)
LOCKED[:3, :2] = 9  # all of the first but a rim
LOCKED[4, 3] = 4  # a little of the third


def test_locked_objects_keep_every_pixel_and_their_label() -> None:
    made = with_locked(_result(FOUND, [0.9, 0.8, 0.7]), LOCKED)
    assert made.labels is not None
    np.testing.assert_array_equal(made.labels[LOCKED > 0], LOCKED[LOCKED > 0])
    expected = np.array(
        [
            [9, 9, 0, 0, 10, 10],
            [9, 9, 0, 0, 10, 10],
            [9, 9, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0],
            [11, 11, 11, 4, 0, 0],
        ]
    )
    np.testing.assert_array_equal(made.labels, expected)
    np.testing.assert_array_equal(made.objects["label"], [4, 9, 10, 11])
    np.testing.assert_array_equal(made.objects["area"], [1, 6, 4, 3])
    np.testing.assert_allclose(made.objects["confidence"], [np.nan, np.nan, 0.8, 0.7])
    assert made.report["objects"] == len(made.objects["label"])


@pytest.mark.parametrize("axes", ["TYX", "ZYX", "YXT"])
@pytest.mark.parametrize("planes", [1, 2])
def test_a_rim_is_left_out_however_few_planes_an_object_lies_in(axes: str, planes: int) -> None:
    at = axes.index({"TYX": "T", "ZYX": "Z", "YXT": "T"}[axes])
    found, locked = (np.stack([labels] * planes, axis=at) for labels in (FOUND, LOCKED))
    result = _result(found, [0.9, 0.8, 0.7])
    made = with_locked(replace(result, request=result.request.model_copy(update={"axes": axes})), locked)
    assert made.labels is not None
    np.testing.assert_array_equal(made.objects["label"], [4, 9, 10, 11])


def test_a_region_gets_its_part() -> None:
    whole = np.zeros((9, 9), int)
    whole[2:7, 3:9] = LOCKED
    made = with_locked(_result(FOUND, [0.9, 0.8, 0.7], ((2, 7), (3, 9))), whole)
    assert made.labels is not None
    np.testing.assert_array_equal(made.labels == 9, LOCKED == 9)
    np.testing.assert_allclose(made.objects["y"][1], 3.0)
    np.testing.assert_allclose(made.objects["x"][1], 3.5)


def test_nothing_locked_changes_nothing() -> None:
    result = _result(np.stack([FOUND, FOUND]), [0.9, 0.8, 0.7])
    made = with_locked(result, np.zeros((2, *FOUND.shape), np.uint8))
    np.testing.assert_array_equal(made.labels, result.labels)
    np.testing.assert_allclose(made.objects["confidence"], [0.9, 0.8, 0.7])


def test_labels_without_room_for_others_are_told() -> None:
    with pytest.raises(RequestError, match="leaves no numbers for others"):
        with_locked(_result(FOUND, [1, 1, 1]), np.where(LOCKED > 0, np.iinfo(np.int32).max, 0))


def test_an_image_is_no_label_image() -> None:
    with pytest.raises(ImageError, match="whole numbers"):
        with_locked(_result(FOUND, [1, 1, 1]), LOCKED + 0.5)


def test_another_shape_is_told_before_anything_is_computed() -> None:
    with pytest.raises(RequestError, match=r"of the shape \(5, 6\), but the image is of \(30, 20\)"):
        segment(np.zeros((30, 20, 3)), axes="YXS", shown="stained", locked=LOCKED, model="not even there")


def test_objects_are_found_around_those_that_are_locked() -> None:
    image = np.zeros((96, 96), np.float32)
    y, x = np.mgrid[:96, :96]
    for centre in ((24, 24), (24, 70), (70, 48)):
        image[np.hypot(y - centre[0], x - centre[1]) < 12] = 100
    image += np.random.default_rng(0).normal(0, 3, image.shape).astype(np.float32)
    locked = (np.hypot(y - 24, x - 24) < 8) * 5  # smaller than what is seen
    made = segment(image, diameter=24, locked=locked)
    assert made.labels is not None
    np.testing.assert_array_equal(made.labels == 5, locked == 5)
    assert made.objects["label"].tolist() == [5, 6, 7]
    assert made.labels[24, 70] == 6
    assert made.labels[70, 48] == 7
