"""A model's card as a page to read."""

from __future__ import annotations

from html import escape

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from ..models.card import Card


def as_html(card: Card) -> str:
    """Return the card as a page."""
    parts = [f"<h3>{escape(card.title)}</h3><p>{escape(card.summary)}</p>"]
    if card.pixel_size_um is not None:
        low, high = card.pixel_size_um
        parts.append(f"<p>Pixel sizes seen in training: {low:.3g} to {high:.3g} µm.</p>")
    if card.quality:
        rows = "".join(
            f"<tr><td>{escape(q.measure)}&nbsp;&nbsp;</td><td>{escape(q.data)}&nbsp;&nbsp;</td>"
            f"<td align='right'>{q.value:.4g}&nbsp;{escape(q.unit)}</td></tr>"
            for q in card.quality
        )
        parts.append(f"<h4>Measured quality</h4><table>{rows}</table>")
    if card.known_failures:
        parts.append("<h4>Known failures</h4><ul>")
        parts += [f"<li>{escape(failure)}</li>" for failure in card.known_failures]
        parts.append("</ul>")
    if card.training_data:
        parts.append("<h4>Trained on</h4><ul>")
        parts += [
            f"<li>{escape(data.name)} ({escape(data.licence)}). {escape(data.attribution)}</li>"
            for data in card.training_data
        ]
        parts.append("</ul>")
    parent = f"<br>adapted from {escape(card.parent)}" if card.parent else ""
    parts.append(
        f"<p><small>{escape(card.id)}, version {escape(card.version)}, {escape(card.licence)}{parent}<br>"
        f"weights sha256 {card.weights_sha256}</small></p>"
    )
    return "".join(parts)


class CardDialog(QDialog):
    """Shows a card beside the viewer, which stays usable."""

    def __init__(self, card: Card, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(card.title)
        self.text = QTextBrowser()
        self.text.setOpenExternalLinks(True)
        self.text.setHtml(as_html(card))
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(close)
        self.resize(520, 460)
