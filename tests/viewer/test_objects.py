from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from wrapt import ObjectProxy

from napari_microdiff.viewer.objects import (
    colour_by_confidence,
    features_of,
    has_confidence,
    is_coloured_by_confidence,
)


def layer(*confidence: float) -> Labels:
    count = len(confidence)
    numbers = np.arange(1, count + 1)
    objects = {"label": numbers, "area": np.full(count, 4), "confidence": np.array(confidence)}
    return Labels(np.repeat(numbers, 4).reshape(count, 4), features=features_of(objects))


def test_every_object_has_a_row_that_starts_as_the_model_made_it() -> None:
    features = layer(0.5, 0.9).features
    assert features["index"].tolist() == [1, 2]
    assert features["area"].tolist() == [4, 4]
    assert features["state"].tolist() == ["auto", "auto"]


def test_there_may_be_no_objects() -> None:
    empty = Labels(np.zeros((4, 4), int), features=features_of({"label": [], "area": [], "confidence": []}))  # type: ignore[dict-item]
    assert len(empty.features) == 0
    assert not has_confidence(empty)
    colour_by_confidence(empty, True)


@pytest.mark.parametrize(("confidence", "known"), [((np.nan, np.nan), False), ((np.nan, 0.7), True)])
def test_confidence_is_known_if_any_object_has_one(confidence: tuple[float, ...], known: bool) -> None:
    assert has_confidence(layer(*confidence)) == known


def test_doubtful_objects_are_orange_sure_ones_blue_and_unknown_ones_grey() -> None:
    labels = layer(0.1, 1.0, np.nan)
    own = [labels.get_color(label) for label in (1, 2, 3)]
    colour_by_confidence(labels, True)
    assert is_coloured_by_confidence(labels)
    doubtful, sure, unknown = (np.asarray(labels.get_color(label)) for label in (1, 2, 3))
    assert doubtful[0] > 0.9 > 0.2 > doubtful[2]
    assert sure[2] > 0.9 > 0.4 > sure[0]
    assert np.ptp(unknown[:3]) < 0.01
    assert np.asarray(labels.get_color(99))[3] == 1  # drawn by hand later on
    colour_by_confidence(labels, False)
    assert not is_coloured_by_confidence(labels)
    np.testing.assert_allclose([labels.get_color(label) for label in (1, 2, 3)], own)


def test_colours_of_somebody_else_are_not_taken_for_ours_and_come_back() -> None:
    labels = layer(0.1, 1.0)
    theirs = DirectLabelColormap(color_dict={1: "red", 2: "lime", 0: "transparent", None: "transparent"})
    labels.colormap = theirs
    assert not is_coloured_by_confidence(labels)
    for _ in range(2):
        colour_by_confidence(labels, True)
        colour_by_confidence(labels, True)  # once more, with what is known now
        assert is_coloured_by_confidence(labels)
        colour_by_confidence(labels, False)
        assert labels.colormap == theirs
    colour_by_confidence(labels, False)
    assert labels.colormap == theirs


def test_colours_come_back_though_each_time_another_proxy_of_the_layer_is_given() -> None:
    labels = layer(0.1, 1.0)
    theirs = labels.colormap = DirectLabelColormap(color_dict={1: "red", 0: "transparent", None: "lime"})
    colour_by_confidence(ObjectProxy(labels), True)
    colour_by_confidence(ObjectProxy(labels), False)
    assert labels.colormap == theirs


def test_a_worker_imports_what_the_first_labels_layer_would_import() -> None:
    code = """
import sys
import numpy as np
from napari.layers import Labels
from napari_microdiff.viewer.objects import import_tables
import_tables()
before = set(sys.modules)
Labels(np.ones((2, 2), int), features={"index": [1]})
slow = {name.partition(".")[0] for name in set(sys.modules) - before} & {"pandas"}
sys.exit(f"{slow} came with the layer" if slow else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
