"""A mask and the image that was drawn under it, which is drawn again, part by part, where the mask is edited."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray

from ...engine.events import Result
from ...engine.options import SynthesizeOptions
from ...engine.record import KEY
from ..looks import displayable

LARGEST = 2**26  # pixels of a mask that is compared after every stroke


@dataclass(frozen=True, eq=False)
class DrawnPair:
    """A mask and the image that was drawn under it.

    Attributes
    ----------
    mask : Labels
    image : Image
        Of the part of the mask that the result says.
    result : Result
        How it was drawn.
    drawn_from : ndarray
        The mask that the image shows, all of it: as it was then, with the edits that were drawn since. A copy.
    known : tuple of str
        Classes of objects that its model knows.
    classes : dict of int to int
        Class of each object that has one, as the image shows them.
    """

    mask: Labels
    image: Image
    result: Result
    drawn_from: NDArray[Any]
    known: tuple[str, ...] = ()
    classes: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, mask: Labels, image: Image, result: Result, array: Any, known: tuple[str, ...]) -> DrawnPair:
        """Return an image as it was drawn, and a mask which may be given a type of larger numbers later on."""
        assert isinstance(result.request.options, SynthesizeOptions)
        if isinstance(array, np.ndarray) and array.size <= LARGEST:
            roomy = array.dtype.itemsize > np.dtype(np.int32).itemsize or array.dtype == np.uint32
            array = array.astype(np.int64 if roomy else np.int32)
        return cls(mask, image, result, array, known, dict(result.request.options.kinds))

    @property
    def part(self) -> tuple[slice, ...]:
        """Where the image lies on the mask."""
        return tuple(slice(*span) for span in self.result.region)

    def as_shown(self, pixels: NDArray[np.float32]) -> NDArray[Any]:
        """Return pixels that were drawn in the type of the image."""
        return displayable(pixels, self.image.data.dtype) if self.image.rgb else pixels

    def show(self, box: tuple[slice, ...], pixels: NDArray[Any]) -> None:
        """Put pixels into the image."""
        self.image.data[box] = pixels
        self.image.refresh(thumbnail=False, highlight=False, extent=False)

    def keep(self, box: tuple[slice, ...], pixels: NDArray[Any]) -> None:
        """Have what is saved be what is shown; colours are two arrays."""
        sample = self.result.sample
        if sample is not None and sample is not self.image.data:
            sample[box] = pixels

    def keep_classes(self, classes: dict[int, int]) -> None:
        """Note the classes that the image shows now."""
        self.classes.clear()
        self.classes.update(classes)

    def note_redrawn(self) -> None:
        """Have the layer say that its request alone does not make it any more, and how often it was drawn on."""
        facts = json.loads(self.image.metadata[KEY])
        times = facts["report"].get("redrawn", 0) + 1
        facts["report"]["redrawn"] = times
        self.image.metadata[KEY] = json.dumps(facts)
        self.result.report["redrawn"] = times
