"""Changes one object of a mask at a time: its size, its shape, its place; each change is one Ctrl+Z.

The edits themselves are computed in the background, on a copy of the plane that is shown, and written on the GUI
thread. All that is said here of an object is said of this plane.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ...imaging.mask_edits import MaskEdit, bounding_box
from ..corrections.change import Change, write
from ..corrections.copies import unfit
from ..corrections.pen import Pen
from ..corrections.places import corners_of
from ..corrections.scratch import ScratchLayer
from ..jobs import Job
from ..view import shown_plane
from . import words
from .classes import named_classes, set_class
from .object_edits import TOOLS, compute_edit

_MOST_WAITING = 20  # edits that a held key may ask for ahead
_LARGEST = 2**26  # pixels of a plane that is copied for an edit
_FRAMED = 2**24  # pixels of a plane in which an object is looked for, to draw a frame around it


class ObjectTools(QObject):
    """Works on the objects of one mask, or of none.

    Parameters
    ----------
    viewer : ViewerModel
        Where the mask is.
    parent : QObject
        Who asks; when it goes, the mask is let go.
    """

    said = Signal(str, bool)  # a sentence, and whether it is a warning
    changed = Signal()  # the mask, or the object that is selected

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._scratch = viewer, ScratchLayer(viewer)
        self._held: list[tuple[Labels, Pen]] = []  # the mask
        self._chosen: int | None = None
        self._job: Job | None = None
        self._waiting: deque[str] = deque()
        self._rng = np.random.default_rng()
        self.destroyed.connect(partial(_leave, self._held, self._on_selected, self._scratch))

    @property
    def mask(self) -> Labels | None:
        """The mask that is worked on."""
        return self._held[0][0] if self._held else None

    @property
    def selected(self) -> int | None:
        """The object that somebody selected."""
        return self._chosen

    @property
    def busy(self) -> bool:
        """Whether an edit is being computed, or is to be."""
        return self._job is not None or bool(self._waiting)

    def hold(self, mask: Labels | None) -> None:
        """Take up a mask, or let go of the one that is held."""
        if mask is not None and mask == self.mask:
            return
        self._waiting.clear()
        if self._job is not None:
            self._job.cancel()
        gone = self.mask is not None and self.mask not in self._viewer.layers
        _let_go(self._held, self._on_selected)
        if not gone:  # together with the mask its layer must not be removed, see `ScratchLayer`
            self._scratch.close()
        self._chosen = None
        if mask is not None:
            problem = _unfit(mask)
            if problem:
                self.said.emit(problem, True)
            else:
                self._take(mask)
        self.changed.emit()

    def _take(self, mask: Labels) -> None:
        pen = Pen(self._scratch, mask, self)
        pen.clicked.connect(self._on_click)
        mask.events.selected_label.connect(self._on_selected)
        for name, tool in TOOLS.items():
            mask.bind_key(tool.key.replace("+", "-"), _asking(self, name), overwrite=False)
        self._held.append((mask, pen))
        self.said.emit(words.CLICK_OBJECT, False)

    # what is selected ---------------------------------------------------------------------------------------------

    def _on_click(self, place: NDArray[np.float64]) -> None:
        mask = self.mask
        if mask is None:
            return
        pixel = tuple(np.round(place).astype(int).tolist())
        inside = all(0 <= at < n for at, n in zip(pixel, mask.data.shape, strict=True))
        label = int(mask.data[pixel]) if inside else 0
        self._waiting.clear()  # which was asked for of the object that was selected
        if label == 0:
            self._choose(None)
        elif label == mask.selected_label:
            self._choose(label)
        else:
            mask.selected_label = label

    def _on_selected(self, event: object = None) -> None:
        if self.mask is not None:
            self._choose(int(self.mask.selected_label))

    def _choose(self, label: int | None) -> None:
        self._chosen = label
        if label is not None:
            self.said.emit(words.OBJECT_CHOSEN.format(label), False)
        elif self.mask is not None:
            self.said.emit(words.CLICK_OBJECT, False)
        self._frame()
        self.changed.emit()

    def _frame(self) -> None:
        """Draw a frame around the selected object, where it is on the plane that is shown."""
        if not self._held:
            return
        mask, pen = self._held[0]
        corners = None
        index = shown_plane(self._viewer, mask)
        plane = mask.data[index]
        if self._chosen is not None and plane.ndim == 2 and plane.size <= _FRAMED and (plane == self._chosen).any():
            corners = corners_of(self._viewer, mask, _in_stack(index, bounding_box(plane, self._chosen)))
        pen.frame(corners)

    # what is changed ----------------------------------------------------------------------------------------------

    def use(self, name: str) -> None:
        """Change the selected object, after all changes that were asked for before."""
        if self.mask is None:
            return
        if self._chosen is None:
            self.said.emit(words.CLICK_OBJECT, False)
        elif len(self._waiting) < _MOST_WAITING:
            self._waiting.append(name)
            self._next()

    def _next(self) -> None:
        mask, label = self.mask, self._chosen
        if self._job is not None or not self._waiting:
            return
        name = self._waiting.popleft()
        if mask is None or label is None or mask not in self._viewer.layers:
            self._waiting.clear()
            return
        index = shown_plane(self._viewer, mask)
        plane = np.array(mask.data[index])
        start = partial(compute_edit, TOOLS[name], mask.data, plane, label, self._rng)
        job = Job(f"Changing {mask.name}", start, self, quiet=True)
        job.done.connect(partial(self._write, mask, index, plane, name, label))
        job.failed.connect(self._failed)
        job.ended.connect(self._ended)
        self._job = job
        job.start()

    def _write(
        self,
        mask: Labels,
        index: tuple[Any, ...],
        plane: NDArray[np.integer],
        name: str,
        original: int,
        made: tuple[int, MaskEdit],
    ) -> None:
        if mask not in self._viewer.layers or mask != self.mask:
            return
        label, edit = made
        box = _in_stack(index, edit.box)
        shape = tuple(part.stop - part.start for part in box)
        before, after = plane[edit.box].reshape(shape), edit.labels.reshape(shape)
        region = tuple((part.start, part.stop) for part in box)
        problem = write(mask, Change(region, before, after), locked=())
        if problem:
            self._failed(problem)
            return
        if name == "copy":
            known = named_classes(mask)
            if original in known or label in known:  # of an object of that number that is gone
                set_class(mask, label, known.get(original))
            mask.selected_label = label
        elif name == "delete":
            self._choose(None)
        else:
            self._frame()
        self.said.emit(f"{TOOLS[name].done.format(label)} Ctrl+Z takes it back.", False)

    def _failed(self, message: str) -> None:
        self._waiting.clear()
        self.said.emit(message, True)

    def _ended(self) -> None:
        self._job = None
        self._next()


def _in_stack(index: tuple[Any, ...], box: tuple[slice, ...]) -> tuple[slice, ...]:
    """Return the box of a plane as one of the array that the plane lies in."""
    spans = iter(box)
    return tuple(next(spans) if isinstance(here, slice) else slice(here, here + 1) for here in index)


def _unfit(mask: Labels) -> str:
    if unfit(mask):
        return words.MASK_NOT_WRITABLE.format(mask.name)
    if int(np.prod(mask.data.shape[-2:], dtype=np.int64)) > _LARGEST:
        return words.MASK_TOO_LARGE.format(mask.name)
    return ""


def _asking(tools: ObjectTools, name: str) -> Callable[[Labels], None]:
    return lambda layer: tools.use(name)


def _let_go(held: list[tuple[Labels, Pen]], hears: Callable[..., None]) -> None:
    """Leave a mask as it was found."""
    for mask, pen in held:
        mask.events.selected_label.disconnect(hears)
        for tool in TOOLS.values():
            mask.bind_key(tool.key.replace("+", "-"), None)
        pen.close()
    held.clear()


def _leave(held: list[tuple[Labels, Pen]], hears: Callable[..., None], scratch: ScratchLayer, *_: Any) -> None:
    """Leave everything as it was found, when the tools are gone."""
    _let_go(held, hears)
    scratch.close()
