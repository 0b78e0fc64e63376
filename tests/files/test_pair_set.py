"""Sets of synthetic pairs: where files lie, that they say what they are, and that nothing is lost when it stops."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from napari_microdiff.errors import FileError
from napari_microdiff.files import pair_set, read_image
from napari_microdiff.files.pair_layouts import LAYOUTS, side_files
from napari_microdiff.files.pair_set import MANIFEST, Pair, PairSet

SETTINGS = {"model": "synth-nuclei", "seed": 3}
LABELS = np.zeros((40, 50), np.int32)
LABELS[5:15, 5:20] = 1
LABELS[15:30, 5:20] = 70000  # touches the first
IMAGE = np.random.default_rng(0).poisson(20, LABELS.shape).astype(np.uint16)


def pair(number: int = 0, image: np.ndarray = IMAGE, **facts: Any) -> Pair:
    return Pair(image + np.uint16(number), LABELS, {"scores": {"mask": 0.9}, **facts}, {"Y": 0.5, "X": 0.5})


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / MANIFEST).read_text().splitlines()]


@pytest.mark.parametrize(
    ("layout", "image", "labels"),
    [
        ("microdiff", "images/00001.ome.tif", "labels/00001.ome.tif"),
        ("stardist", "images/00001.tif", "masks/00001.tif"),
        ("cellpose", "00001.tif", "00001_masks.tif"),
        ("nnunet", "imagesTr/00001_0000.tif", "labelsTr/00001.tif"),
    ],
)
def test_every_layout_has_its_places_and_every_file_says_that_it_is_synthetic(
    tmp_path: Path, layout: Any, image: str, labels: str
) -> None:
    made = PairSet(tmp_path / "set", layout, SETTINGS)
    assert made.add(pair()) == (tmp_path / "set" / image, tmp_path / "set" / labels)
    pixels, mask = read_image(tmp_path / "set" / image), read_image(tmp_path / "set" / labels)
    np.testing.assert_array_equal(pixels.array, IMAGE)
    assert pixels.pixel_size_um == mask.pixel_size_um == {"Y": 0.5, "X": 0.5}
    for picture in (pixels, mask):
        assert json.loads(picture.description)["napari_microdiff"]["synthetic"] is True
    head, line = lines(tmp_path / "set")
    assert head["synthetic"] is line["synthetic"] is True
    assert (line["image"], line["labels"], line["scores"]) == (image, labels, {"mask": 0.9})
    if layout != "nnunet":
        np.testing.assert_array_equal(mask.array, LABELS)


def test_a_pair_may_be_one_ome_zarr(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    made = PairSet(tmp_path / "set", "zarr", SETTINGS)
    image, labels = made.add(pair())
    assert image == tmp_path / "set" / "pairs" / "00001.ome.zarr"
    np.testing.assert_array_equal(zarr.open_group(image, mode="r")["0"][:], IMAGE)
    np.testing.assert_array_equal(zarr.open_group(labels, mode="r")["0"][:], LABELS)
    assert zarr.open_group(image, mode="r").attrs["napari_microdiff"]["synthetic"] is True
    assert lines(tmp_path / "set")[1]["labels"] == "pairs/00001.ome.zarr/labels/objects"
    assert sorted(entry.name for entry in (tmp_path / "set").iterdir()) == [MANIFEST, "pairs"]


def test_an_ome_zarr_without_its_line_is_made_again(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    made = PairSet(tmp_path / "set", "zarr", SETTINGS)
    made.add(pair())
    manifest = tmp_path / "set" / MANIFEST
    manifest.write_bytes(manifest.read_bytes()[:-20])
    image, _ = PairSet(tmp_path / "set", "zarr", SETTINGS).add(pair(2))
    assert image.name == "00001.ome.zarr"
    np.testing.assert_array_equal(zarr.open_group(image, mode="r")["0"][:], IMAGE + 2)


def test_ome_zarr_is_not_begun_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(FileError, match=r'pip install "napari-microdiff\[zarr\]"'):
        PairSet(tmp_path / "set", "zarr", SETTINGS)
    assert not list(tmp_path.iterdir())


def test_nnunet_is_told_classes_and_borders(tmp_path: Path) -> None:
    made = PairSet(tmp_path / "set", "nnunet", SETTINGS)
    _, labels = made.add(pair())
    made.add(pair(1))
    classes = read_image(labels).array
    assert np.unique(classes).tolist() == [0, 1, 2]
    assert classes[14, 10] == classes[15, 10] == 2  # between the two
    np.testing.assert_array_equal(classes > 0, LABELS > 0)
    facts = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert (facts["numTraining"], facts["file_ending"]) == (2, ".tif")
    assert facts["labels"]["border"] == 2


def test_what_nnunet_counts_is_right_after_each_pair(tmp_path: Path) -> None:
    made = PairSet(tmp_path / "set", "nnunet", SETTINGS)
    for number in (1, 2):
        made.add(pair(number))
        assert json.loads((tmp_path / "set" / "dataset.json").read_text())["numTraining"] == number


def test_what_was_changed_in_a_recipe_stays(tmp_path: Path) -> None:
    PairSet(tmp_path / "set", "microdiff", SETTINGS).add(pair())
    recipe = tmp_path / "set" / "recipe.yaml"
    changed = recipe.read_text().replace("steps: 3000", "steps: 500")
    assert changed != recipe.read_text()
    recipe.write_text(changed)
    PairSet(tmp_path / "set", "microdiff", SETTINGS).add(pair(1))
    assert recipe.read_text() == changed


def test_as_pairs_become_more_fewer_are_held_out(tmp_path: Path) -> None:
    made = PairSet(tmp_path / "set", "microdiff", SETTINGS)
    recipe, held_out = tmp_path / "set" / "recipe.yaml", []
    for number in range(16):
        made.add(pair(number))
        held_out.append(yaml.safe_load(recipe.read_text())["labelled"][0]["hold_out"])
    assert held_out == [2] * 7 + [4] * 8 + [8]


def test_our_own_trainer_finds_a_recipe(tmp_path: Path) -> None:
    from napari_microdiff.training.segment.recipe import SegmentRecipe

    folder = tmp_path / "my nuclei"
    made = PairSet(folder, "microdiff", SETTINGS)
    made.add(pair())
    recipe = SegmentRecipe.model_validate(yaml.safe_load((folder / "recipe.yaml").read_text()))
    assert recipe.id == "my-nuclei-synthetic"
    (entry,) = recipe.labelled
    assert [len(list(folder.glob(pattern))) for pattern in (entry.images, entry.labels)] == [1, 1]


def test_colours_are_kept(tmp_path: Path) -> None:
    made = PairSet(tmp_path / "set", "cellpose", SETTINGS)
    image, _ = made.add(pair(image=np.stack([IMAGE.astype(np.uint8)] * 3, axis=-1).astype(np.uint8)))
    assert read_image(image).shape == (40, 50, 3)


def test_a_set_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = PairSet(tmp_path / "set", "stardist", SETTINGS)
    first.add(pair())
    first.reject({"reasons": ["no"]})
    again = PairSet(tmp_path / "set", "stardist", SETTINGS)
    assert (again.attempts, again.accepted) == (2, 1)
    image, _ = again.add(pair(5))
    assert image.name == "00002.tif"
    assert [line.get("attempt") for line in lines(tmp_path / "set")] == [None, 1, 2, 3]


def test_a_torn_line_is_no_pair_and_its_files_are_made_again(tmp_path: Path) -> None:
    made = PairSet(tmp_path / "set", "stardist", SETTINGS)
    made.add(pair())
    made.add(pair(1))
    manifest = tmp_path / "set" / MANIFEST
    manifest.write_bytes(manifest.read_bytes()[:-20])
    again = PairSet(tmp_path / "set", "stardist", SETTINGS)
    assert (again.attempts, again.accepted) == (1, 1)
    image, _ = again.add(pair(2))
    assert image.name == "00002.tif"
    np.testing.assert_array_equal(read_image(image).array, IMAGE + 2)
    assert len(lines(tmp_path / "set")) == 3


@pytest.mark.parametrize("written", [0, 2], ids=["at the image", "at the manifest"])
def test_a_full_disk_leaves_the_set_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    made = PairSet(tmp_path / "set", "stardist", SETTINGS)
    made.add(pair())
    before = (tmp_path / "set" / MANIFEST).read_bytes()

    files = itertools.count()

    def full(_: int) -> None:
        if next(files) >= written:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pair_set.os, "fsync", full)
        with pytest.raises(FileError, match="disk is full"):
            made.add(pair(1))
    assert (tmp_path / "set" / MANIFEST).read_bytes() == before
    assert (made.attempts, made.accepted) == (1, 1)
    made.add(pair(2))
    assert len(lines(tmp_path / "set")) == 3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_set_that_could_not_be_begun_can_be_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Any
) -> None:
    if layout == "zarr":
        pytest.importorskip("zarr")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pair_set.os, "fsync", full)
        with pytest.raises(FileError, match="disk is full"):
            PairSet(tmp_path / "set", layout, SETTINGS).reject({"reasons": ["faint"]})
    PairSet(tmp_path / "set", layout, SETTINGS).reject({"reasons": ["faint"]})
    assert len(lines(tmp_path / "set")) == 2


@pytest.mark.parametrize("held", ["images/mine.tif", "others/", "images"])
def test_what_lies_in_folders_named_as_ours_is_left_alone(tmp_path: Path, held: str) -> None:
    path = tmp_path / held
    path.parent.mkdir(exist_ok=True)
    path.mkdir() if held.endswith("/") else path.write_text("mine")
    with pytest.raises(FileError, match="not empty"):
        PairSet(tmp_path, "microdiff", SETTINGS)


@pytest.mark.parametrize(("layout", "name"), [("nnunet", "dataset.json"), ("microdiff", "recipe.yaml")])
@pytest.mark.parametrize("coloured", [False, True])
@pytest.mark.parametrize("pairs", [1, 2])
def test_what_lies_beside_pairs_is_made_up_for_when_it_stopped_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Any, name: str, coloured: bool, pairs: int
) -> None:
    image = np.stack([IMAGE.astype(np.uint8)] * 3, axis=-1) if coloured else IMAGE
    made = PairSet(tmp_path / "set", layout, SETTINGS)
    for _ in range(pairs - 1):
        made.add(pair(image=image))

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PairSet, "_write_beside", stop)
        with pytest.raises(KeyboardInterrupt):
            made.add(pair(image=image))
    PairSet(tmp_path / "set", layout, SETTINGS)
    now = side_files(layout, tmp_path / "set", pairs, coloured=coloured)
    assert (tmp_path / "set" / name).read_bytes() == now[name]


@pytest.mark.parametrize(("layout", "name"), [("nnunet", "dataset.json"), ("microdiff", "recipe.yaml")])
def test_a_set_that_is_taken_up_leaves_what_was_changed_beside_its_pairs(
    tmp_path: Path, layout: Any, name: str
) -> None:
    image, _ = PairSet(tmp_path / "set", layout, SETTINGS).add(pair())
    (tmp_path / "set" / name).write_text("mine")
    PairSet(tmp_path / "set", layout, SETTINGS)
    assert (tmp_path / "set" / name).read_text() == "mine"
    image.unlink()  # which somebody did not want
    PairSet(tmp_path / "set", layout, SETTINGS)


def test_a_set_that_gets_no_image_leaves_no_folder(tmp_path: Path) -> None:
    """What was asked for may turn out not to work; asked for rightly, it is not held to what it was before."""
    PairSet(tmp_path / "set", "microdiff", {"size": [-5, 10]})
    assert not (tmp_path / "set").exists()
    pairs = PairSet(tmp_path / "set", "microdiff", {"size": [96, 96]})
    pairs.reject({"reasons": ["too dark"]})
    with pytest.raises(FileError, match="another size"):
        PairSet(tmp_path / "set", "microdiff", {"size": [64, 64]})


def test_a_set_is_of_one_make(tmp_path: Path) -> None:
    PairSet(tmp_path / "set", "stardist", SETTINGS).reject({"reasons": ["faint"]})
    with pytest.raises(FileError, match="begun with another layout, another seed"):
        PairSet(tmp_path / "set", "cellpose", {**SETTINGS, "seed": 4})


@pytest.mark.parametrize("content", ["", "not json\n", "[]\n", '{"kind": "else"}\n'])
def test_what_is_no_manifest_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(FileError, match=r"manifest|damaged"):
        PairSet(tmp_path, "stardist", SETTINGS)
    assert (tmp_path / MANIFEST).read_text() == content


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileError, match="not empty"):
        PairSet(tmp_path, "stardist", SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_missing_parent_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        PairSet(tmp_path / "a" / "b", "stardist", SETTINGS)
