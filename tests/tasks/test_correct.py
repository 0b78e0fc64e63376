from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_microdiff.engine.events import Progress
from napari_microdiff.engine.options import SegmentOptions, Stroke
from napari_microdiff.engine.request import Request
from napari_microdiff.errors import RequestError
from napari_microdiff.tasks.correct import Corrected, correct

DIAMETER = 24.0


def scene(side: int = 200) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Two discs that touch and were taken for one, and one far away."""
    y, x = np.mgrid[:side, :side]
    clump = (np.hypot(y - 50, x - 40) <= 12) | (np.hypot(y - 50, x - 62) <= 12)
    other = np.hypot(y - 160, x - 160) <= 12
    labels = (3 * clump + 5 * other).astype(np.int32)
    return np.where(labels > 0, 180, 40).astype(np.uint8), labels


def request(model: str, **fields: object) -> Request:
    options = SegmentOptions(diameter=DIAMETER)
    return Request(**{"task": "segment", "model": model, "options": options, "device": "cpu", **fields})  # type: ignore[arg-type]


def corrected(*arguments: object, **fields: object) -> Corrected:
    *events, last = correct(*arguments, **fields)  # type: ignore[arg-type]
    assert any(isinstance(event, Progress) for event in events)
    assert isinstance(last, Corrected)
    return last


def put(labels: NDArray[np.int32], change: Corrected) -> NDArray[np.int32]:
    after = labels.copy()
    here = tuple(slice(*span) for span in change.region)
    np.testing.assert_array_equal(after[here], change.before)
    after[here] = change.after
    return after


CUT = Stroke(kind="cut", points=((30.0, 51.0), (70.0, 51.0)))


def test_a_cut_parts_one_object_and_leaves_all_others(segmenter: str) -> None:
    image, labels = scene()
    after = put(labels, corrected(request(segmenter), image, labels, CUT, fresh=6))
    assert set(np.unique(after)) == {0, 3, 5, 6}
    assert after[50, 40] != after[50, 62]
    np.testing.assert_array_equal(after > 0, labels > 0)
    np.testing.assert_array_equal(after == 5, labels == 5)


def test_the_window_holds_all_that_is_touched_and_not_the_whole_image(segmenter: str) -> None:
    image, labels = scene()
    change = corrected(request(segmenter), image, labels, CUT, fresh=6)
    (top, bottom), (left, right) = change.region
    assert left <= 28 - DIAMETER
    assert right >= 74 + DIAMETER
    assert (bottom, right) < (150, 150)
    assert top == 0


def test_a_locked_object_is_not_parted(segmenter: str) -> None:
    image, labels = scene()
    change = corrected(request(segmenter), image, labels, CUT, fresh=6, locked=[3])
    np.testing.assert_array_equal(change.after, change.before)


def test_a_stroke_over_two_objects_joins_them(segmenter: str) -> None:
    image, labels = scene()
    parted = np.where((labels == 3) & (np.arange(200) > 51), 4, labels).astype(np.int32)
    over = Stroke(kind="object", points=((50.0, 40.0), (50.0, 62.0)))
    after = put(parted, corrected(request(segmenter), image, parted, over, fresh=6))
    assert after[50, 40] == after[50, 62]
    np.testing.assert_array_equal(after == 5, labels == 5)
    assert not (after == 6).any()


def test_a_stroke_on_one_slice_of_a_stack_changes_that_slice(segmenter: str) -> None:
    image, labels = (np.stack([part] * 3) for part in scene())
    stroke = Stroke(kind="cut", points=tuple((1.0, *corner) for corner in CUT.points))
    change = corrected(request(segmenter, axes="ZYX"), image, labels, stroke, fresh=6)
    assert change.region[0] == (1, 2)
    after = put(labels, change)
    np.testing.assert_array_equal(after[[0, 2]], labels[[0, 2]])
    assert (after[1] == 6).any()


def test_an_image_in_colours_has_labels_without_them(segmenter: str) -> None:
    image, labels = scene()
    colours = np.stack([255 - image] * 3, axis=-1)
    options = SegmentOptions(diameter=DIAMETER, shown="stained")
    change = corrected(request(segmenter, axes="YXS", options=options), colours, labels, CUT, fresh=6)
    assert set(np.unique(put(labels, change))) == {0, 3, 5, 6}


def test_what_does_not_fit_is_said(segmenter: str) -> None:
    image, labels = scene()
    with pytest.raises(RequestError, match="diameter"):
        next(correct(request(segmenter, options=SegmentOptions()), image, labels, CUT, fresh=6))
    with pytest.raises(RequestError, match="labels of this image"):
        next(correct(request(segmenter), image, labels[:-1], CUT, fresh=6))
    outside = Stroke(kind="cut", points=((-9.0, 4.0),))
    with pytest.raises(RequestError, match="outside the image"):
        next(correct(request(segmenter), image, labels, outside, fresh=6))
    with pytest.raises(RequestError, match="corner of 3 numbers"):
        next(correct(request(segmenter), image, labels, Stroke(kind="cut", points=((0.0, 1.0, 2.0),)), fresh=6))
