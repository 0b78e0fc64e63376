"""What the tests of the tasks share: a short way to run a request on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from napari_microdiff.engine.events import Event, Result
from napari_microdiff.engine.request import Request
from napari_microdiff.tasks import run


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Keep torch from waking a thread for every small tensor, which costs more than the arithmetic."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def ask(tiny_model: str) -> Callable[..., Request]:
    """Make a request to the tiny model."""

    def make(**fields: Any) -> Request:
        return Request.model_validate({"model": tiny_model, "device": "cpu", "precision": "float32", **fields})

    return make


@pytest.fixture
def events(ask: Callable[..., Request]) -> Callable[..., list[Event]]:
    """Run a request to its end and return all events."""
    return lambda image, **fields: list(run(ask(**fields), image))


@pytest.fixture
def result(events: Callable[..., list[Event]]) -> Callable[..., Result]:
    """Run a request to its end and return what was made."""
    return lambda image, **fields: events(image, **fields)[-1].result
