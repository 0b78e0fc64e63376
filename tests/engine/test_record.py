"""A result's record can be read back, whatever it holds."""

from __future__ import annotations

import json

import numpy as np

from napari_microdiff.engine.events import Result
from napari_microdiff.engine.record import KEY, note, record
from napari_microdiff.engine.request import Request, build_request


def _result() -> Result:
    report = {"seconds": 0.5, "noise_level": [np.float32(2.5)], "device": np.dtype("uint8")}
    return Result(Request(model="denoise-em", seed=3), ((0, 4), (2, 6)), report=report)


def test_numbers_of_numpy_are_numbers_and_the_rest_is_text() -> None:
    facts = record(_result(), "mean", "actin")
    assert facts["report"] == {"seconds": 0.5, "noise_level": [2.5], "device": "uint8"}
    assert (facts["source"], facts["output"], facts["region"]) == ("actin", "mean", [[0, 4], [2, 6]])


def test_the_request_comes_back_from_a_files_description() -> None:
    inner = json.loads(note(_result(), "uncertainty", "a.tif"))[KEY]
    assert build_request(inner["request"]) == _result().request
