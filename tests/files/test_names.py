from __future__ import annotations

import pytest

from napari_microdiff.files.names import bare, partners, shorter


@pytest.mark.parametrize(
    ("name", "without"), [("a.tif", "a"), ("a.ome.tif", "a"), ("a.b.PNG", "a.b"), ("a.ome.zarr", "a"), ("a.b", "a.b")]
)
def test_the_ending_of_a_format_is_no_part_of_the_name(name: str, without: str) -> None:
    assert bare(name) == without


def test_names_become_shorter_dot_by_dot() -> None:
    assert list(shorter("a.b.c.ome.tif")) == ["a.b.c", "a.b", "a"]


@pytest.mark.parametrize(
    ("names", "others", "expected"),
    [
        (["b.tif", "a.ome.tif", "c.tif", ""], ["a.png", "b.ome.tif", ""], [1, 0, None, None]),
        (["a.labels.ome.tif", "a.tif.labels.ome.tif"], ["a.tif"], [0, 0]),
        (["2024.05.01_cells.tif", "2024.05.02_cells.tif"], ["2024.05.01_cells.tif", "2024.05.02_cells.tif"], [0, 1]),
        (["2024.05.03_cells.tif"], ["2024.05.01_cells.tif", "2024.05.02_cells.tif"], [None]),
        (["2024.05.01_cells.labels.tif"], ["2024.05.01_cells.tif", "2024.tif"], [0]),
        (["a.masks.tif"], ["a.nuclei.tif"], [0]),
        (["a.masks.tif", "a.others.tif"], ["a.nuclei.tif"], [None, None]),
        (["a.tif"], [], [None]),
    ],
)
def test_files_belong_together_by_their_names(names: list[str], others: list[str], expected: list[int | None]) -> None:
    assert partners(names, others) == expected
