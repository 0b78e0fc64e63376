"""A new mask that is laid out like another one, as a layer, in the background."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ...errors import ImageError
from ...imaging.kinds import COLUMN
from ..jobs import Job
from ..layers import placement
from ..view import level_0, shown_plane
from .classes import named_classes


class Layouts(QObject):
    """Makes masks.

    Parameters
    ----------
    viewer : ViewerModel
        Where they go.
    parent : QObject
        Who asks.
    """

    made = Signal(object)  # Labels
    said = Signal(str, bool)
    changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.job: Job | None = None
        self._seed = 0

    def make(self, mask: Labels) -> None:
        """Lay the objects of the plane of a mask that is shown out anew; each time in another way."""
        if self.job is not None:
            return
        index = shown_plane(self._viewer, mask)
        self._seed += 1
        start = partial(_layout, level_0(mask), index, named_classes(mask), self._seed)
        self.job = Job(f"Laying out objects like {mask.name}", start, self)
        self.job.done.connect(partial(self._done, mask, mask.name))
        self.job.failed.connect(lambda message: self.said.emit(message, True))
        self.job.ended.connect(self._ended)
        self.changed.emit()
        self.job.start()

    def _done(self, mask: Labels, name: str, made: tuple[NDArray[np.int32], list[str]]) -> None:
        labels, classes = made
        place = placement(mask)
        flat = {key: place[key][-2:] for key in ("scale", "translate", "units", "axis_labels")}
        layer = Labels(labels, name=f"{name} laid out {self._seed}", **flat)
        if classes:
            layer.features = {"index": np.arange(1, len(classes) + 1), COLUMN: np.array(classes, dtype=object)}
        self._viewer.add_layer(layer)
        self.made.emit(layer)

    def _ended(self) -> None:
        self.job = None
        self.changed.emit()


def _layout(
    array: Any, index: tuple[Any, ...], classes: dict[int, str], seed: int
) -> Iterator[tuple[NDArray[np.int32], list[str]]]:
    """Yield labels and, where the mask has classes, the name of that of each object, in the order of their labels."""
    from ...imaging.layout import random_layout
    from ...imaging.population import population_of

    plane = np.asarray(array[index])
    if plane.ndim != 2:
        raise ImageError("Only a mask with planes of height and width can be laid out anew.")
    names = ["", *sorted(set(classes.values()))]  # objects without a class are laid out as such
    kinds = {label: names.index(classes.get(label, "")) + 1 for label in np.unique(plane).tolist()}
    population = population_of([plane], [kinds])
    layout = random_layout(population, (int(plane.shape[0]), int(plane.shape[1])), np.random.default_rng(seed))
    yield layout.labels, [names[kind - 1] for kind in layout.kinds.tolist()] if classes else []
