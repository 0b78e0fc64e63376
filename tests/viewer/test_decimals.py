from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QLocale, Qt
from qtpy.QtWidgets import QDoubleSpinBox, QLineEdit, QWidget

from napari_microdiff.viewer.decimals import DecimalField, DecimalSlider
from napari_microdiff.viewer.layout import number_field
from napari_microdiff.viewer.object_fields import DiameterField
from napari_microdiff.viewer.synthesis.behind_fields import BehindFields


@pytest.fixture(params=["C", "de_DE", "fr_FR", "de_CH"])
def language(request: pytest.FixtureRequest) -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield
    QLocale.setDefault(before)


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize("typed", ["0,8", "0.8"])
def test_a_comma_and_a_point_are_both_the_decimal_point(qtbot: Any, typed: str) -> None:
    for most in (8, 5000):
        field = DecimalField()
        qtbot.addWidget(field)
        field.setSuffix(" px")
        field.setRange(0.1, most)
        field.selectAll()
        qtbot.keyClicks(field, typed)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert field.value() == 0.8


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize("typed", ["0,8", "0.8"])
def test_so_they_are_beside_a_slider(qtbot: Any, typed: str) -> None:
    slider = DecimalSlider(Qt.Orientation.Horizontal)
    qtbot.addWidget(slider)
    slider.setRange(0, 4)
    slider.setDecimals(1)
    label = slider.findChild(QLineEdit)
    label.selectAll()
    qtbot.keyClicks(label, typed)
    qtbot.keyClick(label, Qt.Key.Key_Return)
    assert slider.value() == pytest.approx(0.8)
    assert label.text() == "0.8"


@pytest.mark.parametrize(
    "make",
    [
        lambda: number_field(" px", 0.1, 8, ""),
        lambda: DiameterField(""),
        lambda: BehindFields(ViewerModel()),
    ],
    ids=["number", "diameter", "noise behind"],
)
def test_the_fields_of_the_panels_are_such(qtbot: Any, make: Callable[[], QWidget]) -> None:
    widget = make()
    qtbot.addWidget(widget)
    fields = [widget] if isinstance(widget, QDoubleSpinBox) else widget.findChildren(QDoubleSpinBox)
    assert fields
    assert all(isinstance(field, DecimalField) for field in fields)
