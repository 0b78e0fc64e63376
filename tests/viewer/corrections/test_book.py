from __future__ import annotations

import numpy as np
import pandas
import pytest

from napari_microdiff.imaging.inventory import take_inventory
from napari_microdiff.viewer.corrections.book import Book


def labels() -> np.ndarray:
    plane = np.zeros((20, 30), dtype=np.int32)
    plane[2:6, 2:6], plane[2:6, 10:14], plane[12:16, 2:6] = 1, 2, 7
    return plane


def book(plane: np.ndarray, **columns: object) -> Book:
    return Book(take_inventory(plane), {"index": [1, 2, 7], **columns})


def test_the_least_sure_come_first_and_unknown_ones_last() -> None:
    known = book(labels(), confidence=[0.9, np.nan, 0.2])
    assert known.doubtful() == [7, 1, 2]


def test_states_are_read_from_the_table() -> None:
    known = book(labels(), state=["accepted", "edited", "auto"])
    assert known.features()["state"].tolist() == ["accepted", "edited", "auto"]
    assert known.locked == {1}
    assert known.doubtful() == [7]


def test_states_follow_the_pixels_there_and_back() -> None:
    plane = labels()
    known = book(plane, confidence=[0.9, 0.8, 0.2])
    known.accept(2)
    edited = plane.copy()
    edited[2, 2], edited[2, 10] = 0, 0
    known.update(take_inventory(edited))
    assert known.features()["state"].tolist() == ["edited", "edited", "auto"]
    assert np.isnan(known.confidence(1))
    assert not known.locked
    known.update(take_inventory(plane))
    assert known.features()["state"].tolist() == ["auto", "accepted", "auto"]
    assert known.confidence(1) == 0.9


def test_a_label_that_was_once_in_use_is_not_fresh() -> None:
    plane = labels()
    known = book(plane)
    known.update(take_inventory(np.where(plane == 7, 0, plane)))
    assert known.fresh == 8


def test_a_number_of_which_others_know_something_is_not_fresh() -> None:
    known = book(labels())
    features = known.features()
    table = pandas.DataFrame({"index": [1, 2, 7, 9], "state": ["auto"] * 4, "track": [5, 6, 7, 8]})
    new = known.table(features, {**features, "state": np.array(["edited"] * 3)}, table)
    assert new is not None
    assert new["track"].tolist() == [5, 6, 7]
    assert known.fresh == 10


def test_what_a_user_empties_stays_empty() -> None:
    known, plane = book(labels()), labels()
    told = known.features()
    table = pandas.DataFrame({**told, "class": ["a", "b", "c"]})
    for gone in (2, 7):
        known.update(take_inventory(np.where(plane == gone, 0, plane)))
        now = known.features()
        new = known.table(now, told, table)
        assert new is not None
        table, told = pandas.DataFrame(new), now
    table.loc[table["index"] == 1, "class"] = None
    known.update(take_inventory(plane))
    new = known.table(known.features(), told, table)
    assert new is not None
    assert [None if value is None or value != value else value for value in new["class"]] == [None, "b", "c"]


def test_an_object_that_nobody_knew_is_edited() -> None:
    plane = labels()
    known = book(plane)
    plane[18, 20:24] = 9
    known.update(take_inventory(plane))
    assert known.state(9) == "edited"
    assert 9 in known
    assert 8 not in known


def test_what_others_measured_stays_beside_its_object_where_they_call_it_label() -> None:
    plane = labels()
    theirs = pandas.DataFrame({"label": [1, 2, 7], "mean": [10.0, 20.0, 70.0]})
    known = Book(take_inventory(plane), theirs)
    told = known.features()
    assert known.table(told, None, theirs) is None
    plane[2:6, 2:6], plane[18, 20:24] = 0, 9
    known.update(take_inventory(plane))
    new = known.table(known.features(), told, theirs)
    assert new is not None
    assert new["index"].tolist() == new["label"].tolist() == [2, 7, 9]
    np.testing.assert_array_equal(new["mean"], [20, 70, np.nan])


def test_states_are_read_from_a_table_that_calls_an_object_label() -> None:
    table = {"label": [1, 2, 7], "confidence": [0.9, 0.8, 0.2], "state": ["accepted", "edited", "auto"]}
    known = Book(take_inventory(labels()), table)
    assert known.features()["state"].tolist() == ["accepted", "edited", "auto"]
    assert known.confidence(7) == 0.2


@pytest.mark.parametrize("theirs", [["a", "b", "c"], [3, 1, 2]])
def test_a_column_label_that_says_something_else_is_a_column_like_others(theirs: list[object]) -> None:
    known = book(labels(), confidence=[0.9, 0.8, 0.2], state=["auto"] * 3, label=theirs)
    told = known.features()
    known.accept(2)
    new = known.table(known.features(), told, pandas.DataFrame({**told, "label": theirs}))
    assert known.confidence(7) == 0.2
    assert new is not None
    assert new["index"].tolist() == [1, 2, 7]
    assert new["label"].tolist() == theirs
