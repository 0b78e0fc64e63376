"""What the tests of the viewer share."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import napari.settings
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.utils.notifications import notification_manager

from napari_microdiff.engine.events import Done, Preview, Progress, Result
from napari_microdiff.engine.request import Request
from napari_microdiff.viewer.layers import LayerSource, result_layers


@pytest.fixture(autouse=True)
def settings_of_its_own(request: pytest.FixtureRequest) -> None:
    """No test reads or changes what the user likes; napari knows no plugin unless a test registers one."""
    if hasattr(napari.settings, "get_plugin_settings"):  # napari 0.9 and later
        request.getfixturevalue("plugin_settings")


@pytest.fixture(autouse=True, scope="module")
def modules_are_no_garbage() -> None:
    """Spare the collections of garbage after every viewer the hundred thousands of objects that live to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def notes() -> Iterator[Callable[[], list[str]]]:
    """Messages that napari was asked to show since the test began."""
    first = len(notification_manager.records)
    yield lambda: [record.message for record in notification_manager.records[first:]]
    del notification_manager.records[first:]


@pytest.fixture(autouse=True)
def layers_belong_to_the_gui_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail any test in which a layer is touched off the GUI thread.

    Reading ``layer.data`` counts too: without it nobody can write into a layer's array in place, and napari's own
    guard does not see such writes.
    """
    wrong: list[str] = []

    def check(what: str) -> None:
        if threading.current_thread() is not threading.main_thread():
            wrong.append(what)

    data = Image.data

    def read(layer: Image) -> Any:
        check(f"read the data of {layer.name}")
        return data.fget(layer)

    def write(layer: Image, value: Any) -> None:
        check(f"wrote the data of {layer.name}")
        data.fset(layer, value)

    def set_attribute(layer: Image, name: str, value: Any) -> None:
        check(f"set {name}")
        object.__setattr__(layer, name, value)

    monkeypatch.setattr(Image, "data", property(read, write))
    monkeypatch.setattr(Image, "__setattr__", set_attribute)
    yield
    assert not wrong, wrong


def add_results(viewer: ViewerModel, source: LayerSource, result: Result) -> list[Layer]:
    """Add the layers of a result at once and select the lowest of them, which is the one that shows."""
    layers = [viewer.add_layer(new.make()) for new in result_layers(viewer, source, result)]
    viewer.layers.selection.active = layers[0]
    return layers


def result_of(array: Any, request: Request, **report: Any) -> Result:
    """A result as a task would make it: the mean is the region plus one, the uncertainty is constant."""
    region = request.region or tuple((0, int(n)) for n in array.shape)
    part = np.asarray(array[tuple(slice(*span) for span in region)], np.float32)
    made = {"mean": part + 1, "sample": part + 2, "uncertainty": np.full_like(part, 3)}
    return Result(request=request, region=region, report=report, **{k: made[k] for k in request.outputs})


def events_of(array: Any, request: Request, seen: list[str] | None = None) -> Iterator[Any]:
    """Real events as a task yields them, without a network."""
    result = result_of(array, request, seconds=0.1, device="cpu")
    try:
        for done in range(1, 4):
            yield Progress(done, 3, seconds_left=0.1 * (3 - done))
            yield Preview(next(iter(result.images().values())), result.region)
        yield Done(result)
    finally:
        if seen is not None:
            seen.append(threading.current_thread().name)
