"""Tables of objects: what is a number in them, and what only looks like one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_microdiff.errors import FileError
from napari_microdiff.files.table import OutputTable
from napari_microdiff.files.table_reader import read_table


def _read(folder: Path, text: str) -> dict[str, np.ndarray]:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path)


@pytest.mark.parametrize("texts", [("1_11", "11_1"), ("1E1", "1E2"), ("007", "010"), ("123456789012345678", "1")])
def test_texts_that_look_like_numbers_stay_texts(tmp_path: Path, texts: tuple[str, ...]) -> None:
    column = _read(tmp_path, "label,id\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts, 1)))["id"]
    assert column.tolist() == list(texts)
    with (tmp_path / "again.csv").open("wb") as stream:
        OutputTable(tmp_path / "again.csv", {"id": column}).write(stream)
    assert (tmp_path / "again.csv").read_text(encoding="utf-8").split() == ["id", *texts]


def test_numbers_are_numbers_however_they_are_written(tmp_path: Path) -> None:
    column = _read(tmp_path, "label,v\n1,0\n2,-1.50\n3,1e-05\n4,2.5E+20\n5,\n6,inf\n7,nan\n8,.5\n9,123456789012345\n")[
        "v"
    ]
    np.testing.assert_array_equal(column, [0, -1.5, 1e-5, 2.5e20, np.nan, np.inf, np.nan, 0.5, 123456789012345])


def test_names_of_columns_may_have_spaces_around_them(tmp_path: Path) -> None:
    assert set(_read(tmp_path, "label, state\n1, accepted\n")) == {"label", "state"}


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="two columns 'state'"):
        _read(tmp_path, "label,state,state\n1,auto,edited\n")
