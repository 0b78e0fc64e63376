"""What is spent at least where a model knows images only, and draws all that it is asked for by samples."""

from __future__ import annotations

from .request import Request

_FEWEST_STEPS, _MEAN_OF, _SPREAD_OF = 8, 4, 8  # steps; samples that a mean and a spread are made of


def enough(request: Request) -> tuple[Request, list[str]]:
    """Return the request with as many steps and samples as a prior needs, and what has to be said about that."""
    told: list[str] = []
    changes: dict[str, float] = {}
    if request.steps < _FEWEST_STEPS:
        changes["steps"] = _FEWEST_STEPS
        told.append(f"This model knows images only, not this task: it was given {_FEWEST_STEPS} steps.")
    wanted = _SPREAD_OF if "uncertainty" in request.outputs else _MEAN_OF if "mean" in request.outputs else 1
    if request.samples < wanted:
        changes["samples"] = wanted
        told.append(f"Its mean and uncertainty are those of samples: {wanted} were drawn.")
    if request.guidance:
        changes["guidance"] = 0.0
        told.append("It is told nothing that it could be guided by: guidance was left out.")
    return request.model_copy(update=changes), told
