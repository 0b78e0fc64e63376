"""Doing the same to many parts of an image, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_Part = TypeVar("_Part")
_Made = TypeVar("_Made")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def in_threads(do: Callable[[_Part], _Made], parts: Sequence[_Part]) -> Iterator[Iterator[_Made]]:
    """Begin to do something to each part, in threads, and give what comes of it in the order of the parts.

    It helps where most of the time is spent in numpy, scipy or scikit-image, which let other threads run meanwhile.
    When the block is left early, parts that were not begun are left out.

    Parameters
    ----------
    do : callable
        Must not depend on what was done to other parts.
    parts : sequence
        What it is given, one at a time.

    Yields
    ------
    iterator
        Of the results. An error is raised when the turn of its part comes.
    """
    count = min(usable_cores(), len(parts))
    if count < 2:
        yield map(do, parts)
        return
    pool = ThreadPoolExecutor(count, thread_name_prefix="microdiff-part")
    try:
        yield pool.map(do, parts)
    finally:
        pool.shutdown(cancel_futures=True)
