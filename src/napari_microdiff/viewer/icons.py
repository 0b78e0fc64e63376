"""Small pictures as square icons."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QIcon, QImage, QPainter, QPixmap


def empty_square(side: int, colour: Any = Qt.GlobalColor.transparent) -> QPixmap:
    """Return a square of one colour."""
    square = QPixmap(side, side)
    square.fill(colour)
    return square


def in_square(pixels: NDArray[np.uint8], side: int, margin: int, opacity: float = 1.0) -> QPixmap:
    """Return a picture, grey or in colours, as large as it fits into the middle of a transparent square."""
    colours = np.ascontiguousarray(pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1))
    height, width = colours.shape[:2]
    image = QImage(colours.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    inside, smooth = side - 2 * margin, Qt.TransformationMode.SmoothTransformation
    small = QPixmap.fromImage(image.scaled(inside, inside, Qt.AspectRatioMode.KeepAspectRatio, smooth))
    square = empty_square(side)
    painter = QPainter(square)
    painter.setOpacity(opacity)
    painter.drawPixmap((side - small.width()) // 2, (side - small.height()) // 2, small)
    painter.end()
    return square


def icon_of(picture: QPixmap) -> QIcon:
    """Return an icon that keeps its colours where it is selected."""
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)
    return icon
