"""Small pictures of images that are being drawn."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QFont, QIcon, QPainter

from ...engine.events import Preview
from ...engine.request import Span
from ..icons import empty_square, icon_of, in_square

SIDE = 80
_BORDER = 3
_MARKS = {
    "kept": ("✓", QColor(60, 200, 90)),
    "rejected": ("✗", QColor(230, 80, 60)),
    "poor": ("▲", QColor(240, 170, 40)),
}


class Thumbnail:
    """One image, as coarse as it is shown.

    Parameters
    ----------
    region : tuple of (start, stop)
        What is drawn, one pair per axis of the mask; one plane.
    axes : str
        One letter per axis.
    colours : bool
        Whether it has colours.
    """

    def __init__(self, region: tuple[Span, ...], axes: str, *, colours: bool) -> None:
        self._plane = tuple(axis for axis, letter in enumerate(axes) if letter in "YX")
        spans = [region[axis] for axis in self._plane]
        self._starts = np.array([start for start, _ in spans])
        lengths = np.array([stop - start for start, stop in spans])
        self._stride = max(1, ceil(int(lengths.max()) / SIDE))
        shape = tuple(int(n) for n in -(-lengths // self._stride))
        self.pixels = np.full((*shape, 3) if colours else shape, np.nan, np.float32)

    def draw(self, preview: Preview) -> None:
        """Take in the newest estimate of a part."""
        spans = [preview.region[axis] for axis in self._plane]
        flat = tuple(slice(None) if axis in self._plane else 0 for axis in range(len(preview.region)))
        target, taken = [], []
        for (start, stop), origin in zip(spans, self._starts, strict=True):
            first = -(-(start - origin) // self._stride)
            target.append(slice(int(first), int(-(-(stop - origin) // self._stride))))
            taken.append(slice(int(origin + first * self._stride - start), None, self._stride))
        self.pixels[tuple(target)] = preview.image[flat][tuple(taken)]

    def icon(self, limits: tuple[float, float], state: str = "") -> QIcon:
        """Return it as an icon with a mark: "kept", "rejected", "poor" or none."""
        dark, bright = limits
        grey = np.nan_to_num((self.pixels - dark) / max(bright - dark, 1e-12)).clip(0, 1)
        square = in_square((255 * grey).astype(np.uint8), SIDE, _BORDER, 0.3 if state == "rejected" else 1.0)
        if state in _MARKS:
            painter = QPainter(square)
            _mark(painter, *_MARKS[state])
            painter.end()
        return icon_of(square)


def blank() -> QIcon:
    """Return the icon of an image that is not begun yet."""
    return QIcon(empty_square(SIDE, QColor(128, 128, 128, 40)))


def _mark(painter: QPainter, sign: str, colour: Any) -> None:
    """Draw a sign on a dark spot in the lower right corner, to be seen on any image."""
    side = 18
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 190))
    painter.drawEllipse(SIDE - side - 2, SIDE - side - 2, side, side)
    painter.setPen(colour)
    font = QFont(painter.font())
    font.setPixelSize(12)
    painter.setFont(font)
    painter.drawText(SIDE - side - 2, SIDE - side - 2, side, side, Qt.AlignmentFlag.AlignCenter, sign)
