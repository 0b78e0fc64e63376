"""Adapting a model to one image: the question before and the pictures after."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from magicgui.widgets import LineEdit, SpinBox
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ..errors import MicrodiffError
from ..models.card import LONGEST_IDENTITY, Card
from .choices import ModelChoice
from .jobs import Job
from .layers import LayerSource
from .layout import Rows
from .parts import Line

if TYPE_CHECKING:
    from .panel import Panel

SIDE = 320
_CUBES_TIP = (
    "For a stack that was recorded isotropic: it is cut along all its axes, and the model learns to fill in slices\n"
    "that are as far apart as Slices says. Use it on thicker stacks of the same tissue. 160 voxels a side are needed."
)
_TAKEN = "'{}' is taken. Choose another name."


class Words(NamedTuple):
    """What a panel says about adapting.

    Attributes
    ----------
    to : str
        What the model is adapted to: ``"image"``, ``"stack"``.
    learning : str
        What is learned from, after "is trained further on".
    takes : str
        A sentence on how long that takes, without its full stop.
    """

    to: str
    learning: str
    takes: str


def events_of_adapting(task: str, model: str, array: Any, **fields: Any) -> Iterator[Any]:
    """Return the events of adapting; called in the worker's thread."""
    if task == "isotropic":
        from ..training.isotropic.adapt import adapt as adapt_to_stack  # torch comes with it

        return adapt_to_stack(model, array, **fields)
    from ..training.denoise.adapt import adapt

    return adapt(model, array, **fields)


class Adapting:
    """A button that trains the chosen model further on the chosen image, and what follows from it.

    Parameters
    ----------
    panel : Panel
        The panel that it belongs to.
    fields : callable
        Returns what else adapting has to be told.
    cubes : callable
        Returns whether the voxels of the image are cubes, to learn along z, too; None if that is out of question.
    """

    def __init__(
        self,
        panel: Panel,
        words: Words,
        fields: Callable[[], dict[str, Any]] = dict,
        cubes: Callable[[], bool | None] = lambda: None,
    ) -> None:
        self._panel, self._words, self._fields, self._cubes = panel, words, fields, cubes
        self.button = QPushButton(f"Adapt to this {words.to}…")
        self.button.clicked.connect(self.ask)

    def refresh(self, reason: str) -> None:
        """Offer it, unless there is a reason why it cannot be done."""
        self.button.setEnabled(not reason)
        self.button.setToolTip(reason or f"Train the model on {self._words.learning}. {self._words.takes}.")

    def ask(self) -> None:
        """Ask for a name, then adapt."""
        layer, card = self._panel.image.layer, self._panel.model.card
        if layer is None or card is None:
            return
        dialog = AdaptDialog(layer.name, card, self._words, self._panel, cubes=self._cubes())
        dialog.accepted.connect(lambda: self.begin(dialog.name, dialog.steps, **dialog.more))
        dialog.open()

    def begin(self, name: str, steps: int, **more: Any) -> None:
        """Adapt the chosen model to the chosen image in the background; ``more`` is told to adapting, too."""
        panel = self._panel
        layer, card = panel.image.layer, panel.model.card
        if layer is None or card is None or panel.blocked():
            return
        try:
            source = LayerSource.of(layer)
        except MicrodiffError as error:
            panel.refuse(error)
            return
        seed, device = int(panel.more.seed.value), panel.more.device
        asked = {"axes": source.axes, "name": name, "steps": steps, "seed": seed, "device": device}
        # The worker gets arrays, never layers: the last to let go of a layer must be the GUI thread.
        start = partial(events_of_adapting, panel.task, card.id, source.array, **asked, **self._fields(), **more)
        job = Job(f"Adapting {card.title} to {source.name}", start, panel)
        job.done.connect(partial(self._adapted, source.name))
        panel.runner.begin(job)

    def _adapted(self, image: str, adapted: Any) -> None:
        panel = self._panel
        for choice in panel.window().findChildren(ModelChoice):  # other panels that are open offer it, too
            choice.reload()
        if adapted.helped is not False:
            panel.model.choose(adapted.model_id)
        panel.results.line.say(verdict(adapted, image))
        BeforeAfterDialog(adapted.before, adapted.after, image, panel).show()


def as_id(text: str) -> str:
    """Return a name that a model may have, as near to ``text`` as can be."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._") or "adapted"


def verdict(adapted: Any, image: str) -> str:
    """Say what adapting brought, and which model is chosen now."""
    if adapted.helped is False:
        return (
            f"Learning from {image} brought next to nothing ({adapted.gain_db:+.1f} dB, as estimated): the model "
            f"chosen before stays chosen. What came out was saved as '{adapted.model_id}'."
        )
    judged = (
        "whether that helped could not be measured. Compare before and after."
        if adapted.helped is None
        else f"its error is estimated to be {adapted.gain_db:.1f} dB smaller."
    )
    return f"The model '{adapted.model_id}' is adapted to {image} and chosen now; {judged}"


class AdaptDialog(QDialog):
    """Asks for a name and the length of the training."""

    def __init__(self, layer_name: str, card: Card, words: Words, panel: Panel, *, cubes: bool | None = None) -> None:
        from ..models.store import taken_names

        super().__init__(panel)
        self._taken = taken_names()
        self.setWindowTitle(f"Adapt to this {words.to}")
        text = QLabel(
            f"“{card.title}” is trained further on {words.learning}. It is kept as a new model under a name of its "
            f"own. {words.takes}; you can go on working."
        )
        text.setWordWrap(True)
        self._name = LineEdit(value=as_id(layer_name))
        self._name.native.setMaxLength(LONGEST_IDENTITY)  # cuts off what is longer
        self.told = Line(panel.viewer)
        _keep_room(self.told)
        self._steps = SpinBox(value=300, min=10, max=10000, step=50)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._adapt = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._adapt.setText("Adapt")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(text)
        rows = Rows()
        rows.add("Name of the model", self._name.native, self.told)
        rows.add("Training steps", self._steps.native)
        column.addWidget(rows)
        self._cubes = QCheckBox("Its voxels are cubes: learn along z, too")
        self._cubes.setToolTip(_CUBES_TIP)
        self._cubes.setChecked(bool(cubes))
        self._cubes.setVisible(cubes is not None)
        column.addWidget(self._cubes)
        column.addWidget(buttons)
        self.resize(400, self.sizeHint().height())
        self._name.changed.connect(self._tell)
        self._tell()

    def _tell(self, _: object = None) -> None:
        """Say what the model will be called, where that is not what was typed, and whether there is one already."""
        taken = self.name in self._taken
        called = f"It will be called '{self.name}'." if self.name != self._name.value else ""
        self.told.say(_TAKEN.format(self.name) if taken else called, warn=taken)
        self._adapt.setEnabled(not taken)

    @property
    def name(self) -> str:
        """Name of the new model."""
        return as_id(str(self._name.value))

    @property
    def steps(self) -> int:
        """Training steps."""
        return int(self._steps.value)

    @property
    def more(self) -> dict[str, Any]:
        """What else adapting is told."""
        return {"isotropic": True} if self._cubes.isChecked() else {}


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


def _keep_room(line: Line) -> None:
    """Let a line take its room while it says nothing, so that nothing moves when it does."""
    policy = line.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    line.setSizePolicy(policy)


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
