"""What a request takes: steps, samples, and time once a job has told how fast the machine is."""

from __future__ import annotations

import sys

from ..engine.prior import enough
from ..engine.request import Request
from ..errors import MicrodiffError
from . import words


def carried_out(request: Request, *, by_prior: bool) -> Request:
    """Return what is spent on a request, which for a model that knows images only is more than was asked for."""
    return enough(request)[0] if by_prior else request


def cost(request: Request, shape: tuple[int, ...] | None, pace: float | None) -> str:
    """Say what is spent on a request.

    Parameters
    ----------
    shape : tuple of int, optional
        Of the image.
    pace : float, optional
        Seconds per unit of work.
    """
    many = "sample" in request.outputs or request.samples > 1
    steps = request.steps if many else 1
    text = words.count(steps, "step") + (f", {request.samples} samples" if request.samples > 1 and steps > 1 else "")
    tasks = sys.modules.get("napari_microdiff.tasks")  # imported by the first job, not for a line of text
    if shape is None or pace is None or tasks is None or not hasattr(tasks, "count_work"):
        return text
    try:
        return f"{text}, about {words.duration(pace * tasks.count_work(request, shape))}"
    except MicrodiffError:
        return text
