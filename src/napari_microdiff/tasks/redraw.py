"""After an edit of a mask: its surroundings are drawn anew, so that they fit to all the rest, which stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..engine.events import Preview, Update
from ..engine.options import SynthesizeOptions
from ..engine.request import Request, Span
from ..imaging.axes import Sliceable
from ..imaging.changes import around
from .base import open_source
from .run import finish, run


@dataclass(frozen=True)
class Redrawn:
    """What an edit changes in the image; nothing follows.

    Attributes
    ----------
    region : tuple of (start, stop)
        The part of the mask that was drawn, one pair per axis.
    image : ndarray of float32
        Its pixels; colours are the last axis.
    """

    region: tuple[Span, ...]
    image: NDArray[np.float32]


def redraw(
    request: Request, labels: Sliceable, image: Sliceable, changed: tuple[Span, ...]
) -> Iterator[Update | Redrawn]:
    """Draw an image anew where its mask was edited.

    Parameters
    ----------
    request : Request
        How the image was drawn; of it the first sample is drawn again.
    labels : array-like
        The mask as it is now.
    image : array-like
        The image that was drawn under the mask as it was, in grey levels.
    changed : tuple of (start, stop)
        Where the mask was edited, one pair per axis of it.

    Yields
    ------
    Progress, Notice, Preview
        First of a look that takes one evaluation, then of the drawing itself. Closing the generator stops it.
    Redrawn
        Last. All outside of its region stays.

    Raises
    ------
    ImageError, RequestError, ModelError, DeviceError
        As of `run`.
    """
    region = around(changed, open_source(request.model_copy(update={"region": None}), labels).axes, labels.shape)
    assert isinstance(request.options, SynthesizeOptions)
    options = request.options.model_copy(update={"start": None})  # it begins with the image that was drawn from
    wanted = request.model_copy(update={"region": region, "samples": 1, "outputs": ("sample",), "options": options})
    if wanted.steps > 1:
        first = wanted.model_copy(update={"steps": 1})
        yield from (event for event in run(first, labels, behind=image) if isinstance(event, Preview))
    result = yield from finish(run(wanted, labels, behind=image))
    assert result.sample is not None
    yield Redrawn(region, result.sample)
