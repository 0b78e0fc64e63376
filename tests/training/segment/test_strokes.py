from __future__ import annotations

import numpy as np
import pytest

from napari_microdiff.training.segment.strokes import BACKGROUND, CUT, OBJECT, draw_strokes

LABELS = np.zeros((64, 64), dtype=int)
LABELS[10:40, 10:30], LABELS[10:40, 30:50], LABELS[50:60, 5:15] = 1, 2, 3


@pytest.mark.parametrize("seed", range(20))
def test_strokes_agree_with_the_labels(seed: int) -> None:
    strokes = draw_strokes(LABELS, np.random.default_rng(seed)) > 0
    assert (LABELS[strokes[OBJECT]] > 0).all()
    assert (LABELS[strokes[BACKGROUND]] == 0).all()
    rows, columns = np.nonzero(strokes[CUT])
    assert ((columns >= 28) & (columns <= 31) & (rows >= 9) & (rows <= 40)).all()


def test_all_kinds_are_drawn() -> None:
    drawn = sum(draw_strokes(LABELS, np.random.default_rng(seed)).sum(axis=(1, 2)) > 0 for seed in range(20))
    assert (drawn >= 3).all()


def test_nothing_can_be_drawn_on_what_is_not_there() -> None:
    empty = np.zeros((32, 32), dtype=int)
    for seed in range(10):
        strokes = draw_strokes(empty, np.random.default_rng(seed))
        assert not strokes[OBJECT].any()
        assert not strokes[CUT].any()
