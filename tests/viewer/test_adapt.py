from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialogButtonBox, QLineEdit, QWidget

from napari_microdiff.models.card import LONGEST_IDENTITY
from napari_microdiff.models.store import find_model
from napari_microdiff.training.adapted import Adapted
from napari_microdiff.training.denoise.recorrupt import RecorruptedFit
from napari_microdiff.viewer.adapt import AdaptDialog, BeforeAfterDialog, as_id, verdict
from napari_microdiff.viewer.denoise import DenoisePanel

LONG = 600_000


@pytest.mark.parametrize(
    ("text", "name"), [("Actin (cell 3)", "actin-cell-3"), ("tubulin", "tubulin"), ("…", "adapted"), ("_x", "x")]
)
def test_any_layer_name_gives_a_name_for_a_model(text: str, name: str) -> None:
    assert as_id(text) == name


def test_before_and_after_share_one_contrast(qtbot: Any) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    image = np.random.default_rng(0).normal(size=(3, 400, 200)).astype(np.float32)
    BeforeAfterDialog(image, image * 0, "actin", parent).show()
    assert parent.findChild(BeforeAfterDialog).windowTitle() == "actin: before and after adapting"


@pytest.fixture
def panel(make_napari_viewer_proxy: Any, tiny_model: str, qtbot: Any) -> DenoisePanel:
    viewer = make_napari_viewer_proxy()
    panel = DenoisePanel(viewer)
    viewer.window.add_dock_widget(panel, name="Denoise")
    panel.model.choose(tiny_model)
    image = np.random.default_rng(0).normal(100, 10, (160, 160)).astype(np.float32)
    viewer.add_image(image, name="Actin 1")
    return panel


def ask(qtbot: Any, panel: DenoisePanel, button: QDialogButtonBox.StandardButton) -> AdaptDialog:
    qtbot.mouseClick(panel.adapting.button, Qt.MouseButton.LeftButton)
    dialog = panel.findChild(AdaptDialog)
    dialog.findChild(QDialogButtonBox).button(button).click()
    return dialog


def test_adapting_makes_a_model_and_chooses_it(panel: DenoisePanel, qtbot: Any, tiny_model: str) -> None:
    panel.adapting.begin("actin-1", 2)
    assert panel.run_bar.run.toolTip() == "A job is running. Wait for it or cancel it."
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.model.card is not None, panel.results.line.text()
    assert panel.model.card.id == "actin-1"
    assert find_model("actin-1").card.parent == tiny_model
    assert "'actin-1' is adapted to Actin 1" in panel.results.line.text()
    assert "could not be measured" in panel.results.line.text()
    assert panel.findChild(BeforeAfterDialog) is not None


def test_an_adapted_model_is_offered_in_all_panels(panel: DenoisePanel, qtbot: Any, tiny_model: str) -> None:
    other = DenoisePanel(panel.viewer)
    panel.viewer.window.add_dock_widget(other, name="Another")
    other.model.choose(tiny_model)
    changes: list[bool] = []
    other.model.changed.connect(lambda: changes.append(True))
    panel.adapting.begin("b1", 1)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert "b1" in {card.id for card in other.model.cards}
    assert other.model.card is not None
    assert other.model.card.id == tiny_model
    assert not changes  # what was set there stays


def test_the_model_that_is_chosen_stays_so_when_another_gets_its_title(
    panel: DenoisePanel, qtbot: Any, tiny_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.adapting.begin("b1", 1)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    monkeypatch.setattr("napari_microdiff.training.denoise.recorrupt.RecorruptedFit.gain_db", lambda _: -0.25)
    panel.model.choose(tiny_model)
    panel.adapting.begin("b2", 1)  # whose title is that of b1
    panel.model.choose("b1")
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert {"b1", "b2"} <= {card.id for card in panel.model.cards}
    assert panel.model.card is not None
    assert panel.model.card.id == "b1"


def test_without_the_chosen_model_the_usual_one_is_chosen(panel: DenoisePanel) -> None:
    panel.model.offer([card for card in panel.model.cards if card.id != "tiny"])
    assert panel.model.card is not None
    assert panel.model.card.id == "denoise-fluorescence"


def test_a_model_that_brought_nothing_is_not_chosen(
    panel: DenoisePanel, qtbot: Any, tiny_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RecorruptedFit, "gain_db", lambda _: -0.25)
    panel.adapting.begin("actin-1", 1)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.model.card is not None
    assert panel.model.card.id == tiny_model
    assert find_model("actin-1").card.parent == tiny_model
    assert "brought next to nothing" in panel.results.line.text()
    assert panel.findChild(BeforeAfterDialog) is not None


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (1.26, "1.3 dB smaller"),
        (0.14, "next to nothing (+0.1 dB"),
        (-0.2, "next to nothing (-0.2 dB"),
        (None, "could not be measured"),
    ],
)
def test_what_adapting_brought_is_said_in_words(gain: float | None, said: str) -> None:
    image = np.zeros((2, 2), np.float32)
    assert said in verdict(Adapted("actin-1", image, image, gain), "Actin 1")


def test_the_button_asks_first_and_the_answer_may_be_no(panel: DenoisePanel, qtbot: Any) -> None:
    dialog = ask(qtbot, panel, QDialogButtonBox.StandardButton.Cancel)
    assert (dialog.name, dialog.steps) == ("actin-1", 300)
    assert panel.runner.job is None


@pytest.mark.parametrize(
    ("typed", "said", "free"),
    [
        ("actin-2", "", True),
        ("Zellkörper 3", "It will be called 'zellk-rper-3'.", True),
        ("微管", "It will be called 'adapted'.", True),
        ("", "It will be called 'adapted'.", True),
        ("tiny", "'tiny' is taken. Choose another name.", False),
        ("Tiny!", "'tiny' is taken. Choose another name.", False),
    ],
)
def test_the_dialog_says_what_the_model_will_be_called(
    panel: DenoisePanel, qtbot: Any, typed: str, said: str, free: bool
) -> None:
    qtbot.mouseClick(panel.adapting.button, Qt.MouseButton.LeftButton)
    dialog = panel.findChild(AdaptDialog)
    adapt = dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok)
    assert (dialog.told.text(), adapt.isEnabled()) == ("", True)
    height = dialog.height()
    field = dialog.findChild(QLineEdit)
    field.setText(typed)
    assert dialog.told.text() == said
    assert dialog.told.warns is not free
    assert adapt.isEnabled() is free
    assert dialog.height() == height  # nothing jumps while one types
    qtbot.keyClick(field, Qt.Key.Key_Return) if not free else dialog.reject()
    assert dialog.isVisible() is not free
    assert panel.runner.job is None
    dialog.reject()


def test_no_name_can_be_asked_for_that_is_too_long_for_a_model(panel: DenoisePanel, qtbot: Any) -> None:
    panel.viewer.layers[0].name = "actin " * 50
    dialog = ask(qtbot, panel, QDialogButtonBox.StandardButton.Cancel)
    assert dialog.name.startswith("actin-actin")
    assert len(dialog.name) <= LONGEST_IDENTITY


def test_adapting_can_be_cancelled_and_leaves_no_model(panel: DenoisePanel, qtbot: Any) -> None:
    before = [card.id for card in panel.model.cards]
    ask(qtbot, panel, QDialogButtonBox.StandardButton.Ok)
    qtbot.waitUntil(lambda: panel.run_bar.bar.value() > 0, timeout=LONG)
    qtbot.mouseClick(panel.run_bar.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.runner.job is None, timeout=LONG)
    assert panel.results.line.text() == "Cancelled; nothing was changed."
    panel.model.reload()
    assert [card.id for card in panel.model.cards] == before
