"""After an edit its surroundings are drawn anew: at once roughly, then in full, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from skimage.draw import disk

from napari_microdiff.engine.events import Preview, Progress
from napari_microdiff.engine.request import build_request
from napari_microdiff.imaging.changes import around, changed_box
from napari_microdiff.imaging.mask_edits import move
from napari_microdiff.tasks import synthesize
from napari_microdiff.tasks.redraw import Redrawn, redraw


def test_a_look_comes_first_and_the_whole_in_the_end(make_painter: Callable[..., str]) -> None:
    name = make_painter()
    before = np.zeros((96, 128), np.int32)
    before[disk((40, 40), 9)] = 1
    before[disk((60, 90), 9)] = 2
    fields = {"model": name, "device": "cpu", "precision": "float32", "steps": 4, "seed": 3, "axes": "YX"}
    drawn = synthesize(before, **fields)
    after = move(before, 1, (6, 0)).applied_to(before)
    changed = changed_box(before, after)
    assert changed is not None
    *events, last = redraw(drawn.request, after, drawn.sample, changed)
    assert isinstance(last, Redrawn)
    assert last.region == around(changed, "YX", before.shape)
    part = tuple(slice(*span) for span in last.region)
    assert last.image.shape == before[part].shape
    assert np.abs(last.image - drawn.sample[part]).max() > 1
    previews = [number for number, event in enumerate(events) if isinstance(event, Preview)]
    counted = [number for number, event in enumerate(events) if isinstance(event, Progress)]
    assert previews[0] < counted[0]
    assert {event.region for event in events if isinstance(event, Preview)} == {last.region}
    other = drawn.sample.copy()
    other[part] = -1e4  # is not looked at
    *_, again = redraw(drawn.request, after, other, changed)
    np.testing.assert_array_equal(again.image, last.image)  # type: ignore[union-attr]


def test_one_step_is_a_look_already(make_painter: Callable[..., str]) -> None:
    labels = np.zeros((64, 64), np.int32)
    labels[20:30, 20:30] = 1
    request = build_request(
        {"task": "synthesize", "model": make_painter(), "device": "cpu", "steps": 1, "axes": "YX", "seed": 1}
    )
    events = list(redraw(request, labels, np.zeros((64, 64), np.float32), ((20, 30), (20, 30))))
    assert sum(isinstance(event, Preview) for event in events) == 1
    assert isinstance(events[-1], Redrawn)
