"""What was accepted can be learned from, and says where it comes from."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml
from numpy.typing import NDArray

from napari_microdiff.errors import FileError, ImageError, MicrodiffError, RequestError
from napari_microdiff.files import Picture
from napari_microdiff.files.training_recipe import crops_in, recipe_with
from napari_microdiff.files.training_set import ExportedSet, export_training_set
from napari_microdiff.training.parent import parent_of
from napari_microdiff.training.recipes import read_recipe
from napari_microdiff.training.segment.recipe import SegmentRecipe
from napari_microdiff.training.segment.sources import load_planes

DATE = "2026-01-02T03:04:05+00:00"
SIZES = {"Y": 0.25, "X": 0.25}


def discs(rows: int = 5, columns: int = 7, step: int = 32, radius: int = 8) -> NDArray[np.int64]:
    """Return discs on a grid, with numbers that are far apart."""
    y, x = np.mgrid[: rows * step, : columns * step]
    inside = np.hypot(y % step - step // 2, x % step - step // 2) <= radius
    return np.where(inside, 70_000 + 10 * (y // step * columns + x // step), 0)


def pictures(labels: NDArray[np.int64], axes: str = "YX", name: str = "cells") -> tuple[Picture, Picture]:
    rng = np.random.default_rng(0)
    image = (np.where(labels > 0, 900, 100) + rng.integers(0, 50, labels.shape)).astype(np.uint16)
    return (
        Picture(image, axes, SIZES, path=Path(f"/data/{name}.tif")),
        Picture(labels, axes, path=Path(f"/data/{name} labels.ome.tif")),
    )


def states(labels: NDArray[np.int64], *others: int) -> dict[str, list[Any]]:
    """Return a table in which all objects but these were accepted."""
    numbers = np.unique(labels[labels > 0]).tolist()
    known = {number: "auto" if number in others else "edited" if number % 20 else "accepted" for number in numbers}
    return {"index": numbers, "state": list(known.values())}


def export(folder: Path, labels: NDArray[np.int64], axes: str = "YX", *others: int, **more: Any) -> ExportedSet:
    return export_training_set(folder, *pictures(labels, axes), states(labels, *others), date=DATE, **more)


def recipe_of(folder: Path) -> SegmentRecipe:
    recipe = read_recipe(folder / "recipe.yaml")
    assert isinstance(recipe, SegmentRecipe)
    return recipe


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_plane_can_be_learned_from(tmp_path: Path) -> None:
    labels = discs()
    made = export(tmp_path / "set", labels)
    assert (made.crops, made.objects, made.crops_in_all) == (2, 35, 2)
    assert (made.accepted_left_out, made.others_left_out) == (0, 0)
    assert made.planes == {"whole": 1, "in part": 0, "left out": 0, "empty": 0}
    recipe = recipe_of(tmp_path / "set")
    bundled = read_recipe("segment-nuclei")
    assert (recipe.architecture, recipe.sigma_max) == (bundled.architecture, bundled.sigma_max)
    assert recipe.id == "set-outlines"
    planes = [plane for which in (False, True) for plane in load_planes(recipe, tmp_path / "set", validation=which)]
    joined = np.concatenate([plane.image for plane in planes], axis=1)
    np.testing.assert_array_equal(joined, pictures(labels)[0].array)
    np.testing.assert_array_equal(np.concatenate([plane.labels > 0 for plane in planes], axis=1), labels > 0)


def test_it_says_where_it_comes_from(tmp_path: Path) -> None:
    labels = discs()
    request = {"request": {"model": "segment-nuclei", "seed": 3}}
    made = export(tmp_path / "set", labels, "YX", 70_000, made_by=request)
    facts = json.loads((made.folder / "export.json").read_text(encoding="utf-8"))
    assert facts["date"] == DATE
    assert facts["made_by"] == request
    pixels = pictures(labels)[0].array
    fingerprint = hashlib.sha256(b"(160, 224) <u2" + pixels.astype("<u2").tobytes()).hexdigest()
    assert facts["image"] == {
        "file": str(Path("/data/cells.tif")),
        "axes": "YX",
        "shape": [160, 224],
        "sha256_of_pixels": fingerprint,
    }
    assert facts["labels"]["file"].endswith("cells labels.ome.tif")
    assert facts["pixel_size_um"] == SIZES
    assert facts["states"] == {"accepted": 17, "auto": 1, "edited": 17}
    assert {"napari-microdiff", "numpy"} <= facts["versions"].keys()
    for crop in facts["crops"]:
        here = tuple(slice(*crop["region"][axis]) for axis in "YX")
        numbered = tifffile.imread(made.folder / "labels" / crop["file"])
        np.testing.assert_array_equal(np.array([0, *crop["objects"]])[numbered], labels[here])
        np.testing.assert_array_equal(
            tifffile.imread(made.folder / "images" / crop["file"]), pictures(labels)[0].array[here]
        )
        assert 70_000 not in crop["objects"]


def test_no_crop_shows_what_was_not_accepted(tmp_path: Path) -> None:
    labels = np.stack([discs(), discs() + (discs() > 0), np.zeros((160, 224), int), discs() + 2 * (discs() > 0)])
    unseen = np.unique(labels[3][labels[3] > 0]).tolist()
    made = export(tmp_path / "set", labels, "TYX", 70_001, *unseen)
    assert made.planes == {"whole": 1, "in part": 1, "left out": 1, "empty": 1}
    assert made.others_left_out == 36
    assert made.objects + made.accepted_left_out == 35 + 34
    facts = json.loads((made.folder / "export.json").read_text(encoding="utf-8"))
    for crop in facts["crops"]:
        shown = labels[crop["plane"]["T"]][tuple(slice(*crop["region"][axis]) for axis in "YX")]
        assert not np.isin(shown, [70_001, *unseen]).any()
    assert {crop["plane"]["T"] for crop in facts["crops"]} == {0, 1}


def test_objects_that_the_table_does_not_know_are_not_accepted(tmp_path: Path) -> None:
    labels = discs()
    known = {"label": [70_000, 70_010], "state": ["accepted", "accepted"]}
    with pytest.raises(RequestError, match="2 were accepted"):
        export_training_set(tmp_path / "set", *pictures(labels), known, date=DATE)
    assert not (tmp_path / "set").exists()


def test_a_second_export_adds_and_overwrites_nothing(tmp_path: Path) -> None:
    first = export(tmp_path / "set", discs())
    before = snapshot(first.folder)
    second = export(tmp_path / "set", discs())
    assert (second.crops, second.crops_in_all) == (1, 3)
    assert (first.known_image, second.known_image) == (False, True)
    assert [path.name for path in (first.folder, second.folder)] == ["00001-cells-labels", "00002-cells-labels"]
    assert snapshot(first.folder) == before
    (first.folder / "export.json").write_text("[]", encoding="utf-8")
    assert export(tmp_path / "set", discs()).known_image
    (second.folder / "export.json").unlink()
    assert sum(len(load_planes(recipe_of(tmp_path / "set"), tmp_path / "set", validation=v)) for v in (0, 1)) == 4


def test_each_way_of_showing_objects_has_an_entry(tmp_path: Path) -> None:
    image, labels = pictures(discs())
    colours = Picture(np.stack([1000 - image.array] * 3, axis=-1), "YXS", path=image.path)
    known = states(labels.array)
    for picture, shown in ((image, "bright"), (colours, "stained"), (colours, "stained")):
        export_training_set(tmp_path / "set", picture, labels, known, date=DATE, shown=shown)  # type: ignore[arg-type]
    planes = load_planes(recipe_of(tmp_path / "set"), tmp_path / "set", validation=False)
    assert {plane.kind for plane in planes} == {"bright", "stained"}
    for plane in planes:
        assert plane.image[plane.labels > 0].mean() > plane.image[plane.labels == 0].mean() + 500


def test_no_crop_moves_from_training_to_validation(tmp_path: Path) -> None:
    seen: set[str] = set()
    for number in range(18):
        known = states(discs(2, 2))
        export_training_set(tmp_path / "set", *pictures(discs(2, 2) + 0, name=f"{number}"), known, date=DATE)
        files = sorted((tmp_path / "set").glob("bright/*/images/*.tif"))
        hold_out = recipe_of(tmp_path / "set").labelled[0].hold_out
        held = {str(path) for i, path in enumerate(files) if i % hold_out == hold_out - 1}
        assert held
        assert not held & seen
        seen |= {str(path) for path in files} - held
    assert hold_out == 8


def test_a_recipe_that_somebody_changed_is_kept(tmp_path: Path) -> None:
    export(tmp_path / "set", discs())
    path = tmp_path / "set" / "recipe.yaml"
    changed = yaml.safe_load(path.read_text(encoding="utf-8")) | {"steps": 123, "title": "Küvette"}
    changed["labelled"][0]["hold_out"] = 3
    path.write_text("# mine\n" + yaml.safe_dump(changed, allow_unicode=True), encoding="utf-8")
    before = path.read_bytes()
    for _ in range(8):
        export(tmp_path / "set", discs())
    assert path.read_bytes() == before


def test_a_training_set_goes_on_from_the_bundled_model(tmp_path: Path) -> None:
    export(tmp_path / "set", discs())
    recipe = recipe_of(tmp_path / "set")
    parent = parent_of(recipe)
    assert parent is not None
    assert parent.card.id == recipe.start_from == "segment-nuclei"
    assert parent.card.diameter_px == pytest.approx(recipe.diameter_px, rel=0.1)
    assert parent.card.sigma_max == recipe.sigma_max


def test_a_recipe_for_something_else_is_refused(tmp_path: Path) -> None:
    for text in ("task: denoise\n", "labelled: 3\n", "a: [\n", "labelled: [1]\n"):
        (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(FileError, match="no recipe for outlining"):
            export(tmp_path, discs())
        assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]
    assert crops_in(tmp_path / "gone", "bright") == 0
    assert yaml.safe_load(recipe_with(tmp_path / "Ünder", "dark", 30))["labelled"][0]["hold_out"] == 8


def test_planes_of_a_stack_with_axes_in_another_order(tmp_path: Path) -> None:
    image, labels = pictures(np.stack([discs(), discs()]), "ZYX")
    turned = Picture(np.moveaxis(image.array, 0, -1), "YXZ", path=image.path)
    made = export_training_set(tmp_path / "set", turned, labels, states(labels.array), date=DATE)
    for crop, plane in zip(("00001.tif", "00002.tif"), image.array, strict=True):
        np.testing.assert_array_equal(tifffile.imread(made.folder / "images" / crop), plane)


def test_an_axis_of_one_channel_is_none(tmp_path: Path) -> None:
    image, labels = pictures(discs())
    made = export_training_set(
        tmp_path / "set", Picture(image.array[None], "CYX"), labels, states(labels.array), date=DATE
    )
    assert made.objects == 35


@pytest.mark.parametrize(
    ("image", "axes", "shown", "error", "message"),
    [
        (np.zeros((160, 225)), "YX", "bright", ImageError, "Choose the image that was segmented"),
        (np.zeros((2, 160, 224)), "CYX", "bright", ImageError, "Choose the channel"),
        (np.zeros((160, 224)), "YX", "stained", ImageError, "in colours only"),
        (np.zeros((160, 224), complex), "YX", "bright", ImageError, "real numbers"),
        (np.full((160, 224), np.nan), "YX", "bright", ImageError, "not finite"),
    ],
)
def test_what_cannot_be_learned_from(
    tmp_path: Path, image: NDArray[Any], axes: str, shown: Any, error: type[MicrodiffError], message: str
) -> None:
    labels = discs()
    with pytest.raises(error, match=message):
        export_training_set(
            tmp_path / "set", Picture(image, axes), Picture(labels, "YX"), states(labels), date=DATE, shown=shown
        )
    assert not list(tmp_path.iterdir())


def test_states_have_to_be_known(tmp_path: Path) -> None:
    for known in ({"label": [70_000]}, {"state": ["accepted"]}):
        with pytest.raises(RequestError, match="'label' and 'state'"):
            export_training_set(tmp_path / "set", *pictures(discs()), known, date=DATE)
    with pytest.raises(RequestError, match="No part of the 0 objects"):
        export(tmp_path / "set", np.zeros((90, 90), int))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("where", ["tifffile.imwrite", "json.dumps", "os.rename", "os.fsync"])
@pytest.mark.parametrize("existing", [True, False])
def test_a_full_disk_adds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, existing: bool) -> None:
    if existing:
        export(tmp_path / "set", discs())
    before = snapshot(tmp_path)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(where, full)
    with pytest.raises(FileError, match="The disk is full"):
        export(tmp_path / "set", discs())
    assert snapshot(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == existing


def test_a_broken_export_is_no_part_of_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(tmp_path / "set", discs())
    found = []

    def look(*_: Any, **__: Any) -> None:
        found.append(sorted(path.name for path in (tmp_path / "set").glob("bright/*/images/*")))
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_microdiff.files.training_files._versions", look)
    with pytest.raises(KeyboardInterrupt):
        export(tmp_path / "set", discs())
    assert found == [["00001.tif", "00002.tif"]]


def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError, match="does not exist"):
        export(tmp_path / "gone" / "set", discs())
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(FileError, match="file"):
        export(tmp_path / "file", discs())

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(FileError, match="no permission to write"):
        export(tmp_path / "set", discs())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
