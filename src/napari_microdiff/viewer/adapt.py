"""Adapting a model to one image: the question before and the pictures after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from magicgui.widgets import Container, LineEdit, SpinBox
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from ..models.card import Card

SIDE = 320


def start_adapting(
    model: str, array: Any, *, axes: str, name: str, steps: int, seed: int, device: str
) -> Iterator[Any]:
    """Return the events of adapting; called in the worker's thread."""
    from ..training.adapt import adapt  # torch comes with it

    return adapt(model, array, name=name, axes=axes, steps=steps, seed=seed, device=device)


def as_id(text: str) -> str:
    """Return a name that a model may have, as near to ``text`` as can be."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._") or "adapted"


def verdict(model: str, image: str, gain_db: float | None) -> str:
    """Say what adapting brought, and which model is chosen now."""
    if gain_db is None:
        judged = "the image is too small to measure whether that helped. Compare before and after."
    elif gain_db <= 0:
        return (
            f"Learning from {image} brought nothing ({gain_db:+.1f} dB, as estimated): the model chosen before stays "
            f"chosen. What came out was saved as '{model}'."
        )
    else:
        judged = f"its error is estimated to be {gain_db:.1f} dB smaller."
    return f"The model '{model}' is adapted to {image} and chosen now; {judged}"


class AdaptDialog(QDialog):
    """Asks for a name and the length of the training."""

    def __init__(self, layer_name: str, card: Card, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Adapt to this image")
        text = QLabel(
            f"“{card.title}” is trained further on “{layer_name}” alone, without a clean image, and kept as a new "
            "model under a name of its own. It takes a minute or two; you can go on working."
        )
        text.setWordWrap(True)
        self._name = LineEdit(value=as_id(layer_name), label="Name of the model")
        self._steps = SpinBox(value=300, min=10, max=10000, step=50, label="Training steps")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Adapt")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(text)
        column.addWidget(Container(widgets=[self._name, self._steps]).native)
        column.addWidget(buttons)
        self.resize(400, self.sizeHint().height())

    @property
    def name(self) -> str:
        """Name of the new model."""
        return as_id(str(self._name.value))

    @property
    def steps(self) -> int:
        """Training steps."""
        return int(self._steps.value)


class BeforeAfterDialog(QDialog):
    """Shows what the model made of the image before and after it was adapted."""

    def __init__(self, before: NDArray[Any], after: NDArray[Any], name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"{name}: before and after adapting")
        planes = [_plane(before), _plane(after)]
        low, high = np.percentile(planes[0], (0.5, 99.5))
        grid = QGridLayout(self)
        for column, (title, plane) in enumerate(zip(("before", "after"), planes, strict=True)):
            grid.addWidget(QLabel(title), 0, column, Qt.AlignmentFlag.AlignHCenter)
            picture = QLabel()
            picture.setPixmap(_pixmap(plane, float(low), float(high)))
            grid.addWidget(picture, 1, column)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.close)
        grid.addWidget(close, 2, 0, 1, 2)


def _plane(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return the first plane, at most `SIDE` pixels from its middle."""
    plane = np.asarray(image, dtype=np.float32)
    plane = plane.reshape(-1, *plane.shape[-2:])[0]
    top, left = (max(0, (n - SIDE) // 2) for n in plane.shape)
    return plane[top : top + SIDE, left : left + SIDE]


def _pixmap(plane: NDArray[np.float32], low: float, high: float) -> QPixmap:
    grey = np.ascontiguousarray(np.clip((plane - low) / max(high - low, 1e-9) * 255, 0, 255).astype(np.uint8))
    height, width = grey.shape
    image = QImage(grey.tobytes(), width, height, width, QImage.Format.Format_Grayscale8)
    return QPixmap.fromImage(image.copy())
