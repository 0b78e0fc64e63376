"""Classes of objects as tables name them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_microdiff.errors import ImageError
from napari_microdiff.imaging.kinds import check_all_named, kinds_of

NAMES = ("resting", "dividing", "dying")


@given(st.dictionaries(st.integers(1, 10**9), st.integers(1, 3)), st.sampled_from(["name", "number", "text"]))
def test_names_and_numbers_say_the_same(kinds: dict[int, int], how: str) -> None:
    cells = {"name": lambda k: NAMES[k - 1], "number": float, "text": str}[how]
    table = {"label": np.array(list(kinds), np.int64), "class": [cells(kind) for kind in kinds.values()]}
    assert kinds_of(table, NAMES) == kinds


def test_empty_cells_and_the_background_have_no_class() -> None:
    table = {"index": [0, 1, 2, 3, 4], "class": np.array(["dying", "", None, np.nan, " dividing "], dtype=object)}
    assert kinds_of(table, NAMES) == {4: 2}


def test_where_classes_have_no_names_every_number_is_one() -> None:
    assert kinds_of({"label": [5], "class": [17]}, ()) == {5: 17}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"label": [1]}, "needs the columns 'label' and 'class'"),
        ({"class": ["dying"]}, "needs the columns"),
        ({"label": [7], "class": ["sleeping"]}, r"Object 7 is of the class 'sleeping'. Known are 1 \(resting\), 2"),
        ({"label": [7], "class": [4]}, "class '4'"),
        ({"label": [7], "class": [0]}, "class '0'"),
        ({"label": [7], "class": [1.5]}, "class '1.5'"),
        ({"label": [7], "class": ["resting,"]}, "class 'resting,'"),
    ],
)
def test_what_is_no_class_is_said(table: dict[str, Any], words: str) -> None:
    with pytest.raises(ImageError, match=words):
        kinds_of(table, NAMES)


def test_an_object_without_a_class_is_told() -> None:
    labels = np.array([[0, 3], [9, 12]])
    check_all_named(labels, {3: 1, 9: 2, 12: 1})
    with pytest.raises(ImageError, match="Object 9 has no class, nor have 1 others"):
        check_all_named(labels, {3: 1})
