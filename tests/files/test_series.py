"""A series on disk: it opens where it was left, whatever happened, and the images are never touched."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_microdiff.errors import FileError
from napari_microdiff.files import read_image, write_image
from napari_microdiff.files.series import (
    ACCEPTED,
    AUTO,
    EDITED,
    OUTPUT,
    Fingerprint,
    OutputError,
    Segmentation,
    Series,
    State,
    open_series,
    state_table,
)
from napari_microdiff.files.series.journal import Journal

SHAPE = (24, 32)
LABELS = np.zeros(SHAPE, np.int32)
LABELS[2:6, 3:9], LABELS[10:20, 12:22] = 1, 5
_opened: list[str] | None = None


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if _opened is not None and event == "open":
        _opened.append(str(arguments[0]))


sys.addaudithook(_on_event)


@pytest.fixture
def opened_files() -> Iterator[list[str]]:
    """Every file that is opened while the test runs."""
    global _opened  # noqa: PLW0603
    _opened = []
    yield _opened
    _opened = None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of four images."""
    folder = tmp_path / "plate"
    folder.mkdir()
    for number in (1, 2, 9, 10):
        image = np.random.default_rng(number).integers(0, 4000, SHAPE).astype(np.uint16)
        write_image(folder / f"cell {number}.tif", image, pixel_size_um={"Y": 0.3, "X": 0.2})
    return folder


def labelled(labels: np.ndarray = LABELS, state: str = AUTO) -> Segmentation:
    known = {"label": [1, 5], "confidence": [0.75, 0.5], "state": [state, AUTO]}
    return Segmentation(labels, "YX", state_table(labels, "YX", known), "made by a test")


def save(series: Series, name: str, state: State = State.SEGMENTED, **of: Any) -> None:
    image = Fingerprint.of(series.path(name)) if state is State.SEGMENTED else None
    series.save(name, labelled(**of), state, pixel_size_um={"Y": 0.3, "X": 0.2}, image=image)


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir() if path.is_file()}


def test_a_folder_opens_in_the_order_in_which_people_count(folder: Path) -> None:
    series = open_series(folder)
    assert series.names == ("cell 1.tif", "cell 2.tif", "cell 9.tif", "cell 10.tif")
    assert {series.state(name) for name in series.names} == {State.NEW}
    assert series.output == folder / OUTPUT


def test_what_is_saved_comes_back(folder: Path) -> None:
    before = snapshot(folder)
    series = open_series(folder)
    save(series, "cell 2.tif", state=State.CORRECTING, labels=LABELS)
    series.remember(last="cell 2.tif", settings={"diameter": 12.5})
    again = open_series(folder)
    assert again.last == "cell 2.tif"
    assert again.settings == {"diameter": 12.5}
    assert [again.state(name) for name in again.names] == [State.NEW, State.CORRECTING, State.NEW, State.NEW]
    assert again.entries["cell 2.tif"].objects == 2
    found = again.load("cell 2.tif")
    np.testing.assert_array_equal(found.labels, LABELS)
    assert found.labels.dtype == np.int32
    assert found.description == "made by a test"
    assert found.notices == ()
    assert found.table["label"].tolist() == [1, 5]
    assert found.table["area"].tolist() == [24, 100]
    assert found.table["confidence"].tolist() == [0.75, 0.5]
    assert found.table["state"].tolist() == [AUTO, AUTO]
    assert snapshot(folder) == before


def test_the_files_are_what_other_programs_expect(folder: Path) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif", state=State.SEGMENTED)
    picture = read_image(folder / OUTPUT / "cell 1.tif.labels.ome.tif")
    assert picture.dtype == np.uint16
    assert picture.pixel_size_um == pytest.approx({"Y": 0.3, "X": 0.2})
    lines = (folder / OUTPUT / "cell 1.tif.objects.csv").read_text().splitlines()
    assert lines == ["label,area,confidence,state,y,x", "1,24,0.75,auto,3.5,5.5", "5,100,0.5,auto,14.5,16.5"]


def test_states_of_objects_are_kept(folder: Path) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif", state=State.CORRECTING, labels=LABELS)
    series.save("cell 1.tif", labelled(state=ACCEPTED), State.DONE)
    assert open_series(folder).load("cell 1.tif").table["state"].tolist() == [ACCEPTED, AUTO]
    assert open_series(folder).state("cell 1.tif") is State.DONE


def test_our_own_folder_and_files_are_no_images(folder: Path, tmp_path: Path) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif")
    assert len(open_series(folder).names) == 4
    with pytest.raises(FileError, match="There are no TIFF, PNG or JPEG images"):
        open_series(folder / OUTPUT)
    with pytest.raises(FileError, match="There is no file"):
        open_series(tmp_path / "nowhere")


def test_a_crash_while_writing_leaves_the_last_save(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif")

    class Killed(BaseException):
        pass

    def die(*paths: Any) -> None:
        raise Killed

    edited = LABELS.copy()
    edited[0, 0] = 9
    with monkeypatch.context() as context:
        context.setattr(os, "replace", die)
        context.setattr(Path, "unlink", lambda path, missing_ok=False: None)  # who is killed tidies nothing up
        with pytest.raises(Killed):
            save(series, "cell 1.tif", state=State.CORRECTING, labels=edited)
    parts = list((folder / OUTPUT).glob(".*.part"))
    assert len(parts) == 2
    again = open_series(folder)
    assert again.state("cell 1.tif") is State.SEGMENTED
    np.testing.assert_array_equal(again.load("cell 1.tif").labels, LABELS)
    assert all(part.exists() for part in parts)  # another program may be writing them
    for part in parts:
        os.utime(part, (0, 0))
    open_series(folder)
    assert not list((folder / OUTPUT).glob(".*.part"))


def test_a_crash_between_the_labels_and_the_table_loses_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif")
    real = os.replace

    class Killed(BaseException):
        pass

    def die_at_the_table(source: Any, target: Any) -> None:
        if str(target).endswith(".csv"):
            raise Killed
        real(source, target)

    edited = LABELS.copy()
    edited[0, :3] = 9
    with monkeypatch.context() as context:
        context.setattr(os, "replace", die_at_the_table)
        with pytest.raises(Killed):
            save(series, "cell 1.tif", state=State.CORRECTING, labels=edited)
    found = open_series(folder).load("cell 1.tif")
    np.testing.assert_array_equal(found.labels, edited)
    assert found.table["label"].tolist() == [1, 5, 9]
    assert found.table["area"].tolist() == [24, 100, 3]
    assert found.table["state"].tolist() == [AUTO, AUTO, EDITED]


def test_a_line_that_was_cut_off_is_left_out_and_the_next_is_whole(folder: Path) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif")
    save(series, "cell 2.tif")
    path = folder / OUTPUT / "series.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    again = open_series(folder)
    assert again.state("cell 1.tif") is State.SEGMENTED
    assert again.state("cell 2.tif") is State.SEGMENTED  # its labels are there
    again.mark("cell 1.tif", State.DONE)
    assert open_series(folder).state("cell 1.tif") is State.DONE


def test_nonsense_in_the_journal_does_no_harm(folder: Path) -> None:
    save(open_series(folder), "cell 1.tif")
    lines = [b'{"image": "cell 2.tif"}', b"[1, 2]", b'{"image": 3, "entry": {"state": "odd"}}', b"\xff\xfe", b'"text"']
    with (folder / OUTPUT / "series.jsonl").open("ab") as stream:
        stream.write(b"\n".join(lines) + b"\n")
    assert [open_series(folder).state(f"cell {n}.tif") for n in (1, 2)] == [State.SEGMENTED, State.NEW]


def test_labels_that_were_removed_are_made_anew(folder: Path) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif", state=State.SEGMENTED)
    series.mark("cell 1.tif", State.DONE)
    series.labels_path("cell 1.tif").unlink()
    assert open_series(folder).state("cell 1.tif") is State.NEW


def test_an_image_that_was_changed_is_noticed(folder: Path) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif")
    assert not series.image_changed("cell 1.tif")
    path = folder / "cell 1.tif"
    os.utime(path, ns=(1, 1))  # as after copying the folder
    assert not series.image_changed("cell 1.tif")
    write_image(path, np.zeros(SHAPE, np.uint16), pixel_size_um={"Y": 0.3, "X": 0.2})
    assert path.stat().st_size == series.entries["cell 1.tif"].image.size  # type: ignore[union-attr]
    assert open_series(folder).image_changed("cell 1.tif")
    assert not open_series(folder).image_changed("cell 2.tif")


def test_an_unchanged_file_is_told_by_its_size_and_time(folder: Path, opened_files: list[str]) -> None:
    path = folder / "cell 1.tif"
    known = Fingerprint.of(path)
    opened_files.clear()
    assert known.fits(path)
    assert str(path) not in opened_files


def test_labels_of_another_program_are_shown_and_said(folder: Path) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif")
    other = LABELS.copy()
    other[other == 5] = 0
    other[20:, 28:] = 8
    write_image(series.labels_path("cell 1.tif"), other.astype(np.uint16))
    found = open_series(folder)
    notice = found.load("cell 1.tif")
    assert "changed by another program" in notice.notices[0]
    assert notice.table["label"].tolist() == [1, 8]
    assert notice.table["state"].tolist() == [AUTO, EDITED]
    assert np.isnan(notice.table["confidence"][1])
    assert found.state("cell 1.tif") is State.CORRECTING
    assert found.load("cell 1.tif").notices == ()


def test_labels_that_another_program_wrote_meanwhile_are_kept(folder: Path) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif")
    series.load("cell 1.tif")
    other = np.full(SHAPE, 3, np.uint16)
    write_image(series.labels_path("cell 1.tif"), other)
    save(series, "cell 1.tif", state=State.CORRECTING, labels=LABELS)
    np.testing.assert_array_equal(series.load("cell 1.tif").labels, LABELS)
    kept = folder / OUTPUT / "cell 1.tif.kept-1.labels.ome.tif"
    np.testing.assert_array_equal(read_image(kept).array, other)


def test_labels_can_be_set_aside(folder: Path) -> None:
    series = open_series(folder)
    assert series.set_aside("cell 1.tif") is None
    for number in (1, 2):
        save(series, "cell 1.tif")
        kept = series.set_aside("cell 1.tif")
        assert kept is not None
        assert kept.name == f"cell 1.tif.kept-{number}.labels.ome.tif"
        assert (folder / OUTPUT / f"cell 1.tif.kept-{number}.objects.csv").exists()
        assert series.state("cell 1.tif") is State.NEW
        assert not series.has_labels("cell 1.tif")


@pytest.mark.parametrize("text", ["", "colour,size\nred,2\n", "label,state\none,auto\n", "\x00"])
def test_a_table_that_is_none_is_said_and_the_labels_are_shown(folder: Path, text: str) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif")
    series.table_path("cell 1.tif").write_text(text)
    found = series.load("cell 1.tif")
    assert found.table["area"].tolist() == [24, 100]
    assert all("table" in notice for notice in found.notices)
    series.table_path("cell 1.tif").unlink()
    assert series.load("cell 1.tif").table["state"].tolist() == [AUTO, AUTO]


def test_a_photograph_in_the_place_of_labels_is_refused(folder: Path) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif")
    write_image(series.labels_path("cell 1.tif"), np.zeros(SHAPE, np.float32))
    with pytest.raises(FileError, match="is not an image of labels"):
        series.load("cell 1.tif")


def test_a_folder_that_cannot_be_written_to_says_so_at_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *arguments: Any, **named: Any) -> None:
        if folder in path.parents:
            raise PermissionError(errno.EACCES, "Permission denied")
        os.makedirs(path, exist_ok=True)

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OutputError, match=r"Permission denied. Choose another folder for the results"):
        open_series(folder)
    elsewhere = tmp_path / "home"
    series = open_series(folder, elsewhere)
    assert series.output == elsewhere / "plate segmentation"
    save(series, "cell 1.tif")
    assert open_series(folder, elsewhere).state("cell 1.tif") is State.SEGMENTED
    assert sorted(path.name for path in folder.iterdir()) == sorted(series.names)


def test_results_of_two_folders_of_one_name_are_not_mixed(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "home"
    open_series(folder, elsewhere)
    twin = tmp_path / "other" / "plate"
    twin.mkdir(parents=True)
    write_image(twin / "cell 1.tif", np.zeros(SHAPE, np.uint8))
    with pytest.raises(OutputError, match="holds the results of"):
        open_series(twin, elsewhere)


def test_a_folder_that_was_moved_is_opened_where_it_was_left(folder: Path, tmp_path: Path) -> None:
    save(open_series(folder), "cell 1.tif")
    moved = folder.rename(tmp_path / "moved")
    assert open_series(moved).state("cell 1.tif") is State.SEGMENTED


def test_a_full_disk_leaves_what_was_saved(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif")
    before = snapshot(folder / OUTPUT)

    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="The disk is full"):
        save(series, "cell 1.tif", state=State.CORRECTING, labels=LABELS * 2)
    assert snapshot(folder / OUTPUT) == before
    assert series.state("cell 1.tif") is State.SEGMENTED


def test_ten_thousand_images_are_listed_without_being_opened_and_a_save_is_one_line(
    tmp_path: Path, opened_files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "0.tif").touch()
    for number in range(1, 10_000):
        os.link(folder / "0.tif", folder / f"{number}.tif")
    facts = [{"image": f"{number}.tif", "entry": {"state": "segmented"}} for number in range(10_000)]
    (folder / OUTPUT).mkdir()
    Journal(folder / OUTPUT / "series.jsonl").rewrite([{"images": str(folder)}, *facts])
    for number in range(0, 10_000, 10):
        (folder / OUTPUT / f"{number}.tif.labels.ome.tif").touch()
    opened_files.clear()
    series = open_series(folder)
    assert series.names[:3] == ("0.tif", "1.tif", "2.tif")
    assert len(series.names) == 10_000
    assert sum(series.state(name) is State.SEGMENTED for name in series.names) == 1000
    assert not [path for path in opened_files if path.endswith(".tif")]
    assert len(opened_files) <= 3  # the journal, a trial, and no more
    journal = folder / OUTPUT / "series.jsonl"
    before = journal.stat().st_size
    monkeypatch.setattr(Journal, "rewrite", None)
    opened_files.clear()
    save(series, "7777.tif", state=State.CORRECTING)
    assert 0 < journal.stat().st_size - before < 1000
    assert len(opened_files) < 12


def test_a_long_journal_is_written_anew(folder: Path) -> None:
    series = open_series(folder)
    save(series, "cell 1.tif")
    with (folder / OUTPUT / "series.jsonl").open("a") as stream:
        stream.writelines(f'{{"last": "cell {number % 2 + 1}.tif"}}\n' for number in range(1200))
    again = open_series(folder)
    assert len(list(Journal(folder / OUTPUT / "series.jsonl").facts())) == 2
    assert again.last == "cell 2.tif"
    assert open_series(folder).state("cell 1.tif") is State.SEGMENTED
