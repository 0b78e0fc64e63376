"""Windows show accepted objects and nothing that nobody accepted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from napari_microdiff.files.windows import LARGEST, MARGIN, Window, cut_window, halves, largest_rectangle, windows


def discs(shape: tuple[int, int] = (400, 600), step: int = 40, radius: int = 8) -> NDArray[np.int64]:
    """Return discs on a grid, numbered row by row."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = np.hypot(y % step - step // 2, x % step - step // 2) <= radius
    return np.where(inside, y // step * (shape[1] // step) + x // step + 1, 0)


def overlap(first: Window, second: Window) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(first, second, strict=True))


@given(free=arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_the_largest_rectangle_is_that_of_trying_all(free: NDArray[np.bool_]) -> None:
    def spans(n: int) -> list[slice]:
        return [slice(a, b) for a, b in itertools.combinations(range(n + 1), 2)]

    best = max(free[box].sum() * free[box].all() for box in itertools.product(*map(spans, free.shape)))
    rows, columns = largest_rectangle(free)
    assert free[rows, columns].all()
    assert (rows.stop - rows.start) * (columns.stop - columns.start) == best


def test_a_plane_of_accepted_objects_is_taken_whole() -> None:
    plane = discs()
    assert windows(plane[:, :500], plane[:, :500] > 0) == [(slice(0, 400), slice(0, 500))]
    assert windows(plane, plane > 0) == [(slice(0, 400), slice(0, 300)), (slice(0, 400), slice(300, 600))]
    assert max(side.stop - side.start for window in windows(plane, plane > 0) for side in window) <= LARGEST


def test_a_plane_without_accepted_objects_is_left_out() -> None:
    plane = discs()
    assert windows(plane, plane < 0) == []
    assert windows(np.zeros((50, 50), int), np.zeros((50, 50), bool)) == []


@pytest.mark.parametrize("seed", range(6))
def test_no_window_shows_what_was_not_accepted_or_what_another_shows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plane = discs()
    rejected = rng.choice(plane.max(), 3, replace=False) + 1
    accepted = (plane > 0) & ~np.isin(plane, rejected)
    found = windows(plane, accepted)
    assert found
    for window in found:
        grown = tuple(slice(max(0, side.start - MARGIN), side.stop + MARGIN) for side in window)
        assert not np.isin(plane[grown], rejected).any()
        assert accepted[window].any()
        assert min(side.stop - side.start for side in window) >= 4 * 16
    assert not any(overlap(*pair) for pair in itertools.combinations(found, 2))
    shown = np.unique(np.concatenate([np.unique(plane[window]) for window in found]))
    assert len(shown) > 0.6 * plane.max()


def test_far_from_accepted_objects_nothing_is_claimed() -> None:
    plane = np.zeros((500, 500), dtype=int)
    plane[40:60, 40:60], plane[490:, 490:] = 1, 2
    (window,) = windows(plane, plane == 1)
    diameter = 2 * 20 / np.sqrt(np.pi)
    for side in window:
        assert side.start <= 40 - diameter + 8
        assert 60 + diameter <= side.stop <= 40 + 5 * diameter + 16


def test_places_that_are_too_narrow_are_left_out() -> None:
    plane = discs()
    alone = plane == 76
    assert windows(plane, alone) == []


def test_a_window_with_fragments_only_is_left_out() -> None:
    plane = np.zeros((100, 1000), dtype=int)
    plane[40:60, 100:120], plane[40:60, 482:502] = 1, 2
    assert windows(plane, plane > 0) == [(slice(0, 100), slice(0, 500))]


def test_a_window_is_cut_into_equal_parts() -> None:
    parts = cut_window((slice(10, 20), slice(0, 9)), 4)
    assert parts[:3] == [(slice(10, 13), slice(0, 3)), (slice(10, 13), slice(3, 6)), (slice(10, 13), slice(6, 9))]
    assert len(parts) == 9


def test_halves_need_objects_on_both_sides() -> None:
    plane = discs((80, 120))
    whole = slice(0, 80), slice(0, 120)
    assert halves(plane, whole) == [(slice(0, 80), slice(0, 60)), (slice(0, 80), slice(60, 120))]
    assert halves(plane.T, whole[::-1]) == [(slice(0, 60), slice(0, 80)), (slice(60, 120), slice(0, 80))]
    assert halves(np.where(plane == 1, 1, 0), whole) == [whole]
