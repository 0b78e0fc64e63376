"""A training set made from the panel: asked for, made in the background, gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import napari
import numpy as np

from napari_microdiff.files import read_image
from napari_microdiff.imaging.judging import Scores
from napari_microdiff.tasks.judge import Judge
from napari_microdiff.viewer.synthesis.panel import SynthesizePanel
from napari_microdiff.viewer.synthesis.set_dialog import SetDialog

from .test_panel import LONG, click, mask, panel, viewer

__all__ = ["panel", "viewer"]  # fixtures


def _finds_all(judge: Judge, drawn: Any, labels: np.ndarray) -> Any:
    yield from ()
    return Scores(mask=1.0)


def test_a_set_is_asked_for_and_made_and_gone_on_with(
    panel: SynthesizePanel, viewer: napari.Viewer, qtbot: Any, tmp_path: Path, noisy: np.ndarray, monkeypatch: Any
) -> None:
    monkeypatch.setattr(Judge, "look_at", _finds_all)
    panel.style.choose(viewer.add_image(noisy.astype(np.uint16), name="dapi"))
    assert not panel.sets.button.isEnabled()
    empty = np.zeros_like(mask())
    viewer.add_labels(np.stack([mask(), empty]), name="cells", scale=(2, 0.5, 0.5), units=("um", "um", "um"))
    click(qtbot, panel.sets.button)
    (dialog,) = panel.findChildren(SetDialog)
    assert not dialog.make.isEnabled()
    dialog.count.value = 2
    dialog.layouts.value = "given"
    dialog.program.value = "stardist"
    dialog.folder.line_edit.value = str(tmp_path / "set")
    assert dialog.make.isEnabled()
    dialog.make.click()
    assert panel.runner.job is not None
    assert not panel.run_bar.run.isEnabled()
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.results.line.text() == "set holds 2 pairs, 2 of them new; 0 images were left out."
    lines = [json.loads(line) for line in (tmp_path / "set" / "manifest.jsonl").read_text().splitlines()][1:]
    assert [(line["parents"], line["style"], line["synthetic"]) for line in lines] == [(["cells C0"], "dapi", True)] * 2
    image, labels = (read_image(tmp_path / "set" / lines[0][name]) for name in ("image", "labels"))
    np.testing.assert_array_equal(labels.array, mask())
    assert image.dtype == np.uint16
    assert image.pixel_size_um == {"Y": 0.5, "X": 0.5}
    wishes = {**dialog.wishes(), "count": 3}
    panel.sets.make(**wishes)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert "holds 3 pairs, 1 of them new" in panel.results.line.text()
    panel.sets.make(**{**wishes, "count": 50})
    with qtbot.waitSignal(panel.runner.progressed, timeout=LONG):
        pass
    click(qtbot, panel.run_bar.cancel)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert "goes on with them" in panel.results.line.text()
    panel.sets.make(**{**wishes, "layouts": "random"})
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.results.line.warns
    assert "another layouts" in panel.results.line.text()
