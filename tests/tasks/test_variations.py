"""Several images that form together: each is what its seed makes alone, and a judge looks at all of them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from skimage.draw import disk

from napari_microdiff.engine.events import Done, Notice, Preview, Progress
from napari_microdiff.engine.request import Request, build_request
from napari_microdiff.errors import ModelError, RequestError
from napari_microdiff.tasks import run
from napari_microdiff.tasks.judge import Judge
from napari_microdiff.tasks.variations import Variations, variations

SHAPE = (64, 80)


def mask() -> np.ndarray:
    labels = np.zeros(SHAPE, np.int32)
    for number, middle in enumerate([(20, 20), (40, 55)], start=1):
        labels[disk(middle, 10)] = number
    return labels


def request_for(model: str, **fields: Any) -> Request:
    settings = {"task": "synthesize", "model": model, "device": "cpu", "precision": "float32", "steps": 3, "seed": 5}
    return build_request({**settings, **fields})


def test_images_form_together_and_are_those_of_their_seeds(painter: str) -> None:
    request = request_for(painter)
    *events, last = variations(request, mask(), 3)
    assert isinstance(last, Variations)
    for number, variation in enumerate(last.all):
        alone = [e for e in run(request.model_copy(update={"seed": 5 + number}), mask()) if isinstance(e, Done)]
        assert variation.result.request.seed == 5 + number
        np.testing.assert_array_equal(variation.result.sample, alone[0].result.sample)
        assert variation.reasons == ()
    shown = [event.number for event in events if isinstance(event, Preview)]
    assert shown[:3] == [0, 1, 2]  # none is finished before all have begun
    progress = [event for event in events if isinstance(event, Progress)]
    assert (progress[-1].done, progress[-1].total) == (9, 9)
    assert all(a.done <= b.done for a, b in itertools.pairwise(progress))
    assert {event.total for event in progress} == {9}


def test_what_concerns_all_is_told_once(painter: str) -> None:
    request = request_for(painter, steps=1, samples=2)
    notices = [event.message for event in variations(request, mask(), 3) if isinstance(event, Notice)]
    assert len(notices) == 1
    assert "One step" in notices[0]


def test_each_is_judged_in_the_part_that_was_drawn(painter: str, segmenter: str) -> None:
    judge = Judge(segmenter=segmenter, device="cpu")
    stack = np.stack([np.zeros(SHAPE, np.int32), mask()])
    request = request_for(painter, axes="ZYX", region=((1, 2), (0, 64), (0, 80)))
    *events, last = variations(request, stack, 2, judge=judge)
    assert isinstance(last, Variations)
    shown = [event.region for event in events if isinstance(event, Preview)]
    assert shown
    assert set(shown) == {request.region}  # what the judge sees of an image is none of the images
    assert all(variation.scores.mask is not None for variation in last.all)
    assert [judge.limits.reasons(variation.scores) for variation in last.all] == [v.reasons for v in last.all]
    assert last.all[0].result.sample.shape == (1, *SHAPE)
    with pytest.raises(RequestError, match="one plane"):
        next(variations(request.model_copy(update={"region": None}), stack, 2, judge=judge))


def test_closing_it_stops_all(painter: str) -> None:
    events = variations(request_for(painter), mask(), 2)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert list(events) == []


def test_what_cannot_be_drawn_is_refused(painter: str) -> None:
    with pytest.raises(RequestError, match="At least one"):
        next(variations(request_for(painter), mask(), 0))
    with pytest.raises(RequestError, match="not by 'denoise'"):
        next(variations(Request(), mask(), 2))
    with pytest.raises(ModelError, match="no-such"):
        next(variations(request_for(painter), mask(), 1, judge=Judge(segmenter="no-such")))
