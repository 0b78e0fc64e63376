"""What is counted beforehand is what is done."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_microdiff.diffusion.denoiser import Preconditioned
from napari_microdiff.engine.events import Progress
from napari_microdiff.tasks import count_evaluations, count_work
from napari_microdiff.tasks.counting import PIXELS_BESIDE


@pytest.mark.parametrize(
    ("shape", "fields"),
    [
        ((96, 112), {}),
        ((96, 112), {"steps": 4, "outputs": ("sample",)}),
        ((96, 112), {"steps": 8, "outputs": ("mean", "uncertainty")}),
        ((96, 112), {"steps": 4, "samples": 2, "tile": 32}),
        ((96, 112), {"steps": 3, "sampler": "ddpm", "outputs": ("sample",)}),
        ((96, 112), {"steps": 6, "sampler": "heun", "outputs": ("sample",)}),
        ((5, 40, 44), {"axes": "ZYX"}),
        ((2, 5, 40, 44), {"steps": 2, "samples": 2}),
        ((96, 112), {"region": ((50, 96), (10, 90)), "tile": 32}),
        ((96, 112), {"region": ((60, 92), (30, 34)), "tile": 32}),
    ],
)
def test_evaluations_are_counted_beforehand(shape, fields, events, ask):
    rng = np.random.default_rng(0)
    image = rng.normal(100, 10, shape)
    happened = events(image, **fields)
    assert count_evaluations(ask(**fields), shape) == sum(isinstance(event, Progress) for event in happened)


@pytest.fixture
def seen(monkeypatch):
    """Return how many pixels networks have been shown, and those that stand for what else a tile takes."""
    shown, forward = [], Preconditioned.forward

    def count(denoiser, x, *more):
        shown.append(x.shape[0] * (math.prod(x.shape[2:]) + PIXELS_BESIDE))
        return forward(denoiser, x, *more)

    monkeypatch.setattr(Preconditioned, "forward", count)
    return lambda: sum(shown)


@pytest.mark.parametrize(
    ("shape", "fields"),
    [
        ((96, 112), {"steps": 4, "samples": 2, "tile": 32}),
        ((2, 5, 41, 43), {"steps": 2, "outputs": ("sample",)}),
        ((256, 240), {"region": ((50, 96), (10, 90)), "tile": 32}),
        ((256, 240), {"region": ((50, 96), (10, 90)), "steps": 3, "outputs": ("sample",)}),
    ],
)
def test_work_is_counted_beforehand(shape, fields, events, ask, seen):
    events(np.random.default_rng(0).normal(100, 10, shape), **fields)
    assert count_work(ask(**fields), shape) == seen()


@pytest.mark.parametrize(
    ("shape", "fields"),
    [
        ((3, 24, 40), {}),
        ((18, 40, 20), {"steps": 2, "outputs": ("sample",), "tile": 32}),
        ((3, 120, 130), {"region": ((1, 3), (8, 16), (50, 60))}),
    ],
)
def test_the_work_on_volumes_is_that_on_planes_from_both_sides(shape, fields, events, ask, slicer, seen):
    asked = {"task": "isotropic", "model": slicer, "axes": "ZYX", "outputs": ("mean",), **fields}
    events(np.random.default_rng(0).normal(100, 10, shape), **asked)
    assert count_work(ask(**asked), shape) == seen()
