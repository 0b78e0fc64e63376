"""Fields for numbers in which a comma and a point are both the decimal point, whatever the language of the computer.

Qt takes the one that is not for a separator of thousands: 0,8 would be read as 8.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QLocale
from qtpy.QtGui import QDoubleValidator
from qtpy.QtWidgets import QDoubleSpinBox, QLineEdit
from superqt import QLabeledDoubleSlider


class DecimalField(QDoubleSpinBox):
    """A field for a number."""

    def validate(self, text: str, position: int) -> Any:
        """Return whether ``text`` is a number, and it with the decimal point that is usual here."""
        point = self.locale().decimalPoint()
        return super().validate(text.replace(",", point).replace(".", point), position)


class DecimalSlider(QLabeledDoubleSlider):
    """A slider beside a number that can be typed over."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        label = self.findChild(QLineEdit)
        label.setValidator(_Points(label))


class _Points(QDoubleValidator):
    """Takes what Python reads as a number: one with a point."""

    def __init__(self, label: QLineEdit) -> None:
        super().__init__(label)
        self.setLocale(QLocale.c())

    def validate(self, text: str, position: int) -> Any:
        return super().validate(text.replace(",", "."), position)
