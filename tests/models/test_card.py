"""A card survives writing and reading, and a wrong one is explained."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from napari_microdiff.errors import ModelError
from napari_microdiff.models.card import CARD_NAME, Architecture, Card, Familiarity, Quality, read_card, write_card

CARD = Card(
    id="denoise-test",
    title="Test µ",
    summary="trained on nothing",
    task="denoise",
    pixel_size_um=(0.05, 0.2),
    sigma_data=0.5,
    sigma_max=80,
    halo=96,
    architecture=Architecture(widths=(8, 16), blocks=1, condition_channels=1),
    weights_sha256="0" * 64,
    training={"steps": 10, "crop": [64, 64]},
    quality=(Quality(measure="PSNR", data="none", value=1.5, unit="dB", command="make x"),),
    known_failures=("everything",),
    familiarity=Familiarity(mean=(0.0, 1.0), precision=((1.0, 0.0), (0.0, 1.0)), threshold=3.0),
)


def test_round_trip(tmp_path: Path) -> None:
    write_card(CARD, tmp_path)
    assert read_card(tmp_path) == CARD


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigma_data": 0}, "sigma_data"),
        ({"id": "../evil"}, "id"),
        ({"id": "Über"}, "id"),
        ({"weights_sha256": "abc"}, "weights_sha256"),
        ({"task": "dream"}, "task"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"architecture": {"blocks": 1}}, "architecture.widths"),
        ({"architecture": {"blocks": 1, "widths": []}}, "architecture.widths"),
        ({"architecture": {"blocks": 1, "widths": [0, 8]}}, "architecture.widths.0"),
        ({"content": {"mean": [0, 1], "precision": [[1, 0]], "threshold": 3}}, "content: the precision has to have"),
        ({"content": {"mean": [0, 1], "precision": [[1], [0]], "threshold": 3}}, "content: the precision has to have"),
    ],
)
def test_invalid_fields_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    (tmp_path / CARD_NAME).write_text(yaml.safe_dump(CARD.model_dump(mode="json") | change))
    with pytest.raises(ModelError, match=rf"not a valid model card: {message}"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    "content", [b"a: [1, 2", b"version: 2024-13-45", b"\xff\xfe\x00bad", b"!!python/object/apply:os.getcwd []"]
)
def test_unreadable_cards(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CARD_NAME).write_bytes(content)
    with pytest.raises(ModelError, match="not readable as YAML"):
        read_card(tmp_path)


@pytest.mark.parametrize("content", ["", "just text", "[1, 2]"])
def test_cards_that_are_no_mapping(tmp_path: Path, content: str) -> None:
    (tmp_path / CARD_NAME).write_text(content)
    with pytest.raises(ModelError, match="not a valid model card"):
        read_card(tmp_path)


def test_no_card(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not a model: it has no card\.yaml"):
        read_card(tmp_path)


def test_models_are_listed_without_torch() -> None:
    code = "import sys, napari_microdiff.models.store as s; s.list_models(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)
