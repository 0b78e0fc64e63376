"""Parts of an image that were drawn again, so that undoing an edit of the mask brings back the image, too."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engine.request import Span
from ...imaging.changes import reclassified

_PIXELS = 2**26  # that are remembered in all


@dataclass(frozen=True)
class Patch:
    """Mask and image of a box, before and after.

    Attributes
    ----------
    region : tuple of (start, stop)
        The box, one pair per axis of the mask.
    masks, images : (ndarray, ndarray)
        Before and after; those of the image may have an axis of colours more.
    classes : (mapping, mapping)
        Those of all objects, before and after.
    """

    region: tuple[Span, ...]
    masks: tuple[NDArray[Any], NDArray[Any]]
    images: tuple[NDArray[Any], NDArray[Any]]
    classes: tuple[Mapping[int, int], Mapping[int, int]]

    @property
    def turned(self) -> Patch:
        """What undoing it does."""
        return Patch(self.region, self.masks[::-1], self.images[::-1], self.classes[::-1])


class Patches:
    """The last of them, the newest first to be found."""

    def __init__(self) -> None:
        self._all: deque[Patch] = deque()

    def add(self, patch: Patch) -> None:
        """Remember one; the oldest are forgotten where there are too many."""
        self._all.append(patch)
        while len(self._all) > 1 and sum(each.images[0].size for each in self._all) > _PIXELS:
            self._all.popleft()

    def take_back(
        self, region: tuple[Span, ...], mask: NDArray[Any], classes: Mapping[int, int], image: NDArray[Any]
    ) -> NDArray[Any] | None:
        """Return what the image of a box was when its mask was as it is now, if that is known.

        Parameters
        ----------
        region : tuple of (start, stop)
            The box.
        mask : ndarray
            Of the box, as it is now.
        classes : mapping of int to int
            Of the objects, as they are now.
        image : ndarray
            Of the box, as it is still. Where it was changed by something else there is nothing to bring back.
        """
        for patch in reversed(self._all):
            if (
                patch.region == region
                and not reclassified(patch.classes[0], classes)
                and np.array_equal(patch.masks[0], mask)
                and np.array_equal(patch.images[1], image)
            ):
                self._all.remove(patch)
                self.add(patch.turned)  # so that redoing works as undoing does
                return patch.images[0]
        return None
