"""What the tests of the tasks share: a short way to run a request on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from napari_microdiff.engine.events import Event, Result
from napari_microdiff.engine.request import Request
from napari_microdiff.tasks import run


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """Small tensors everywhere in here."""


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
