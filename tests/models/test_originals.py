"""What training images are known by is a file of the model, and is checked as its weights are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_microdiff.errors import ModelError
from napari_microdiff.imaging.originals import Originals
from napari_microdiff.models.card import write_card
from napari_microdiff.models.originals import read_originals, write_originals
from napari_microdiff.models.store import Model, add_model, find_model
from napari_microdiff.models.weights_file import ORIGINALS_NAME


@pytest.fixture
def model(painter: str) -> Model:
    """A model that knows a training image again."""
    found = find_model(painter)
    labels = np.zeros((60, 70), int)
    labels[20:30, 20:30] = 1
    labels[40:50, 40:50] = 2
    originals = Originals.of([(np.random.default_rng(0).random((60, 70)), labels)])
    known = write_originals(originals, 0.7, found.folder)
    write_card(found.card.model_copy(update={"originals": known}), found.folder)
    return find_model(painter)


def test_it_is_read_as_it_was_written(model: Model, painter: str) -> None:
    assert model.card.originals is not None
    assert (model.card.originals.limit, model.card.originals.count) == (0.7, 2)
    originals = read_originals(model)
    assert originals is not None
    assert originals.prints.dtype == np.int8
    assert read_originals(find_model("tiny")) is None


def test_it_comes_with_a_model_that_is_added(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPARI_MICRODIFF_MODELS", str(tmp_path / "elsewhere"))
    added = add_model(model.folder)
    originals, before = read_originals(added), read_originals(model)
    assert originals is not None
    assert before is not None
    np.testing.assert_array_equal(originals.prints, before.prints)


def test_a_changed_or_missing_file_is_refused(model: Model) -> None:
    path = model.folder / ORIGINALS_NAME
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ModelError, match="was changed or is incomplete"):
        read_originals(model)
    path.write_bytes(b"no tensors at all")
    with pytest.raises(ModelError, match="not a safetensors file"):
        read_originals(model)
    with pytest.raises(ModelError, match="not a safetensors file"):
        add_model(model.folder)
    path.unlink()
    with pytest.raises(ModelError, match="no readable"):
        read_originals(model)
