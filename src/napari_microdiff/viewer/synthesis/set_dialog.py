"""A training set of many pairs: what is asked before, and what the worker does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from magicgui.widgets import ComboBox, FileEdit, SpinBox
from numpy.typing import NDArray
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from ...engine.options import SynthesizeOptions
from ...engine.request import Request
from ..layout import Rows
from .mask_source import MaskSource

_PROGRAMS = {
    "napari-microdiff": "microdiff",
    "StarDist": "stardist",
    "Cellpose": "cellpose",
    "nnU-Net": "nnunet",
    "another program, from OME-Zarr": "zarr",
}
_LAYOUTS = {"laid out anew at random": "random", "as they are in the mask": "given"}


class SetDialog(QDialog):
    """Asks how many pairs are wanted, for which program, and where.

    Parameters
    ----------
    mask : str
        Name of the layer that the objects are taken from.
    style : str, optional
        Name of the image whose style is taken over.
    parent : QWidget
    """

    def __init__(self, mask: str, style: str | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Make a training set")
        told = f"in the style of “{style}”" if style else "in any style that the model knows"
        text = QLabel(
            f"Images are drawn under objects like those of “{mask}”, {told}, and each is checked: those that do not "
            "show their mask, or are copies, are left out. Every file is marked as synthetic. You can cancel; the same "
            "settings with the same folder go on from there."
        )
        text.setWordWrap(True)
        self.count = SpinBox(value=100, min=1, max=100_000, tooltip="That the folder is to hold in all.")
        self.program = ComboBox(choices=list(_PROGRAMS.items()), tooltip="Program that is to learn from them.")
        self.layouts = ComboBox(choices=list(_LAYOUTS.items()), tooltip="Where objects lie.")
        self.folder = FileEdit(mode="d", value="")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.make = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.make.setText("Make")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.folder.line_edit.changed.connect(self._refresh)
        column = QVBoxLayout(self)
        column.addWidget(text)
        rows = Rows()
        named = {"Pairs": self.count, "To train": self.program, "Objects": self.layouts, "Folder": self.folder}
        for word, widget in named.items():
            rows.add(word, widget.native)
        column.addWidget(rows)
        column.addWidget(self.buttons)
        self.resize(440, self.sizeHint().height())
        self._refresh()

    def _refresh(self, _: object = None) -> None:
        chosen = bool(str(self.folder.line_edit.value).strip())
        self.make.setEnabled(chosen)
        self.make.setToolTip("" if chosen else "Choose a new folder, or one to go on with.")

    def wishes(self) -> dict[str, Any]:
        """Return what was chosen, as `start_set` takes it."""
        return {
            "count": int(self.count.value),
            "layout": self.program.value,
            "layouts": self.layouts.value,
            "folder": Path(str(self.folder.line_edit.value).strip()).expanduser(),
        }


@dataclass(frozen=True)
class Parents:
    """What a set is made from: pixels and names, since a worker touches no layer.

    Attributes
    ----------
    mask, style : (array, axes, name)
        Of the layers.
    sizes_um : dict
        Size of a pixel of the mask.
    classes : dict of int to int
        Of its objects, where the model knows several.
    """

    mask: tuple[Any, str, str]
    style: tuple[Any, str, str] | None
    sizes_um: dict[str, float]
    classes: dict[int, int]

    @classmethod
    def of(cls, source: MaskSource, request: Request) -> Parents:
        """Take them from a mask and what is asked for; on the GUI thread."""
        reference, style = source.others.reference, None
        if reference is not None and source.style is not None:
            style = (*reference, source.style.name)
        assert isinstance(request.options, SynthesizeOptions)
        mask = source.array, source.axes, source.name
        return cls(mask, style, source.sizes_um, dict(request.options.kinds))


def start_set(
    request: Request, parents: Parents, *, count: int, layout: str, layouts: str, folder: Path
) -> Iterator[Any]:
    """Return the events of making a set; called in the worker's thread."""
    from ...files import Picture
    from ...tasks.pairs import Wanted, make_pairs  # torch comes with it

    masks = [
        Picture(plane, "YX", pixel_size_um=parents.sizes_um, path=Path(name)) for plane, name in _planes(*parents.mask)
    ]
    styles = []
    if parents.style is not None:
        array, axes, name = parents.style
        styles = [Picture(np.asarray(array), axes, path=Path(name))]
    kinds = [parents.classes] * len(masks) if parents.classes else []
    wanted = Wanted(request, masks, styles, count, layout, layouts, kinds=kinds)  # type: ignore[arg-type]
    return make_pairs(wanted, folder)


def _planes(array: Any, axes: str, name: str) -> Iterator[tuple[NDArray[Any], str]]:
    """Yield the planes of a mask that hold objects, with a name for each; all of them where none does."""
    others = [range(n) if letter not in "YX" else [slice(None)] for letter, n in zip(axes, array.shape, strict=True)]
    found = []
    for index in product(*others):
        place = "".join(f" {letter}{i}" for letter, i in zip(axes, index, strict=True) if letter not in "YX")
        found.append((np.asarray(array[index]), name + place))
    yield from [(plane, words) for plane, words in found if plane.any()] or found


def outcome_in_words(made: Any, folder: Path) -> str:
    """Say what came of it."""
    return f"{folder.name} holds {made.pairs}, {made.new} of them new; {made.rejected} images were left out."
