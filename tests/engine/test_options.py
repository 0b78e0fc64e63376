"""What one task needs to know is refused where it makes no sense."""

from __future__ import annotations

from typing import Any

import pytest

from napari_microdiff.engine.options import Stroke
from napari_microdiff.engine.request import build_request
from napari_microdiff.errors import RequestError


@pytest.mark.parametrize(
    ("task", "options", "said"),
    [
        ("synthesize", {"levels": (float("-inf"), 5)}, "both finite"),
        ("synthesize", {"levels": (5, 5)}, "below the upper"),
        ("denoise", {"noise_level": 1e300}, "noise_level"),
        ("superresolve", {"noise_level": 1e300}, "noise_level"),
        ("segment", {"strokes": [{"kind": "cut", "points": [[float("nan"), 3.0]]}]}, "finite"),
    ],
)
def test_numbers_that_lead_nowhere_are_refused(task: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        build_request({"task": task, "options": options})


def test_a_stroke_of_numbers_is_taken() -> None:
    assert Stroke(kind="cut", points=[[1, 2.5]]).points == ((1.0, 2.5),)
