"""The thread of a job, without the job."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_microdiff.engine.events import Preview, Progress
from napari_microdiff.viewer import worker
from napari_microdiff.viewer.worker import EventWorker

IMAGE = np.zeros((2, 2), np.float32)


def test_the_worker_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SHOWN_WITHIN", 0.01)
    alone = EventWorker(lambda: iter([Preview(IMAGE, ((0, 2), (0, 2))), "result"]))
    alone.eager = True
    assert alone.work() == "result"  # though nobody listens


def test_the_pace_is_that_of_evaluations_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    alone, moments = EventWorker(lambda: iter(())), iter((5.0, 6.0, 7.0, 99.0))
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    for done in (1, 2, 3, 3):
        alone._keep_pace(Progress(done, 3))
    assert alone.seconds_per_evaluation == 1.0
