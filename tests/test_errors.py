"""What libraries say of wrong values is said as people would."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from napari_microdiff.errors import problem_of


class Asked(BaseModel, extra="forbid"):
    count: int = Field(default=1, ge=1, le=8)
    share: float = Field(default=0.5, gt=0, lt=1, allow_inf_nan=False)
    kind: Literal["a", "b"] = "a"
    name: str = ""
    pair: tuple[float, float] = (0, 1)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("count", 0, "count must be at least 1"),
        ("count", 9, "count must be at most 8"),
        ("count", "q", "count must be a whole number"),
        ("count", 1.5, "count must be a whole number"),
        ("share", 0, "share must be more than 0"),
        ("share", 1, "share must be less than 1"),
        ("share", [], "share must be a number"),
        ("share", float("nan"), "share must be a finite number"),
        ("kind", "c", "kind must be 'a' or 'b'"),
        ("name", 3, "name must be text"),
        ("pair", [1], "pair.1 is missing"),
        ("size", 1, "size is not known here"),
    ],
)
def test_what_pydantic_says(field: str, value: Any, said: str) -> None:
    with pytest.raises(ValidationError) as told:
        Asked.model_validate({field: value})
    (fault,) = told.value.errors()
    assert problem_of(".".join(str(part) for part in fault["loc"]), fault["msg"]) == said


def test_what_our_own_validators_say() -> None:
    assert problem_of("psf", "Value error, give one of them") == "psf: give one of them"
