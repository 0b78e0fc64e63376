"""The learning rate rises, falls, and ends at nothing."""

from __future__ import annotations

import pytest

from napari_microdiff.training.rate import rate_at


@pytest.mark.parametrize(
    ("step", "portion", "expected"),
    [(1, 0.0, 0.1), (5, 0.0, 0.5), (10, 0.0, 1.0), (10, 0.5, 0.5), (5, 0.5, 0.25), (99, 1.0, 0.0), (99, 1.7, 0.0)],
)
def test_the_rate_at_a_step(step: int, portion: float, expected: float) -> None:
    assert rate_at(step, portion, 10) == pytest.approx(expected)
