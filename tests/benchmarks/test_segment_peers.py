"""The peers of segmentation: which images they are trained on, and what is read of theirs."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_microdiff.training.recipes import read_recipe

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not part of this copy")


@pytest.fixture
def segment_peers(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield importlib.import_module("segment_peers")
    for name in [name for name in sys.modules if name.split(".")[0] in ("segment_peers", "outlined", "peers")]:
        sys.modules.pop(name)
    for name in ("common", "report"):
        sys.modules.pop(name, None)


@pytest.fixture
def folders(segment_peers):
    return importlib.import_module("peers.labelled_folders")


def labels_of_discs(side=96):
    y, x = np.mgrid[:side, :side]
    return ((np.hypot(y - 30, x - 30) < 12) + 2 * (np.hypot(y - 66, x - 66) < 12)).astype(np.int32)


def save(folder, count):
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
        for i in range(count):
            tifffile.imwrite(folder / kind / f"{i:02}.tif", np.full((4, 4), i, dtype=np.uint8))


def test_peers_train_on_what_our_recipe_trains_on(folders, tmp_path):
    entry = read_recipe("segment-nuclei").labelled[0]
    assert entry.hold_out == folders.HOLD_OUT
    save(tmp_path, 17)
    held, labels = folders.load(tmp_path, validation=True)
    assert [image[0, 0] for image in held] == [part[0, 0] for part in labels] == [7, 15]
    kept, _ = folders.load(tmp_path, validation=False)
    assert len(kept) == 15
    assert len(folders.load(tmp_path, validation=False, count=3)[0]) == 3
    with pytest.raises(SystemExit, match="no images"):
        folders.load(tmp_path / "elsewhere", validation=False)


def test_training_adds_up(folders, tmp_path):
    folders.note_training(tmp_path, version="1", minutes=10.04, steps=100, validation=[2.0])
    folders.note_training(tmp_path, version="2", minutes=5, steps=50, validation=[1.0])
    told = json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))
    assert told == {"version": "2", "minutes": 15.0, "steps": 150, "validation": [1.0]}


def test_what_a_peer_found_is_read_if_all_of_it_is_there(segment_peers, folders, tmp_path):
    peer, labels = segment_peers.STARDIST, labels_of_discs()
    images = [segment_peers.Outlined(name, "bright", 9 * labels, labels) for name in ("a", "b")]
    assert peer.labels(tmp_path, images) is None
    assert peer.training(tmp_path) == ""
    for item in images:
        (tmp_path / "images").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "images" / f"{item.name}.tif", item.image)
    folders.predict(tmp_path / "images", peer.model(tmp_path) / "labels", lambda image: image // 9)
    for found in peer.labels(tmp_path, images):
        np.testing.assert_array_equal(found, labels)
    folders.note_training(peer.model(tmp_path), version="0.9", minutes=5, steps=50)
    assert peer.training(tmp_path) == "0.9, trained for 50 steps in 5 min"
    with pytest.raises(ValueError, match="shape"):
        peer.labels(tmp_path, [segment_peers.Outlined("a", "bright", labels[:9], labels[:9])])


def test_a_plain_unet_of_the_size_of_ours_draws_two_maps(segment_peers, tmp_path):
    import torch

    plain, peers = segment_peers.plain_segment_unet, importlib.import_module("peers.plain_unet")
    network = plain.PlainSegmentUNet(widths=(8, 8), blocks=1)
    assert network(torch.zeros(1, 1, 32, 48)).shape == (1, 2, 32, 48)
    denoiser = peers.PlainUNet(widths=(8, 8), blocks=1)
    torch.nn.init.zeros_(denoiser.out.weight)
    torch.nn.init.zeros_(denoiser.out.bias)
    image = torch.rand(1, 1, 32, 32)
    assert torch.equal(denoiser(image), image)
    images = [segment_peers.Outlined("a", "bright", labels_of_discs(), labels_of_discs())]
    assert segment_peers.plain_unet(tmp_path / "none.pt", images, [24.0]) is None


def test_maps_of_a_plain_unet_are_read_at_the_size_of_the_image(segment_peers):
    import torch

    from napari_microdiff.imaging.instances import maps_of
    from napari_microdiff.imaging.resize import resized

    labels = labels_of_discs(90)

    def network(pixels):
        assert pixels.shape == (1, 1, 192, 192)  # twice as large, and a multiple of 16
        maps = np.stack([np.pad(resized(one, (180, 180)), (0, 12)) for one in maps_of(labels)])
        return torch.from_numpy(maps)[None]

    found = segment_peers.plain_segment_unet.outline(network, 24.0, 9 * labels, "bright", 12.0)
    assert found.shape == labels.shape
    assert np.mean(found == labels) > 0.98


def test_without_stardist_there_is_no_second_opinion(segment_peers, monkeypatch):
    monkeypatch.setattr(segment_peers, "run_peer", lambda *_, **__: None)
    assert segment_peers.second_opinion([labels_of_discs()], [labels_of_discs()]) is None


def test_a_second_opinion_is_compared_with_ours(segment_peers, monkeypatch):
    truth, found = labels_of_discs(), labels_of_discs()
    found[found == 2] = 0
    right = [(1, 0, 1)] * len(segment_peers.THRESHOLDS)
    given = {}

    def answer(python, script, arrays, mode):
        given.update(arrays, mode=mode)
        return {"counts": np.array([right])}

    monkeypatch.setattr(segment_peers, "run_peer", answer)
    assert segment_peers.second_opinion([truth], [found]) == (0, 0.0)
    assert given["mode"] == "match"
    np.testing.assert_array_equal(given["found_0"], found)
    right[0] = (2, 0, 0)
    difference, precision = segment_peers.second_opinion([truth], [found])
    assert (difference, precision) == (1, 0.5)
