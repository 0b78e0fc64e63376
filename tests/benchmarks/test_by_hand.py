"""The simulated user: errors are found, strokes are drawn where a person would, and judged."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not part of this copy")
DIAMETER = 20.0


@pytest.fixture
def by_hand(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield importlib.import_module("by_hand")
    for name in ("by_hand", "common", "report"):
        sys.modules.pop(name, None)


@pytest.fixture
def effort(by_hand):
    yield importlib.import_module("correction_effort")
    for name in ("correction_effort", "outlined"):
        sys.modules.pop(name, None)


def discs(*centres, radius=10, side=100):
    y, x = np.mgrid[:side, :side]
    labels = np.zeros((side, side), dtype=np.int32)
    for number, (row, column) in enumerate(centres, start=1):
        labels[(np.hypot(y - row, x - column) <= radius) & (labels == 0)] = number
    return labels


TRUTH = discs((30, 20), (30, 40), (30, 60), (75, 25), (75, 70))


def pixels(stroke):
    return tuple(np.array(stroke.points).round().astype(int).T)


def test_what_is_right_is_no_mistake(by_hand):
    assert by_hand.mistakes(TRUTH, TRUTH) == []
    assert by_hand.mistakes(np.zeros_like(TRUTH), TRUTH) == []
    empty = by_hand.mistakes(TRUTH, np.zeros_like(TRUTH))
    assert [one.kind for one in empty] == ["miss"] * 5


def test_a_merge_of_three_takes_two_strokes_from_the_rim(by_hand):
    found = np.where(TRUTH <= 3, TRUTH > 0, TRUTH).astype(np.int32)
    first, last = by_hand.mistakes(TRUTH, found)
    assert (first.kind, len(first.true), first.found) == ("merge", 1, (1,))
    assert first.true[0] in (1, 3)  # the middle one cannot be parted from both by one line
    assert sorted((*first.true, *first.others)) == [1, 2, 3]
    assert sorted(last.true) == sorted(first.others)
    assert last.others == last.true[1:]


def test_a_fragment_is_not_worth_a_stroke(by_hand):
    truth = TRUTH.copy()
    truth[73:77, 36:40] = 6
    found = np.where(truth == 6, 4, truth)
    assert by_hand.mistakes(truth, found) == []
    assert by_hand.mistakes(truth, np.where(truth == 6, 0, truth)) == []


def test_a_split_has_parts_and_no_crumbs(by_hand):
    found = TRUTH.copy()
    found[(TRUTH == 5) & (np.arange(100) >= 72)] = 6
    crumb = (TRUTH == 4) & (np.arange(100) >= 33)
    found[crumb] = 7
    (only,) = by_hand.mistakes(TRUTH, found)
    assert only == by_hand.Mistake("split", (5,), (5, 6))


def test_it_is_right_once_all_concerned_are_matched(by_hand):
    merged = np.where(TRUTH == 2, 1, TRUTH)
    (merge,) = by_hand.mistakes(TRUTH, merged)
    assert set(merge.true) == {1, 2}
    assert not by_hand.is_right(merge, TRUTH, merged)
    assert by_hand.is_right(merge, TRUTH, np.where(TRUTH > 0, TRUTH + 40, 0))
    split = by_hand.Mistake("split", (5,), (5, 6))
    parted = TRUTH.copy()
    parted[(TRUTH == 5) & (np.arange(100) >= 74)] = 6
    assert not by_hand.is_right(split, TRUTH, parted)  # the larger part matches, but the smaller is still there
    assert by_hand.is_right(split, TRUTH, TRUTH)


def test_a_cut_runs_between_the_objects_and_beyond(by_hand):
    merged = np.where(TRUTH == 2, 1, TRUTH)
    (merge,) = by_hand.mistakes(TRUTH, merged)
    line = by_hand.contact(TRUTH, merge.true[0], merge.others, merged == 1)
    assert line.any()
    assert np.abs(np.argwhere(line)[:, 1] - 30).max() <= 2
    stroke = by_hand.stroke_for(merge, TRUTH, merged, DIAMETER, np.random.default_rng(0))
    assert stroke.kind == "cut"
    corners = np.array(stroke.points)
    assert np.abs(corners[:, 1] - 30).max() < 4
    assert corners[:, 0].min() < np.argwhere(line)[:, 0].min()
    assert corners[:, 0].max() > np.argwhere(line)[:, 0].max()


def test_a_line_joins_the_parts_of_a_split(by_hand):
    found = TRUTH.copy()
    found[(TRUTH == 5) & (np.arange(100) >= 72)] = 6
    (split,) = by_hand.mistakes(TRUTH, found)
    stroke = by_hand.stroke_for(split, TRUTH, found, DIAMETER, np.random.default_rng(0))
    assert stroke.kind == "object"
    assert set(found[pixels(stroke)]) == {5, 6}


def test_a_missed_object_is_drawn_on_where_nothing_is_found(by_hand):
    found = np.where(TRUTH == 4, 0, TRUTH)
    (miss,) = by_hand.mistakes(TRUTH, found)
    stroke = by_hand.stroke_for(miss, TRUTH, found, DIAMETER, np.random.default_rng(0))
    assert set(TRUTH[pixels(stroke)]) == {4}
    assert 5 < np.ptp(np.array(stroke.points), axis=0).max() < 15


def test_hands_are_seeded_and_stay_on_the_image(by_hand):
    found = np.zeros_like(TRUTH)
    for one in by_hand.mistakes(TRUTH, found):
        drawn = [by_hand.stroke_for(one, TRUTH, found, DIAMETER, np.random.default_rng(s)) for s in (1, 1, 2)]
        assert drawn[0] == drawn[1] != drawn[2]
    border = discs((0, 0), radius=3, side=20)
    (miss,) = by_hand.mistakes(border, np.zeros_like(border))
    for seed in range(20):
        corners = by_hand.stroke_for(miss, border, np.zeros_like(border), 60.0, np.random.default_rng(seed)).points
        assert all(0 <= place <= 19 for corner in corners for place in corner)


def test_only_objects_without_a_mistake_are_accepted(by_hand):
    merged = np.where(TRUTH == 2, 1, TRUTH)
    wrong = by_hand.mistakes(TRUTH, merged)
    assert by_hand.accepted(merged, wrong, 1.0, np.random.default_rng(0)) == (3, 4, 5)
    assert len(by_hand.accepted(merged, wrong, 0.34, np.random.default_rng(0))) == 1
    assert by_hand.accepted(np.zeros_like(merged), wrong, 1.0, np.random.default_rng(0)) == ()


def test_the_rule_of_a_stroke_parts_joins_and_adds(by_hand, effort):
    merged = np.where(TRUTH == 2, 1, TRUTH)
    merged[(TRUTH == 5) & (np.arange(100) >= 72)] = 6
    merged[TRUTH == 4] = 0
    wrong = by_hand.mistakes(TRUTH, merged)
    rng = np.random.default_rng(0)
    drawn = [(one, by_hand.stroke_for(one, TRUTH, merged, DIAMETER, rng)) for one in wrong]
    made = effort.go_through(TRUTH, merged, drawn, [3], effort.by_rule(DIAMETER, [3]))
    assert [one.kind for one in made.tried] == ["merge", "split", "miss"]
    assert all(one.right for one in made.tried[:2])
    assert made.changed == 0
    (after,) = made.labels
    assert after[30, 20] != after[30, 40]
    assert after[75, 66] == after[75, 76]
    assert after[75, 25] > 6


def test_a_change_of_an_accepted_object_is_counted(by_hand, effort):
    merged = np.where(TRUTH == 2, 1, TRUTH)
    (merge,) = by_hand.mistakes(TRUTH, merged)
    stroke = by_hand.stroke_for(merge, TRUTH, merged, DIAMETER, np.random.default_rng(0))
    made = effort.go_through(TRUTH, merged, [(merge, stroke)], [5], lambda labels, _: np.where(labels == 5, 0, labels))
    assert made.changed == np.count_nonzero(TRUTH == 5)
    assert not made.tried[0].right
    assert made.tried[0].spoiled == 1


def test_the_effort_is_counted(effort):
    tried = [effort.Tried("merge", right, seconds, "8 x 8") for right, seconds in ((True, 1.0), (False, 3.0))]
    tried.append(effort.Tried("merge", True, None, "8 x 8"))
    row = effort.effort("merge", tried, effort.of(tried, kind="split"))
    assert row["count"] == 3
    assert row["put right"] == pytest.approx(2 / 3)
    assert row["put right without the model"] is None
    assert row["others spoiled"] == 0
    assert (row["median s"], row["longest s"]) == (2.0, 3.0)
