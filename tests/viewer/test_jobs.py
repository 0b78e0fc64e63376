from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QObject

from napari_microdiff.engine.events import Notice, Preview, Progress
from napari_microdiff.errors import ModelError
from napari_microdiff.viewer import jobs, worker
from napari_microdiff.viewer.jobs import Job
from napari_microdiff.viewer.worker import EventWorker, News

IMAGE = np.zeros((2, 2), np.float32)
LONG = 600_000


def collect(job: Job) -> dict[str, list[Any]]:
    """Note what a job says and in which thread."""
    heard: dict[str, list[Any]] = {"threads": []}

    def listen(name: str) -> Any:
        heard[name] = []

        def slot(*values: Any) -> None:
            heard[name].append(values[0] if values else None)
            heard["threads"].append(threading.current_thread())

        return slot

    for name in ("progressed", "noticed", "previewed", "done", "failed", "cancelled", "ended"):
        getattr(job, name).connect(listen(name))
    return heard


def run(qtbot: Any, job: Job) -> dict[str, list[Any]]:
    heard = collect(job)
    with qtbot.waitSignal(job.ended, timeout=LONG):
        job.start()
    return heard


def test_a_job_tells_how_far_it_is_and_what_came_out_on_the_gui_thread(qtbot: Any) -> None:
    def events() -> Any:
        yield Notice("smaller tiles")
        for done in (1, 2):
            time.sleep(0.15)
            yield Progress(done, 2)
        yield "the result"

    heard = run(qtbot, Job("Working", events))
    assert heard["done"] == ["the result"]
    assert heard["noticed"] == ["smaller tiles"]
    assert heard["progressed"][-1] == Progress(2, 2)
    assert (heard["failed"], heard["cancelled"], heard["ended"]) == ([], [], [None])
    assert set(heard["threads"]) == {threading.main_thread()}


def test_a_notice_right_before_the_end_is_not_lost(qtbot: Any) -> None:
    heard = run(qtbot, Job("Working", lambda: iter([Notice("mind the gap"), "result"])))
    assert heard["noticed"] == ["mind the gap"]
    assert heard["done"] == ["result"]


def test_cancel_closes_the_generator_in_its_own_thread_and_nothing_comes_out(qtbot: Any) -> None:
    closed: list[threading.Thread] = []
    after = threading.Event()

    def events() -> Any:
        try:
            yield Progress(1, 3)
            after.wait(LONG / 1000)
            yield Progress(2, 3)
            raise AssertionError("an evaluation was made after the job was cancelled")
        finally:
            closed.append(threading.current_thread())

    job = Job("Working", events)
    heard = collect(job)
    job.start()
    qtbot.wait(50)
    with qtbot.waitSignal(job.ended, timeout=LONG):
        job.cancel()
        after.set()
    assert closed
    assert closed[0] is not threading.main_thread()
    assert (heard["done"], heard["cancelled"], heard["failed"]) == ([], [None], [])


def test_cancel_after_the_last_event_still_drops_the_result(qtbot: Any) -> None:
    finished = threading.Event()

    def events() -> Any:
        yield "result"
        finished.set()

    job = Job("Working", events)
    heard = collect(job)
    with qtbot.waitSignal(job.ended, timeout=LONG):
        job.start()
        finished.wait(LONG / 1000)  # the GUI thread hears of nothing meanwhile
        job.cancel()
    assert heard["done"] == []
    assert heard["cancelled"] == [None]


def test_what_the_user_can_mend_is_told_in_words(qtbot: Any, notes: Any) -> None:
    def events() -> Any:
        yield Progress(1, 2)
        raise ModelError("The weights are corrupt. Get them again.")

    heard = run(qtbot, Job("Working", events))
    assert heard["failed"] == ["The weights are corrupt. Get them again."]
    assert notes() == ["The weights are corrupt. Get them again."]


def test_a_quiet_job_tells_its_panel_only(qtbot: Any, notes: Any) -> None:
    def events() -> Any:
        raise ModelError("The weights are corrupt. Get them again.")
        yield

    heard = run(qtbot, Job("Looking", events, quiet=True))
    assert heard["failed"] == ["The weights are corrupt. Get them again."]
    assert notes() == []


def test_a_bug_reaches_napari_with_its_traceback_and_the_job_ends(qtbot: Any) -> None:
    from napari.utils.notifications import notification_manager

    def events() -> Any:
        yield Progress(1, 2)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")  # which a GeneratorWorker would swallow

    heard = run(qtbot, Job("Working", events))
    error = notification_manager.records.pop().exception
    assert isinstance(error, RuntimeError)
    assert error.__traceback__ is not None
    assert heard["failed"] == ["Unexpected error (RuntimeError): mat1 and mat2 shapes cannot be multiplied"]
    assert heard["ended"] == [None]


def test_an_error_while_starting_is_an_error_of_the_job(qtbot: Any) -> None:
    def events() -> Any:
        raise ModelError("No such model. Choose another.")

    assert run(qtbot, Job("Working", events))["failed"] == ["No such model. Choose another."]


def test_previews_are_thinned_and_the_newest_of_each_place_wins(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PREVIEW_SHARE", 0)  # however long a busy computer takes to show one
    here, there = ((0, 2), (0, 2)), ((2, 4), (0, 2))

    def events() -> Any:
        for k in range(60):
            time.sleep(0.01)
            yield Preview(IMAGE + k, here)
            yield Preview(IMAGE - k, there)
        time.sleep(worker.PREVIEW_EVERY)
        yield Progress(1, 1)
        yield "result"

    started = time.monotonic()
    heard = run(qtbot, Job("Working", events))
    assert 1 <= len(heard["previewed"]) <= 1 + (time.monotonic() - started) / worker.PREVIEW_EVERY
    shown = {preview.region: preview.image[0, 0] for previews in heard["previewed"] for preview in previews}
    assert shown == {here: 59, there: -59}


def test_images_that_form_together_are_kept_apart(qtbot: Any) -> None:
    here = ((0, 2), (0, 2))

    def events() -> Any:
        for number in (0, 1, 0, 1):
            yield Preview(IMAGE + number, here, number)
        time.sleep(2 * worker.PREVIEW_EVERY)
        yield Progress(1, 1)
        yield "result"

    heard = run(qtbot, Job("Working", events))
    shown = [(preview.number, preview.image[0, 0]) for previews in heard["previewed"] for preview in previews]
    assert sorted(shown) == [(0, 0), (1, 1)]


def test_an_eager_job_shows_its_first_preview_at_once(qtbot: Any) -> None:
    seen = threading.Event()

    def events() -> Any:
        yield Preview(IMAGE, ((0, 2), (0, 2)))
        yield "shown" if seen.wait(LONG / 1000) else "waited in vain"

    job = Job("Working", events, eager=True)
    job.previewed.connect(lambda _: seen.set())
    assert run(qtbot, job)["done"] == ["shown"]


def test_the_worker_waits_until_a_preview_is_shown(qtbot: Any) -> None:
    shown = threading.Event()

    def events() -> Any:
        yield Preview(IMAGE, ((0, 2), (0, 2)))
        yield "waited" if shown.is_set() else "went on"

    def show(_: Any) -> None:
        time.sleep(0.1)
        shown.set()

    job = Job("Working", events, eager=True)
    job.previewed.connect(show)
    assert run(qtbot, job)["done"] == ["waited"]


def test_the_worker_waits_while_the_job_enters_the_activity_dock(
    qtbot: Any, bars: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "ENTERED_WITHIN_MS", 60_000)
    entering = threading.Event()
    make = jobs.cancelable_progress

    def slow(*arguments: Any, **named: Any) -> Any:
        entering.set()
        time.sleep(0.1)
        entering.clear()
        return make(*arguments, **named)

    def events() -> Any:
        met = False
        while not bars:
            time.sleep(0.01)
            yield Progress(1, 2)
            met = met or entering.is_set()
        yield "met" if met else "waited"

    monkeypatch.setattr(jobs, "cancelable_progress", slow)
    assert run(qtbot, Job("Working", events))["done"] == ["waited"]


def test_costly_previews_become_rarer() -> None:
    alone = EventWorker(lambda: iter(()))
    job = Job("Working", lambda: iter(()))
    job._worker = alone
    job.previewed.connect(lambda previews: time.sleep(0.1))
    job._on_news(News(previews={((0, 2),): Preview(IMAGE[0], ((0, 2),))}))
    assert alone.preview_every >= 1.2  # less than a tenth of the time is spent on showing


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[jobs.cancelable_progress]:
    """The bars that jobs put into the activity dock, at once."""
    made: list[jobs.cancelable_progress] = []

    class Bar(jobs.cancelable_progress):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            made.append(self)

    monkeypatch.setattr(jobs, "cancelable_progress", Bar)
    monkeypatch.setattr(jobs, "SHOWN_AFTER_MS", 0)
    monkeypatch.setattr(jobs, "ENTERED_WITHIN_MS", 0)
    return made


def test_what_is_over_within_a_moment_does_not_enter_the_activity_dock(
    qtbot: Any, bars: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SHOWN_AFTER_MS", 60_000)

    def events() -> Any:
        for done in range(1, 11):
            time.sleep(0.05)
            yield Progress(done, 10)
        yield "result"

    assert run(qtbot, Job("Correcting actin", events))["done"] == ["result"]
    assert not bars


def test_a_job_that_ends_while_it_enters_the_activity_dock_leaves_nothing_there(
    qtbot: Any, bars: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make, entered = jobs.cancelable_progress, threading.Event()

    def slow(*arguments: Any, **named: Any) -> Any:
        bar = make(*arguments, **named)
        entered.set()
        qtbot.waitUntil(lambda: job.over, timeout=LONG)
        return bar

    def events() -> Any:
        yield Progress(1, 2)
        entered.wait(LONG / 1000)
        yield "result"

    job = Job("Working", events)
    monkeypatch.setattr(jobs, "cancelable_progress", slow)
    heard = collect(job)
    job.start()
    qtbot.waitUntil(lambda: bool(heard["ended"]), timeout=LONG)
    qtbot.waitUntil(lambda: [bar.disable for bar in bars] == [True], timeout=LONG)


def test_the_activity_dock_shows_a_job_until_it_ends(qtbot: Any, bars: list[Any]) -> None:
    seen: list[tuple[str, int, int]] = []

    def events() -> Any:
        for done in range(1, 11):
            time.sleep(0.05)
            yield Progress(done, 10)
        yield "result"

    job = Job("Denoising actin", events)
    job.progressed.connect(lambda _: seen.extend((bar.desc, bar.n, bar.total) for bar in bars))
    run(qtbot, job)
    assert any(desc.startswith("Denoising actin") and 0 < n <= 10 == total for desc, n, total in seen)
    qtbot.waitUntil(lambda: [bar.disable for bar in bars] == [True], timeout=LONG)  # closed


def test_cancel_in_the_activity_dock_cancels(qtbot: Any, bars: list[Any]) -> None:
    def events() -> Any:
        for done in range(1000):
            time.sleep(0.01)
            yield Progress(done, 1000)

    job = Job("Working", events)
    heard = collect(job)
    with qtbot.waitSignal(job.ended, timeout=LONG):
        job.start()
        qtbot.waitUntil(lambda: bool(bars), timeout=LONG)
        bars[0].cancel()
    assert heard["cancelled"] == [None]


def test_a_job_goes_with_its_panel(qtbot: Any, bars: list[Any]) -> None:
    closed = threading.Event()

    def events() -> Any:
        try:
            for done in range(1000):
                time.sleep(0.01)
                yield Progress(done, 1000)
        finally:
            closed.set()

    panel = QObject()
    Job("Working", events, panel).start()
    qtbot.waitUntil(lambda: bool(bars), timeout=LONG)
    panel.deleteLater()
    qtbot.waitUntil(closed.is_set, timeout=LONG)
    qtbot.waitUntil(lambda: bars[0].disable, timeout=LONG)
