"""What a model that knows images only is given."""

from __future__ import annotations

import pytest

from napari_microdiff.engine.options import SuperresolveOptions
from napari_microdiff.engine.prior import enough
from napari_microdiff.engine.request import Request


@pytest.mark.parametrize(
    ("outputs", "steps", "samples", "expected"),
    [
        (("sample",), 12, 1, (12, 1)),
        (("sample",), 1, 1, (8, 1)),
        (("mean",), 1, 1, (8, 4)),
        (("mean", "sample"), 20, 6, (20, 6)),
        (("mean", "uncertainty"), 8, 1, (8, 8)),
    ],
)
def test_a_prior_is_given_the_steps_and_samples_that_it_needs(outputs, steps, samples, expected):
    options = SuperresolveOptions(factor=3)
    asked = Request(task="superresolve", outputs=outputs, steps=steps, samples=samples, options=options)
    request, told = enough(asked)
    assert (request.steps, request.samples) == expected
    assert len(told) == (steps != expected[0]) + (samples != expected[1])


def test_guidance_is_left_out_and_that_is_said():
    request, told = enough(Request(task="superresolve", outputs=("sample",), steps=8, guidance=1.5))
    assert request.guidance == 0
    assert len(told) == 1
    assert "guidance" in told[0]
