"""Garbage and turns while jobs run."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from napari_microdiff.viewer import courtesy as module
from napari_microdiff.viewer import jobs
from napari_microdiff.viewer.courtesy import Courtesy
from napari_microdiff.viewer.jobs import Job


class Knot:
    """An object that only the collector of garbage can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def courtesy(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Courtesy]:
    """One of its own that leaves at once, in an interpreter as it is outside of tests."""
    module.courtesy().leave()  # after a job of a test before
    frozen, turn = gc.get_freeze_count() > 0, sys.getswitchinterval()
    gc.unfreeze()
    monkeypatch.setattr(module, "LINGER_MS", 0)
    one = Courtesy()
    monkeypatch.setattr(jobs, "courtesy", lambda: one)
    yield one
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    assert sys.getswitchinterval() == turn
    if frozen:
        gc.freeze()


def left(qtbot: Any) -> None:
    """Wait until Python is in charge again."""
    qtbot.waitUntil(gc.isenabled)


def test_garbage_that_a_worker_makes_is_collected_on_the_gui_thread(qtbot: Any, courtesy: Courtesy) -> None:
    collected: list[threading.Thread] = []
    ended = threading.Event()

    def note(phase: str, _: dict[str, int]) -> None:
        collected.append(threading.current_thread())

    def events() -> Any:
        knots = []
        while not ended.is_set() and len(collected) < 4:
            knots = [Knot() for _ in range(2000)]
            weakref.finalize(knots[0], ended.set)
        yield from ()

    gc.callbacks.append(note)
    try:
        job = Job("Making knots", events)
        with qtbot.waitSignal(job.ended):
            job.start()
    finally:
        gc.callbacks.remove(note)
    assert ended.is_set()
    assert set(collected) == {threading.main_thread()}
    left(qtbot)


def test_turns_are_short_while_a_job_runs(qtbot: Any, courtesy: Courtesy) -> None:
    turns: list[float] = []

    def events() -> Any:
        turns.append(sys.getswitchinterval())
        yield from ()

    job = Job("Looking", events)
    with qtbot.waitSignal(job.ended):
        job.start()
    left(qtbot)
    assert turns == [pytest.approx(module.TURN)]


@pytest.mark.parametrize(
    "calls", [("begin", "begin", "end"), ("begin", "end", "begin")], ids=["two at a time", "one while it lingers"]
)
def test_it_stays_until_the_last_of_several_jobs_has_ended(
    qtbot: Any, courtesy: Courtesy, calls: tuple[str, ...]
) -> None:
    for call in calls:
        getattr(courtesy, call)()
    qtbot.wait(30)
    assert not gc.isenabled()
    courtesy.end()
    left(qtbot)


def test_a_job_whose_panel_was_closed_counts_until_its_worker_ends(qtbot: Any, courtesy: Courtesy) -> None:
    go_on = threading.Event()

    def events() -> Any:
        go_on.wait(10)
        yield from ()

    job = Job("Working", events)
    job.start()
    job.deleteLater()
    del job
    qtbot.wait(30)
    assert not gc.isenabled()
    go_on.set()
    left(qtbot)


def test_nothing_is_swept_before_python_would_have(courtesy: Courtesy) -> None:
    gc.collect()
    knot = weakref.ref(Knot())
    courtesy.sweep()
    assert knot() is not None


def test_in_a_long_job_what_is_old_is_laid_aside_and_what_is_new_is_collected(
    qtbot: Any, courtesy: Courtesy, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Knot()
    gone = weakref.ref(old)
    courtesy.begin()
    monkeypatch.setattr(module, "LONG", 0.0)
    _sweep_often(courtesy)
    assert gc.get_freeze_count() > 0
    new = Knot()
    gc.collect(1)  # so that only a full collection finds it
    new_gone = weakref.ref(new)
    del old, new
    _sweep_often(courtesy)
    assert new_gone() is None
    assert gone() is not None
    courtesy.end()
    left(qtbot)
    gc.collect()
    assert gone() is None


def test_who_does_without_collections_goes_on_to(qtbot: Any, courtesy: Courtesy) -> None:
    gc.disable()
    try:
        courtesy.begin()
        courtesy.end()
        qtbot.wait(30)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_somebody_else_laid_aside_stays_there(
    qtbot: Any, courtesy: Courtesy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONG", 0.0)
    gc.freeze()
    before = gc.get_freeze_count()
    courtesy.begin()
    _sweep_often(courtesy)
    courtesy.end()
    left(qtbot)
    after = gc.get_freeze_count()
    gc.unfreeze()
    assert after == pytest.approx(before, abs=50)  # those that were freed meanwhile


def _sweep_often(courtesy: Courtesy) -> None:
    for _ in range(3):
        keep = [Knot() for _ in range(2000)]
        courtesy.sweep()
        del keep
