"""The rows of a long series: only what is seen costs anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import QListView

from napari_microdiff.files.series import Entry, Series, State
from napari_microdiff.files.series.journal import Journal
from napari_microdiff.viewer.series import thumbnails as module
from napari_microdiff.viewer.series.model import FILTERS, SeriesModel, ShownRows
from napari_microdiff.viewer.series.parts import ImageList
from napari_microdiff.viewer.series.pixels import SIDE
from napari_microdiff.viewer.series.thumbnails import Thumbnails

from .conftest import nuclei

LONG = 600_000


def series_of(folder: Path, count: int) -> Series:
    names = tuple(f"cell {number}.tif" for number in range(count))
    series = Series(folder, folder / "out", names, Journal(folder / "series.jsonl"))
    states = (State.NEW, State.SEGMENTED, State.CORRECTING, State.DONE)
    series.entries = {name: Entry(states[at % 4], None if at % 4 == 0 else at) for at, name in enumerate(names)}
    return series


@pytest.fixture
def owner(qtbot: Any) -> Iterator[QObject]:
    owner = QObject()
    yield owner
    owner.deleteLater()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images of which thumbnails are made; no file is needed."""
    names: list[str] = []

    def make(series: Series, wanted: list[str]) -> Iterator[dict[str, Any]]:
        names.extend(wanted)
        yield dict.fromkeys(wanted)

    monkeypatch.setattr(module, "thumbnails", make)
    return names


def settle(qtbot: Any, thumbnails: Thumbnails) -> None:
    qtbot.wait(50)  # rows are painted when the event loop runs
    qtbot.waitUntil(lambda: thumbnails.idle, timeout=LONG)


def test_a_row_says_name_state_and_objects(owner: QObject, tmp_path: Path) -> None:
    model = SeriesModel(Thumbnails(owner), owner)
    assert model.rowCount() == 0
    model.show(series_of(tmp_path, 5))
    texts = [model.index(row).data() for row in range(5)]
    assert texts[0] == "cell 0.tif\n○ new"
    assert texts[1] == "cell 1.tif\n● segmented, 1 object"
    assert texts[2] == "cell 2.tif\n◆ being corrected, 2 objects"
    assert texts[3] == "cell 3.tif\n✓ done, 3 objects"
    model.set_busy("cell 0.tif")
    model.set_problem("cell 4.tif", "It is damaged.")
    assert model.index(0).data() == "cell 0.tif\n… being segmented"
    assert model.index(4).data() == "cell 4.tif\n▲ has a problem"
    assert "It is damaged." in model.index(4).data(Qt.ItemDataRole.ToolTipRole)
    model.show(None)
    assert model.rowCount() == 0


@pytest.mark.parametrize("choice", FILTERS)
def test_only_some_are_shown(owner: QObject, tmp_path: Path, choice: str) -> None:
    model = SeriesModel(Thumbnails(owner), owner)
    shown = ShownRows(model, owner)
    model.show(series_of(tmp_path, 40))
    model.set_problem("cell 7.tif", "It is damaged.")
    shown.show_only(choice)
    expected = {"all images": 40, "not done yet": 30, "with a problem": 1}.get(choice, 10)
    assert shown.rowCount() == expected
    shown.set_open("cell 0.tif")
    assert shown.rowCount() == expected + (choice not in ("all images", "not done yet", "new"))
    shown.set_open("")
    assert shown.rowCount() == expected
    names = list(shown.following("cell 0.tif"))
    assert len(names) in (expected, expected - 1)
    assert list(shown.following(names[-1], -1)) == [*names[-2::-1], *(["cell 0.tif"] if len(names) < expected else [])]


def test_of_ten_thousand_rows_only_the_visible_get_thumbnails(
    owner: QObject, tmp_path: Path, qtbot: Any, read: list[str]
) -> None:
    thumbnails = Thumbnails(owner)
    model = SeriesModel(thumbnails, owner)
    rows = ImageList(ShownRows(model, owner))
    qtbot.addWidget(rows)
    rows.resize(340, 400)
    rows.show()
    qtbot.waitExposed(rows)
    model.show(series_of(tmp_path, 10_000))
    rows.move_to("cell 0.tif")
    settle(qtbot, thumbnails)
    visible = 400 // SIDE + 2
    assert 0 < len(set(read)) <= visible
    rows.move_to("cell 9000.tif")
    settle(qtbot, thumbnails)
    assert "cell 9000.tif" in read
    assert len(set(read)) <= 3 * visible
    before = len(read)
    rows.view.viewport().repaint()
    settle(qtbot, thumbnails)
    assert len(read) == before  # they are kept


def test_rows_that_were_scrolled_past_are_left_out(owner: QObject, tmp_path: Path, qtbot: Any, read: list[str]) -> None:
    thumbnails = Thumbnails(owner)
    model = SeriesModel(thumbnails, owner)
    model.show(series_of(tmp_path, 1000))
    for row in range(1000):
        model.index(row).data(Qt.ItemDataRole.DecorationRole)
    settle(qtbot, thumbnails)
    assert read[0] == "cell 996.tif"
    assert len(read) <= 30


def test_thumbnails_stop_with_the_series(owner: QObject, tmp_path: Path, qtbot: Any, read: list[str]) -> None:
    thumbnails = Thumbnails(owner)
    model = SeriesModel(thumbnails, owner)
    model.show(series_of(tmp_path, 10))
    model.index(0).data(Qt.ItemDataRole.DecorationRole)
    model.show(None)
    settle(qtbot, thumbnails)
    assert read == []


def test_a_thumbnail_shows_its_image(owner: QObject, tmp_path: Path, qtbot: Any) -> None:
    from napari_microdiff.files import write_image

    write_image(tmp_path / "cell 0.tif", nuclei((200, 100)))
    (tmp_path / "cell 1.tif").write_bytes(b"II*\0 damaged")
    thumbnails = Thumbnails(owner)
    model = SeriesModel(thumbnails, owner)
    model.show(series_of(tmp_path, 3))
    icons = [model.index(row).data(Qt.ItemDataRole.DecorationRole) for row in range(3)]
    settle(qtbot, thumbnails)
    icons = [model.index(row).data(Qt.ItemDataRole.DecorationRole) for row in range(3)]
    pictures = [icon.pixmap(SIDE, SIDE).toImage() for icon in icons]
    centre, side = pictures[0].pixelColor(SIDE // 2, SIDE // 2), pictures[0].pixelColor(2, SIDE // 2)
    assert centre.alpha() == 255
    assert side.alpha() == 0  # a high image leaves the sides free
    assert all(picture.pixelColor(SIDE // 2, SIDE // 2).alpha() == 0 for picture in pictures[1:])


def test_the_list_is_uniform_so_that_it_measures_one_row_only(owner: QObject, qtbot: Any) -> None:
    rows = ImageList(ShownRows(SeriesModel(Thumbnails(owner), owner), owner))
    qtbot.addWidget(rows)
    assert isinstance(rows.view, QListView)
    assert rows.view.uniformItemSizes()
