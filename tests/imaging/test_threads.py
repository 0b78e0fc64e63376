"""Parts are done side by side, and come out in order."""

from __future__ import annotations

import os
import threading

import pytest

from napari_microdiff.imaging.threads import in_threads


@pytest.fixture(params=[1, 3])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    count: int = request.param
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(count)), raising=False)
    return count


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_results_come_in_the_order_of_the_parts(cores: int, count: int) -> None:
    with in_threads(lambda part: part * part, range(count)) as results:
        assert list(results) == [part * part for part in range(count)]


def test_parts_are_done_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    both = threading.Barrier(2, timeout=60)
    with in_threads(lambda part: both.wait() >= 0, range(2)) as results:
        assert all(results)


def test_an_error_comes_at_its_turn(cores: int) -> None:
    with in_threads(lambda part: 1 // part, [2, 1, 0, 1]) as results:
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_what_was_not_begun_is_left_out(cores: int) -> None:
    begun: list[int] = []
    go_on = threading.Event()

    def wait(part: int) -> None:
        begun.append(part)
        if part:
            go_on.wait(60)

    with in_threads(wait, range(100)) as results:
        next(results)
        threading.Timer(0.2, go_on.set).start()  # while the block is being left
    assert len(begun) <= 2 * cores + 1
